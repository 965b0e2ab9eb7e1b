#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Latency of one forward pass of a workload on the CPU: PyTorch, eager and compiled, and ONNX Runtime.

    peer_infer.py dense --write-weights w.safetensors --write-data x.npy --batch-size 1
    peer_infer.py dense --mode eager --threads 2 --weights w.safetensors --data x.npy --json

Samples are in memory before a call, results after it. Keys of the result: see README.md beside this file. Exits 77,
saying so, where a package that the mode needs is not installed.
"""
import argparse
import importlib.util
import json
import os
import sys
import time

from peer_torch import DATA_BATCHES, WORKLOADS, median

WARM_S, WARM_CALLS = 0.2, 50        # as cinch warms up
TIMED_S, FEWEST_CALLS = 2.0, 20
PACKAGES = ("torch", "numpy", "safetensors")
MODES = {"eager": (), "compile": (), "onnx": ("onnxruntime", "onnx")}


# ---------------------------------------------------------------- the modes: each gives one function for each batch

def load_model(args):
    import torch
    from safetensors.torch import load_file
    model = WORKLOADS[args.workload]().model(torch.nn)
    model.load_state_dict(load_file(args.weights), strict=True)
    return model.eval()


def torch_calls(args, batches):
    import torch
    model = load_model(args)
    if args.mode == "compile":
        model = torch.compile(model)
    inputs = [torch.from_numpy(b) for b in batches]
    return [lambda x=x: model(x) for x in inputs], lambda y: y.numpy(), "PyTorch " + torch.__version__


def onnx_graph(model, width):
    """The model as ONNX: what its Linear, ReLU and Sigmoid modules are there."""
    from onnx import TensorProto, helper, numpy_helper
    nodes, weights, at = [], [], "x"
    layers = [m for m in model.modules() if not list(m.children())]
    for i, layer in enumerate(layers):
        kind, out = type(layer).__name__, "y" if i + 1 == len(layers) else f"v{i}"
        if kind == "Linear":
            weights += [numpy_helper.from_array(p.detach().numpy(), f"{n}{i}") for n, p in layer.named_parameters()]
            nodes.append(helper.make_node("Gemm", [at, f"weight{i}", f"bias{i}"], [out], transB=1))
        else:
            nodes.append(helper.make_node({"ReLU": "Relu", "Sigmoid": "Sigmoid"}[kind], [at], [out]))
        at = out
    value = [helper.make_tensor_value_info(n, TensorProto.FLOAT, ["n", width]) for n in ("x", "y")]
    graph = helper.make_graph(nodes, "workload", value[:1], value[1:], weights)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8).SerializeToString()


def onnx_calls(args, batches):
    """Inputs and results are bound beforehand, which spares what `run` spends on looking at them."""
    import numpy
    import onnxruntime
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = args.threads, 1
    session = onnxruntime.InferenceSession(onnx_graph(load_model(args), batches[0].shape[1]), options,
                                           providers=["CPUExecutionProvider"])
    results = numpy.empty_like(batches[0])
    result = onnxruntime.OrtValue.ortvalue_from_numpy(results)
    calls = []
    for batch in batches:
        binding = session.io_binding()
        binding.bind_ortvalue_input("x", onnxruntime.OrtValue.ortvalue_from_numpy(batch))
        binding.bind_ortvalue_output("y", result)
        calls.append(lambda binding=binding: session.run_with_iobinding(binding))
    return calls, lambda _: result.numpy(), "ONNX Runtime " + onnxruntime.__version__


# ---------------------------------------------------------------- timing

def percentile(times, percent):
    """The least time that so many of the calls stay within; `times` are sorted."""
    return times[max(0, (len(times) * percent + 99) // 100 - 1)]


def mean_error(calls, read, batches):
    import numpy
    errors = [numpy.mean((batch.astype(numpy.float64) - read(call())) ** 2) for call, batch in zip(calls, batches)]
    return float(numpy.mean(errors))


def warm_up(calls):
    start, done = time.perf_counter(), 0
    while done < WARM_CALLS or time.perf_counter() - start < WARM_S:
        calls[done % len(calls)]()
        done += 1
    return (time.perf_counter() - start) / done


def time_calls(calls, count):
    seconds = warm_up(calls)
    clock, times = time.perf_counter_ns, []
    for i in range(count or max(FEWEST_CALLS, int(TIMED_S / seconds))):
        call = calls[i % len(calls)]
        start = clock()
        call()
        times.append((clock() - start) * 1e-3)
    return sorted(times)


def measure(args):
    import numpy
    data = numpy.ascontiguousarray(numpy.load(args.data), dtype=numpy.float32)
    n = args.batch_size
    batches = [data[i:i + n] for i in range(0, len(data) - n + 1, n)]
    start = time.perf_counter()
    calls, read, framework = (onnx_calls if args.mode == "onnx" else torch_calls)(args, batches)
    calls[0]()
    open_ms = (time.perf_counter() - start) * 1e3
    error = mean_error(calls, read, batches)
    times = time_calls(calls, args.calls)
    return {"what": args.workload, "device": "cpu", "precision": "f32", "threads": args.threads, "batch_size": n,
            "calls": len(times), "min_us": times[0], "p50_us": percentile(times, 50), "p90_us": percentile(times, 90),
            "p99_us": percentile(times, 99), "max_us": times[-1], "samples_per_s": n / median(times) * 1e6,
            "open_ms": open_ms, "error": error, "mode": args.mode, "framework": framework}


# ---------------------------------------------------------------- command line

def write_files(args):
    """Weights and data for both sides of a comparison."""
    import numpy
    import safetensors.torch
    import torch
    torch.manual_seed(args.seed)
    work = WORKLOADS[args.workload]()
    data = numpy.random.default_rng(args.seed).random((DATA_BATCHES * args.batch_size,) + work.input_shape(),
                                                      dtype=numpy.float32) ** 4
    safetensors.torch.save_file(work.model(torch.nn).state_dict(), args.write_weights)
    numpy.save(args.write_data, data)


def require_packages(mode):
    missing = [m for m in PACKAGES + MODES[mode] if importlib.util.find_spec(m) is None]
    if missing:
        print(f"peer_infer.py: {', '.join(missing)} not installed for {sys.executable}: {mode} is skipped",
              file=sys.stderr)
        sys.exit(77)


def parse():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("workload", choices=sorted(WORKLOADS))
    p.add_argument("--mode", default="eager", choices=list(MODES))
    p.add_argument("--batch-size", type=int, default=1)
    p.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    p.add_argument("--calls", type=int, default=0, help="timed calls; default: about two seconds")
    p.add_argument("--seed", type=int, default=0)
    p.add_argument("--weights", metavar="FILE.safetensors")
    p.add_argument("--data", metavar="FILE.npy", help="f32 samples, taken in order and from the start again")
    p.add_argument("--check", action="store_true", help="only say whether the mode's packages are installed")
    p.add_argument("--write-weights", metavar="FILE.safetensors", help="with --write-data: write both and stop")
    p.add_argument("--write-data", metavar="FILE.npy", help=f"{DATA_BATCHES} batches of random data")
    p.add_argument("--json", action="store_true", help="one line of JSON")
    args = p.parse_args()
    if min(args.batch_size, args.threads) < 1 or args.calls < 0:
        p.error("--batch-size, --threads and --calls are at least 1")
    if not args.check and not (args.write_weights and args.write_data or args.weights and args.data):
        p.error("give --weights and --data, --write-weights and --write-data, or --check")
    return args


def main():
    args = parse()
    require_packages(args.mode)
    if args.check:
        return None
    if args.write_weights:
        return write_files(args)
    import torch
    torch.set_num_threads(args.threads)
    with torch.inference_mode():
        r = measure(args)
    print(json.dumps(r) if args.json else "\n".join(f"{k}: {v}" for k, v in r.items()))


if __name__ == "__main__":
    main()

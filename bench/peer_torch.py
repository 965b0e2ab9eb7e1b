#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs one workload of the benchmark set in PyTorch, as fast as PyTorch runs it on this machine's CPU or GPU.

    peer_torch.py dense --batch-size 64 --json
    peer_torch.py dense --device cuda --precision bf16 --batch-size 16384 --json
    peer_torch.py peaks --device cuda --json
    peer_torch.py dense --mode eager/fused --threads 2 --weights w.safetensors --data x.npy --json
    peer_torch.py dense --write-weights w.safetensors --write-data x.npy

A step is forward, loss, backward and optimiser update on data already in memory. On the CPU every candidate runs in a
process of its own, so that its peak memory and its first step are its own; the GPU's part is peer_cuda.py. Keys of the
result: see README.md beside this file.
Exits 77 where PyTorch, numpy or safetensors is not installed.
"""
import argparse
import importlib.util
import json
import os
import subprocess
import sys
import time

WARM_STEPS = 20        # their losses are reported; a compiled step has settled by then
DATA_BATCHES = 16      # so that a step never finds its batch in the cache of the step before
THREAD_PRUNE = 1.3     # a thread count that much slower in the first mode is not tried in the others
FINALISTS = 3
CHILD_TIMEOUT_S = 900

# Initial weights are taken only if noise of 1e-6 on them moves no early loss by more than 1e-5. A nearly dead unit
# would: rounding decides whether one sample wakes it, and Adam at once gives it full steps. The data are fourth powers
# of uniform random numbers, dark as images are, because under brighter ones units die in every run.
NOISE, NOISE_TRIES, STEADY, WEIGHT_TRIES = 1e-6, 3, 1e-5, 20

# name: (torch.compile arguments or None, how the optimiser runs)
MODES = {
    "eager/fused": (None, "fused"),
    "eager/foreach": (None, "foreach"),
    "compile/fused": ({}, "fused"),
    "compile/step": ({}, "compiled"),
    "compile-cpp-wrapper/fused": ({"options": {"cpp_wrapper": True}}, "fused"),
    "compile-max-autotune/fused": ({"mode": "max-autotune"}, "fused"),
    "compile-max-autotune/step": ({"mode": "max-autotune"}, "compiled"),
}

# glibc gives large blocks back to the kernel after each step; "tuned" keeps them, as jemalloc or tcmalloc would.
ALLOCATORS = {
    "stock": {},
    "tuned": {"MALLOC_MMAP_THRESHOLD_": str(1 << 30), "MALLOC_TRIM_THRESHOLD_": str(1 << 40)},
}


class Dense:
    """784-512-256-64 and back: ReLU after every hidden layer, linear code, sigmoid output; MSE; Adam 1e-3."""
    sizes = (784, 512, 256, 64)
    batch_size = 256
    optimizer = ("Adam", {"lr": 1e-3})

    def input_shape(self):
        return (self.sizes[0],)

    def model(self, nn):
        from collections import OrderedDict
        return nn.Sequential(OrderedDict(encoder=self.stack(nn, self.sizes, None),
                                         decoder=self.stack(nn, self.sizes[::-1], nn.Sigmoid)))

    @staticmethod
    def stack(nn, sizes, last):
        layers = []
        for n_in, n_out in zip(sizes, sizes[1:]):
            layers += [nn.Linear(n_in, n_out), nn.ReLU()]
        layers[-1:] = [last()] if last else []
        return nn.Sequential(*layers)

    def loss(self, torch, model, x):
        return torch.nn.functional.mse_loss(model(x), x)

    def flops(self, batch):
        """Multiplications and additions of the matrix products; the input's own gradient is not computed."""
        products = [a * b for a, b in zip(self.sizes, self.sizes[1:])]
        weights = 2 * sum(products)
        return 2 * batch * (3 * weights - products[0])


WORKLOADS = {"dense": Dense}


# ---------------------------------------------------------------- one candidate, in its own process

def status_bytes(key):
    with open("/proc/self/status") as f:
        for line in f:
            if line.startswith(key + ":"):
                return int(line.split()[1]) * 1024
    return 0


def forget_peak():
    """Restarts the kernel's record of the peak resident size, which importing would else decide."""
    try:
        with open("/proc/self/clear_refs", "w") as f:
            f.write("5")
    except OSError:
        pass


class Trainer:
    def __init__(self, torch, work, args):
        compile_args, optimiser = MODES[args.mode]
        torch.manual_seed(args.seed)
        self.work, self.torch = work, torch
        self.model = work.model(torch.nn)
        if args.weights:
            from safetensors.torch import load_file
            self.model.load_state_dict(load_file(args.weights), strict=True)
        self.batches = self.load_batches(args)
        kind, options = work.optimizer
        variant = {"fused": True} if optimiser == "fused" else {"foreach": True}
        self.optimizer = getattr(torch.optim, kind)(self.model.parameters(), **options, **variant)
        self.loss, self.update = self.forward, self.optimizer.step
        if compile_args is not None:
            self.loss = torch.compile(self.forward, **compile_args)
        if optimiser == "compiled":
            self.update = torch.compile(self.optimizer.step)
        self.steps = 0

    def load_batches(self, args):
        if not args.data:
            data = self.torch.rand(DATA_BATCHES * args.batch_size, *self.work.input_shape()) ** 4
        else:
            import numpy
            data = self.torch.from_numpy(numpy.ascontiguousarray(numpy.load(args.data), dtype=numpy.float32))
        return [b for b in data.split(args.batch_size) if len(b) == args.batch_size]

    def forward(self, x):
        return self.work.loss(self.torch, self.model, x)

    def step(self):
        loss = self.loss(self.batches[self.steps % len(self.batches)])
        loss.backward()
        self.update()
        self.optimizer.zero_grad(set_to_none=True)
        self.steps += 1
        return loss.detach()

    def timed_step(self):
        start = time.perf_counter()
        loss = self.step()
        return (time.perf_counter() - start) * 1e3, loss


def median(values):
    v = sorted(values)
    return v[len(v) // 2] if len(v) % 2 else (v[len(v) // 2 - 1] + v[len(v) // 2]) / 2


def matrix_peak(torch, n=2048, tries=10):
    """FLOP/s of a square f32 product, the best of several."""
    a, b, out = torch.rand(n, n), torch.rand(n, n), torch.empty(n, n)
    best = float("inf")
    for _ in range(tries):
        start = time.perf_counter()
        torch.mm(a, b, out=out)
        best = min(best, time.perf_counter() - start)
    return 2 * n ** 3 / best


def run_candidate(args):
    import numpy  # noqa: F401  loaded here so that it counts as start-up
    import safetensors.torch  # noqa: F401
    import torch
    torch.set_num_threads(args.threads)
    import_bytes = status_bytes("VmRSS")
    torch.optim.Adam([torch.zeros(1)])      # the first optimiser imports modules of more than 100 MB
    forget_peak()
    start_bytes = status_bytes("VmRSS")
    trainer = Trainer(torch, WORKLOADS[args.workload](), args)
    first_ms, loss = trainer.timed_step()
    losses = [loss.item()] + [trainer.step().item() for _ in range(WARM_STEPS - 1)]
    times = []
    for _ in range(args.steps):
        ms, loss = trainer.timed_step()
        times.append(ms)
    peak = status_bytes("VmHWM")
    memory = {"peak_bytes": peak - start_bytes, "peak_bytes_import": peak - import_bytes}
    return result(args, torch, times, first_ms, losses, loss.item(), memory)


def result(args, torch, times, first_ms, losses, loss_last, memory):
    step_ms = median(times)
    flops = WORKLOADS[args.workload]().flops(args.batch_size)
    return {
        "workload": args.workload, "device": "cpu", "precision": "f32", "threads": args.threads,
        "batch_size": args.batch_size, "step_ms": step_ms, "step_ms_min": min(times), "step_ms_max": max(times),
        "samples_per_s": args.batch_size / step_ms * 1e3, "first_step_ms": first_ms,
        "compile_ms": first_ms - step_ms if MODES[args.mode][0] is not None else None,
        **memory, "flops_per_step": flops,
        "share_of_peak": flops / (step_ms * 1e-3) / matrix_peak(torch),
        "loss_first": losses[0], "loss_last": loss_last, "losses": losses, "steps": args.steps,
        "mode": args.mode, "allocator": args.allocator, "framework": "PyTorch " + torch.__version__,
    }


# ---------------------------------------------------------------- the search for the best candidate

def spawn(args, mode, threads, steps=None):
    """One candidate in its own process: its result, or {"error": ...}."""
    command = [sys.executable, os.path.abspath(__file__), args.workload, "--child", "--mode", mode,
               "--threads", str(threads), "--steps", str(steps or args.steps), "--seed", str(args.seed),
               "--batch-size", str(args.batch_size), "--allocator", args.allocator]
    for flag in ("weights", "data"):
        if getattr(args, flag):
            command += ["--" + flag, getattr(args, flag)]
    try:
        done = subprocess.run(command, env=child_environment(args, threads), capture_output=True, text=True,
                              timeout=CHILD_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        return {"mode": mode, "threads": threads, "error": f"no result after {CHILD_TIMEOUT_S} s"}
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if done.returncode == 0 and lines:
        return json.loads(lines[-1])
    reason = done.stderr.strip().splitlines() or [f"exit status {done.returncode}"]
    return {"mode": mode, "threads": threads, "error": reason[-1]}


def child_environment(args, threads):
    env = {k: v for k, v in os.environ.items() if not k.startswith(("MALLOC_", "GLIBC_TUNABLES", "OPENBLAS_"))}
    env.update(ALLOCATORS[args.allocator], OMP_NUM_THREADS=str(threads))
    return env


def say(args, r):
    if not args.quiet:
        what = f"error: {r['error']}" if "error" in r else f"{r['step_ms']:.2f} ms (min {r['step_ms_min']:.2f})"
        print(f"peer: {r['mode']}, {r['threads']} threads, {args.allocator} allocator: {what}", file=sys.stderr)
    return r


def thread_counts(args):
    n = len(os.sched_getaffinity(0))
    return [args.threads] if args.threads else sorted({1, n}, reverse=True)


def first_trials(args, modes):
    """Each mode once; thread counts that the first mode shows to be slow are left out of the rest."""
    trials, threads = [], thread_counts(args)
    for mode in modes:
        trials += [say(args, spawn(args, mode, t, min(args.steps, 60))) for t in threads]
        good = [r for r in trials if "error" not in r]
        if len(threads) > 1 and good:
            limit = THREAD_PRUNE * min(r["step_ms_min"] for r in good)
            threads = [r["threads"] for r in good if r["step_ms_min"] <= limit and r["threads"] in threads]
            threads = sorted(set(threads), reverse=True)
    return trials


def search(args, modes):
    """The fastest of all candidates, by their shortest steps, which other programs disturb least; the leaders run
    again, because one run says little."""
    trials = first_trials(args, modes)
    good = sorted((r for r in trials if "error" not in r), key=lambda r: r["step_ms_min"])
    if not good:
        sys.exit("peer_torch.py: no mode ran: " + "; ".join(f"{r['mode']}: {r['error']}" for r in trials))
    leaders = [(r["mode"], r["threads"]) for r in good[:FINALISTS]]
    finals = [say(args, spawn(args, *leader)) for _ in range(args.repeat) for leader in leaders]
    best = min((r for r in finals if "error" not in r), key=lambda r: r["step_ms_min"], default=good[0])
    keep = ("mode", "threads", "step_ms", "step_ms_min", "first_step_ms", "peak_bytes", "error")
    best["tried"] = [{k: r[k] for k in keep if k in r} for r in trials + finals]
    return best


def run_one(args):
    """A named mode, `repeat` processes: the one with the lowest median."""
    runs = [say(args, spawn(args, args.mode, args.threads or thread_counts(args)[0])) for _ in range(args.repeat)]
    good = [r for r in runs if "error" not in r]
    if not good:
        sys.exit(f"peer_torch.py: {args.mode}: {runs[-1]['error']}")
    return min(good, key=lambda r: r["step_ms"])


# ---------------------------------------------------------------- command line

def early_losses(torch, work, weights, batches, noise=0.0):
    """Losses of the first steps in double precision, from weights with relative noise."""
    model = work.model(torch.nn)
    model.load_state_dict(weights)
    model.to(batches[0])
    with torch.no_grad():
        for p in model.parameters():
            p.add_(noise * p.abs().mean() * torch.randn_like(p))
    kind, options = work.optimizer
    optimizer = getattr(torch.optim, kind)(model.parameters(), **options)
    losses = []
    for step in range(WARM_STEPS):
        loss = work.loss(torch, model, batches[step % len(batches)])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def steady(torch, work, weights, batches):
    exact = early_losses(torch, work, weights, batches)
    for _ in range(NOISE_TRIES):
        noisy = early_losses(torch, work, weights, batches, NOISE)
        if max(abs(a / b - 1) for a, b in zip(noisy, exact)) > STEADY:
            return False
    return True


def choose_weights(torch, work, data, args):
    batches = torch.from_numpy(data).to(args.device, torch.float64).split(args.batch_size)
    for i in range(WEIGHT_TRIES):
        torch.manual_seed(args.seed + i)
        weights = work.model(torch.nn).state_dict()
        if steady(torch, work, weights, batches):
            return weights
    sys.exit(f"peer_torch.py: none of {WEIGHT_TRIES} initial weights gives losses that two programs can agree on")


def write_files(args):
    """Initial weights and data for both sides of a comparison."""
    import numpy
    import safetensors.torch
    import torch
    if args.device == "cpu":
        torch.set_num_threads(1)
    work = WORKLOADS[args.workload]()
    shape = (DATA_BATCHES * args.batch_size,) + work.input_shape()
    data = numpy.random.default_rng(args.seed).random(shape, dtype=numpy.float32) ** 4
    if args.write_weights:
        safetensors.torch.save_file(choose_weights(torch, work, data, args), args.write_weights)
    if args.write_data:
        numpy.save(args.write_data, data)


def require_packages():
    missing = [m for m in ("torch", "numpy", "safetensors") if importlib.util.find_spec(m) is None]
    if missing:
        print(f"peer_torch.py: {', '.join(missing)} not installed for {sys.executable}: skipped (set PYTHON to a "
              "Python that has torch, numpy and safetensors)", file=sys.stderr)
        sys.exit(77)


def parse():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("workload", choices=sorted(WORKLOADS) + ["peaks"],
                   help="peaks: the GPU's copies and products, in place of a workload")
    p.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    p.add_argument("--precision", default="f32", choices=["f32", "tf32", "bf16"], help="the CPU's is f32")
    p.add_argument("--batch-size", type=int)
    p.add_argument("--threads", type=int, help="one thread count instead of the best of 1 and all")
    p.add_argument("--mode", default="best", help="best, eager, compile or one of %s; the GPU's are in peer_cuda.py"
                   % ", ".join(MODES))
    p.add_argument("--allocator", default="stock", choices=sorted(ALLOCATORS))
    p.add_argument("--steps", type=int, default=100, help=f"timed steps, after {WARM_STEPS} others (100)")
    p.add_argument("--repeat", type=int, default=2, help="processes for each mode that counts; the best is taken (2)")
    p.add_argument("--seed", type=int, default=0)
    p.add_argument("--weights", metavar="FILE.safetensors", help="initial weights")
    p.add_argument("--data", metavar="FILE.npy", help="f32 samples, taken in order and from the start again")
    p.add_argument("--write-weights", metavar="FILE.safetensors",
                   help="write initial weights for this batch size and stop")
    p.add_argument("--write-data", metavar="FILE.npy", help=f"write {DATA_BATCHES} batches of random data and stop")
    p.add_argument("--json", action="store_true", help="one line of JSON")
    p.add_argument("--quiet", action="store_true", help="no progress on stderr")
    p.add_argument("--serve", action="store_true", help="GPU: after the result, another one for each line on stdin")
    p.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    args = p.parse_args()
    check(p, args)
    if args.workload != "peaks":
        args.batch_size = args.batch_size or WORKLOADS[args.workload].batch_size
    return args


def check(p, args):
    if min(args.steps, args.repeat) < 1 or any(n is not None and n < 1 for n in (args.threads, args.batch_size)):
        p.error("--batch-size, --threads, --steps and --repeat are at least 1")
    if args.device == "cpu" and (args.precision != "f32" or args.workload == "peaks" or args.serve):
        p.error("--precision, --serve and peaks are for --device cuda")
    if args.device == "cpu" and args.mode not in ["best", "eager", "compile"] + list(MODES):
        p.error(f"--mode {args.mode}: there are best, eager, compile, {', '.join(MODES)}")


def require_gpu():
    import torch
    if not torch.cuda.is_available():
        sys.exit("peer_torch.py: PyTorch finds no GPU; see nvidia-smi and CUDA_VISIBLE_DEVICES")


def run_on_gpu(args):
    import peer_cuda
    if args.workload == "peaks":
        return print(json.dumps(peer_cuda.peaks()))
    peer_cuda.run(WORKLOADS[args.workload](), args, DATA_BATCHES)


def main():
    args = parse()
    require_packages()
    if args.device == "cuda":
        require_gpu()
    if args.write_weights or args.write_data:
        return write_files(args)
    if args.device == "cuda":
        return run_on_gpu(args)
    if args.child:
        return print(json.dumps(run_candidate(args)))
    if args.mode in MODES:
        r = run_one(args)
    else:
        r = search(args, [m for m in MODES if args.mode == "best" or m.startswith(args.mode)])
    if args.json:
        print(json.dumps(r))
    else:
        print("\n".join(f"{k}: {v}" for k, v in r.items() if k not in ("losses", "tried")))


if __name__ == "__main__":
    main()

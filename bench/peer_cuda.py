# SPDX-License-Identifier: Apache-2.0
"""The GPU's part of peer_torch.py: one workload as fast as PyTorch runs it there, and what the machine can do.

All modes run in one process, one after the other; the fastest then stays, for the rounds of a comparison."""
import contextlib
import gc
import json
import subprocess
import sys
import time

import torch

WARM_STEPS = 20        # as in peer_torch.py; their losses are reported
EAGER_STEPS = 3        # before a step is recorded by hand
STRETCH = 10           # steps between two waits for the GPU; cinch's are as long

# name: (torch.compile arguments or None, whether the whole step is recorded as a CUDA graph and replayed)
MODES = {
    "eager": (None, False),
    "eager/graph": (None, True),
    "compile": ({}, False),
    "compile/graph": ({}, True),
    "compile-reduce-overhead": ({"mode": "reduce-overhead"}, False),
    "compile-max-autotune": ({"mode": "max-autotune"}, False),
    "compile-max-autotune/graph": ({"mode": "max-autotune-no-cudagraphs"}, True),
}
DEVICE = "cuda"


def say(args, text):
    if not args.quiet:
        print("peer: " + text, file=sys.stderr, flush=True)


def median(values):
    v = sorted(values)
    return v[len(v) // 2] if len(v) % 2 else (v[len(v) // 2 - 1] + v[len(v) // 2]) / 2


def set_precision(precision):
    """f32 is strict; tf32 rounds the operands of products; bf16 is autocast with the rest as in tf32."""
    torch.set_float32_matmul_precision("highest" if precision == "f32" else "high")
    torch.backends.cudnn.allow_tf32 = precision != "f32"
    torch.backends.cudnn.benchmark = True


def autocast(precision):
    if precision == "bf16":
        return torch.autocast(DEVICE, dtype=torch.bfloat16)
    return contextlib.nullcontext()


def load_batches(work, args, count):
    """On the GPU, and as many bytes as they take."""
    if args.data:
        import numpy
        data = torch.from_numpy(numpy.ascontiguousarray(numpy.load(args.data), dtype=numpy.float32))
    else:
        data = torch.rand(count * args.batch_size, *work.input_shape()) ** 4
    return [b for b in data.to(DEVICE).split(args.batch_size) if len(b) == args.batch_size]


class Trainer:
    def __init__(self, work, batches, args, mode):
        compile_args, self.by_graph = MODES[mode]
        torch.manual_seed(args.seed)
        self.work, self.batches, self.precision = work, batches, args.precision
        self.model = work.model(torch.nn)
        if args.weights:
            from safetensors.torch import load_file
            self.model.load_state_dict(load_file(args.weights), strict=True)
        self.model.to(DEVICE)
        kind, options = work.optimizer
        self.optimizer = getattr(torch.optim, kind)(self.model.parameters(), **options, fused=True, capturable=True)
        self.loss = self.forward if compile_args is None else torch.compile(self.forward, **compile_args)
        self.steps, self.graph = 0, None

    def forward(self, x):
        with autocast(self.precision):
            return self.work.loss(torch, self.model, x)

    def plain_step(self, x):
        torch.compiler.cudagraph_mark_step_begin()
        loss = self.loss(x)
        loss.backward()
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        return loss.detach()

    def record(self, x):
        """The next steps are replays of this one, which is only written down."""
        self.x = x.clone()
        self.graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self.graph):
            self.graph_loss = self.plain_step(self.x)

    def side_step(self, x):
        """What is recorded later must have run on a stream other than the default one."""
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            loss = self.plain_step(x)
        torch.cuda.current_stream().wait_stream(side)
        return loss

    def step(self):
        x = self.batches[self.steps % len(self.batches)]
        self.steps += 1
        if not self.by_graph:
            return self.plain_step(x)
        if self.steps <= EAGER_STEPS:
            return self.side_step(x)
        if not self.graph:
            self.record(x)
        self.x.copy_(x)
        self.graph.replay()
        return self.graph_loss

    def stretch(self, steps):
        """Milliseconds a step, and the last loss."""
        torch.cuda.synchronize()
        start = time.perf_counter()
        for _ in range(steps):
            loss = self.step()
        torch.cuda.synchronize()
        return (time.perf_counter() - start) * 1e3 / steps, loss


# ---------------------------------------------------------------- what the machine can do

def best_time(work, tries=10, each=10):
    work()
    best = float("inf")
    for _ in range(tries):
        torch.cuda.synchronize()
        start = time.perf_counter()
        for _ in range(each):
            work()
        torch.cuda.synchronize()
        best = min(best, (time.perf_counter() - start) / each)
    return best


def matrix_peak(precision, n=8192):
    """FLOP/s of a square product."""
    set_precision(precision)
    dtype = torch.bfloat16 if precision == "bf16" else torch.float32
    a, b = (torch.randn(n, n, device=DEVICE, dtype=dtype) for _ in range(2))
    out = torch.empty_like(a)
    return 2 * n ** 3 / best_time(lambda: torch.mm(a, b, out=out))


def copy_rate(count=1 << 28):
    """Bytes read and written a second by a copy on the device."""
    a = torch.rand(count, device=DEVICE)
    b = torch.empty_like(a)
    return 2 * 4 * count / best_time(lambda: b.copy_(a))


def driver_version():
    query = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
    try:
        return subprocess.run(query, capture_output=True, text=True, check=True).stdout.split("\n")[0].strip()
    except (OSError, subprocess.CalledProcessError):
        return None


def machine():
    p = torch.cuda.get_device_properties(0)
    return {"name": p.name, "capability": f"{p.major}.{p.minor}", "multiprocessors": p.multi_processor_count,
            "memory_bytes": p.total_memory, "driver": driver_version(), "framework": "PyTorch " + torch.__version__,
            "framework_cuda": torch.version.cuda, "framework_cudnn": torch.backends.cudnn.version()}


def peaks():
    rates = {"copy_bytes_per_s": copy_rate()}
    for precision in ("f32", "tf32", "bf16"):
        rates[precision + "_flop_per_s"] = matrix_peak(precision)
    return {**machine(), **rates}


# ---------------------------------------------------------------- one mode, and the search for the best

def warm_up_libraries():
    """What libraries allocate for themselves is part of starting up."""
    a = torch.ones(64, 64, device=DEVICE)
    (a @ a).sum().item()


def run_mode(work, batches, args, mode, steps):
    """The trainer, warm, and its result."""
    gc.collect()
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    start_bytes = torch.cuda.memory_allocated()
    trainer = Trainer(work, batches, args, mode)
    first_ms, loss = trainer.stretch(1)
    losses, warm_ms = [loss.item()], first_ms
    for _ in range(WARM_STEPS - 1):
        ms, loss = trainer.stretch(1)
        losses.append(loss.item())
        warm_ms += ms
    facts = {"mode": mode, "allocator": "gpu", "first_step_ms": first_ms, "losses": losses, "loss_first": losses[0]}
    times = time_steps(trainer, steps)
    facts["compile_ms"] = max(0.0, warm_ms - WARM_STEPS * times["step_ms"])
    facts["peak_bytes"] = torch.cuda.max_memory_allocated() - start_bytes
    return trainer, {**facts, **times}


def time_steps(trainer, steps):
    times = []
    for _ in range(steps):
        ms, loss = trainer.stretch(STRETCH)
        times.append(ms)
    return {"step_ms": median(times), "step_ms_min": min(times), "step_ms_max": max(times), "loss_last": loss.item()}


def finish(r, work, args, peak):
    flops = work.flops(args.batch_size)
    return {"workload": args.workload, "device": "cuda", "precision": args.precision, "threads": 1,
            "batch_size": args.batch_size, "flops_per_step": flops, "steps": args.steps,
            "samples_per_s": args.batch_size / r["step_ms"] * 1e3,
            "share_of_peak": flops / (r["step_ms"] * 1e-3) / peak, "framework": "PyTorch " + torch.__version__, **r}


def forget():
    torch._dynamo.reset()
    gc.collect()
    torch.cuda.empty_cache()


def search(work, batches, args, modes):
    """The name of the fastest mode, and what was tried."""
    tried = []
    for mode in modes:
        try:
            trainer, r = run_mode(work, batches, args, mode, min(args.steps, 60))
            say(args, f"{mode}: {r['step_ms']:.4f} ms (first {r['first_step_ms']:.0f} ms)")
            tried.append({k: v for k, v in r.items() if k not in ("losses", "allocator")})
        except Exception as e:  # a mode that this version cannot do must not hide the others
            tried.append({"mode": mode, "error": f"{type(e).__name__}: {str(e).splitlines()[0] if str(e) else ''}"})
            say(args, f"{mode}: {tried[-1]['error']}")
        trainer = None
        forget()
    good = [r for r in tried if "error" not in r]
    if not good:
        sys.exit("peer_torch.py: no mode ran: " + "; ".join(f"{r['mode']}: {r['error']}" for r in tried))
    return min(good, key=lambda r: r["step_ms"])["mode"], tried


def chosen_modes(args):
    if args.mode in MODES:
        return [args.mode]
    if args.mode in ("best", "eager", "compile"):
        return [m for m in MODES if args.mode == "best" or m.startswith(args.mode)]
    sys.exit(f"peer_torch.py: --mode {args.mode}: not for a GPU; there are {', '.join(MODES)}")


def run(work, args, data_batches):
    """Prints the best mode's result; with --serve then, for every line on stdin, that of the same trainer again."""
    out, sys.stdout = sys.stdout, sys.stderr     # compilers talk
    peak = matrix_peak(args.precision)
    set_precision(args.precision)
    warm_up_libraries()
    forget()
    batches = load_batches(work, args, data_batches)
    modes = chosen_modes(args)
    mode, tried = search(work, batches, args, modes) if len(modes) > 1 else (modes[0], [])
    trainer, best = run_mode(work, batches, args, mode, args.steps)
    print(json.dumps({**finish(best, work, args, peak), "tried": tried}), file=out, flush=True)
    for _ in sys.stdin if args.serve else ():
        again = finish({**best, **time_steps(trainer, args.steps)}, work, args, peak)
        print(json.dumps(again), file=out, flush=True)

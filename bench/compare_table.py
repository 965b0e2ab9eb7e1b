#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Sums up the rounds of compare.sh: checks that the losses agree, then prints ratios (peer / cinch; above 1 is for
cinch).

    compare_table.py --add SIDE LINE.json ROUNDS.jsonl        append one result
    compare_table.py [--json] ROUNDS.jsonl BEST.json...       the table
"""
import argparse
import json
import math
import os
import sys

LOSS_TOLERANCE = {"f32": 1e-4, "tf32": 2e-3, "bf16": 2e-2}
KEYS = ("workload", "device", "precision", "threads", "batch_size", "step_ms", "step_ms_min", "step_ms_max",
        "samples_per_s", "first_step_ms", "peak_bytes", "flops_per_step", "share_of_peak", "loss_first", "loss_last",
        "losses")


def fail(message):
    sys.exit(os.path.basename(sys.argv[0]) + ": " + message)


def add(side, line, results, keys=KEYS):
    with open(line) as f:
        text = f.read().strip()
    try:
        r = json.loads(text)
    except ValueError as e:
        fail(f"{side} did not print one line of JSON ({e}): {text[:200]!r}")
    missing = [k for k in keys if k not in r]
    if missing:
        fail(f"{side}'s result lacks {', '.join(missing)}")
    with open(results, "a") as f:
        f.write(json.dumps({"side": side, **r}) + "\n")


def median(values):
    v = sorted(values)
    return v[len(v) // 2] if len(v) % 2 else (v[len(v) // 2 - 1] + v[len(v) // 2]) / 2


def loss_difference(a, b):
    """The largest relative difference of two lists of losses; infinite where they cannot be compared."""
    if not a or len(a) != len(b):
        return math.inf
    worst = 0.0
    for x, y in zip(a, b):
        if x is None or y is None or not (math.isfinite(x) and math.isfinite(y)):
            return math.inf
        worst = max(worst, abs(x - y) / max(abs(y), 1e-30))
    return worst


def pair_up(rounds):
    """Rounds by side, checked to be the same problem throughout."""
    sides = {}
    for r in rounds:
        sides.setdefault(r["side"], []).append(r)
    if "cinch" not in sides or len(sides) < 2:
        fail("rounds of cinch and of the peer are needed")
    for key in ("workload", "precision", "batch_size", "flops_per_step"):
        if len({r[key] for r in rounds}) != 1:
            fail(f"the two sides did not run the same thing: {key} is {sorted({str(r[key]) for r in rounds})}")
    if len({r["device"].split(":")[0] for r in rounds}) != 1:
        fail("the two sides did not run on the same kind of device")
    if len({len(v) for v in sides.values()}) != 1:
        fail("the sides have different numbers of rounds")
    return sides


def matrix_peak(rounds):
    """FLOP/s: the best that either side measured on this machine."""
    return max(r["share_of_peak"] and r["flops_per_step"] / (r["step_ms"] * 1e-3) / r["share_of_peak"] or 0
               for r in rounds)


def figures(rounds, peak):
    step = median([r["step_ms"] for r in rounds])
    return {
        "step_ms": step, "step_ms_min": min(r["step_ms_min"] for r in rounds),
        "samples_per_s": rounds[0]["batch_size"] / step * 1e3,
        "share_of_peak": rounds[0]["flops_per_step"] / (step * 1e-3) / peak if peak else None,
        "peak_bytes": max(r["peak_bytes"] for r in rounds),
        "first_step_ms": median([r["first_step_ms"] for r in rounds]),
        "threads": rounds[0]["threads"],
    }


def against(cinch, peer, best, peak):
    """One peer: its figures, and how cinch stands to it."""
    ratios = sorted(p["step_ms"] / c["step_ms"] for c, p in zip(cinch, peer))
    out = figures(peer, peak)
    leanest = [t["peak_bytes"] for t in best.get("tried", []) + [best]
               if "peak_bytes" in t and t["mode"].startswith("eager")]
    memory = min([out["peak_bytes"]] + leanest)
    out.update(
        mode=best["mode"], allocator=best["allocator"], framework=best["framework"], tried=best.get("tried", []),
        ratio=median(ratios), ratio_low=ratios[0], ratio_high=ratios[-1], peak_bytes_leanest=memory,
        memory_ratio=max(c["peak_bytes"] for c in cinch) / memory,
        loss_difference=max(loss_difference(c["losses"], p["losses"]) for c, p in zip(cinch, peer)),
    )
    return out


def summarise(rounds, bests):
    sides = pair_up(rounds)
    peak = matrix_peak(rounds)
    cinch = sides.pop("cinch")
    return {
        "workload": cinch[0]["workload"], "device": cinch[0]["device"], "precision": cinch[0]["precision"],
        "batch_size": cinch[0]["batch_size"], "rounds": len(cinch),
        "cpus": len(os.sched_getaffinity(0)), "load": os.getloadavg()[0], "matrix_gflops": peak / 1e9,
        "loss_tolerance": LOSS_TOLERANCE[cinch[0]["precision"]],
        "cinch": figures(cinch, peak),
        "peer": {side: against(cinch, peer, bests[side], peak) for side, peer in sides.items()},
    }


def problems(s, args):
    out = []
    for side, p in s["peer"].items():
        if not p["loss_difference"] <= s["loss_tolerance"]:
            out.append(f"losses differ from the peer's by {p['loss_difference']:.1e} ({side}), more than "
                       f"{s['loss_tolerance']:.0e}: the times do not count")
    p = s["peer"].get("stock") or next(iter(s["peer"].values()))
    if args.min_ratio is not None and not p["ratio"] >= args.min_ratio:
        out.append(f"ratio {p['ratio']:.2f} is below {args.min_ratio}")
    if args.max_memory is not None and not p["memory_ratio"] <= args.max_memory:
        out.append(f"peak memory is {p['memory_ratio']:.2f} of the peer's, above {args.max_memory}")
    return out


def row(name, form, scale, key, s, better_low=True):
    def cell(v):
        return "-" if v is None else format(v * scale, form)
    mine = s["cinch"][key]
    cells = [cell(mine)]
    for p in s["peer"].values():
        ratio = (p[key] / mine if better_low else mine / p[key]) if p[key] and mine else None
        cells += [cell(p[key]), "" if ratio is None else f"{ratio:.2f}"]
    return [name] + cells


def table(s):
    head = [f"{s['workload']}, batch {s['batch_size']}, {s['precision']}", "cinch"]
    for side in s["peer"]:
        head += [f"peer, {side}", "ratio"]
    digits = ".2f" if s["device"] == "cpu" else ".4f"
    rows = [head,
            row("step, median ms", digits, 1, "step_ms", s),
            row("step, shortest ms", digits, 1, "step_ms_min", s),
            row("samples/s", ".0f", 1, "samples_per_s", s, better_low=False),
            row("share of matrix peak", ".0%", 1, "share_of_peak", s, better_low=False),
            row("first step, ms", ".0f", 1, "first_step_ms", s),
            row("peak memory, MiB", ".1f", 1 / 2 ** 20, "peak_bytes", s)]
    widths = [max(len(r[i]) for r in rows) for i in range(len(head))]
    lines = ["  ".join(c.ljust(w) if i == 0 else c.rjust(w) for i, (c, w) in enumerate(zip(r, widths))) for r in rows]
    return "\n".join(lines + [""] + remarks(s))


def remarks(s):
    out = []
    for side, p in s["peer"].items():
        threads = f", {p['threads']} threads" if s["device"] == "cpu" else ""
        out.append(f"{side}: {p['framework']}, {p['mode']}{threads}; ratio of step times "
                   f"{p['ratio']:.2f} (median of {s['rounds']} rounds, {p['ratio_low']:.2f} to {p['ratio_high']:.2f}); "
                   f"losses agree within {p['loss_difference']:.1e}")
        out.append(f"{side}: cinch's peak memory is {p['memory_ratio']:.2f} of the peer's leanest "
                   f"({p['peak_bytes_leanest'] / 2 ** 20:.1f} MiB)")
    if s["device"] != "cpu":
        return out + [f"matrix peak {s['matrix_gflops'] / 1e3:.1f} TFLOP/s"]
    out.append(f"{s['cpus']} CPUs, matrix peak {s['matrix_gflops']:.0f} GFLOP/s, cinch {s['cinch']['threads']} threads")
    if s["load"] > 1.5 * s["cpus"]:
        out.append(f"the machine was busy (load {s['load']:.1f}): measure again when it is quiet")
    return out


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--add", metavar="SIDE")
    p.add_argument("--json", action="store_true")
    p.add_argument("--min-ratio", type=float)
    p.add_argument("--max-memory", type=float)
    p.add_argument("files", nargs="+")
    args = p.parse_args()
    if args.add:
        return add(args.add, *args.files)
    with open(args.files[0]) as f:
        rounds = [json.loads(line) for line in f]
    bests = {}
    for path in args.files[1:]:
        with open(path) as f:
            best = json.load(f)
        bests[best["allocator"]] = best
    s = summarise(rounds, bests)
    s["problems"] = problems(s, args)
    print(json.dumps(s) if args.json else table(s))
    for problem in s["problems"]:
        print("compare.sh: " + problem, file=sys.stderr)
    sys.exit(1 if s["problems"] else 0)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Sums up the rounds of compare_infer.sh: checks that the mean errors agree, then prints latencies and ratios (peer /
cinch; above 1 is for cinch).

    compare_infer_table.py --add SIDE LINE.json ROUNDS.jsonl        append one result
    compare_infer_table.py [--json] [--min-ratio PEER=X] ROUNDS.jsonl
"""
import argparse
import json
import os
import sys

from compare_table import add, fail, median

ERROR_TOLERANCE = 1e-4
FIGURES = ("min_us", "p50_us", "p90_us", "p99_us", "max_us", "samples_per_s", "open_ms")
KEYS = ("what", "device", "precision", "threads", "batch_size", "calls") + FIGURES + ("error",)


def group(rounds):
    """Rounds by threads and side, checked to be the same problem throughout."""
    for key in ("what", "device", "precision", "batch_size", "calls"):
        if len({r[key] for r in rounds}) != 1:
            fail(f"the sides did not run the same thing: {key} is {sorted({str(r[key]) for r in rounds})}")
    groups = {}
    for r in rounds:
        groups.setdefault(r["threads"], {}).setdefault(r["side"], []).append(r)
    if any("cinch" not in sides or len({len(v) for v in sides.values()}) != 1 for sides in groups.values()):
        fail("as many rounds of cinch as of every peer are needed")
    return groups


def figures(rounds):
    return {k: median([r[k] for r in rounds]) for k in FIGURES}


def against(cinch, peer):
    """One peer's figures, and how cinch stands to it."""
    ratios = sorted(p["p50_us"] / c["p50_us"] for c, p in zip(cinch, peer))
    error = max(abs(p["error"] - c["error"]) / p["error"] for c, p in zip(cinch, peer))
    return {**figures(peer), "framework": peer[0]["framework"], "ratio": median(ratios), "ratio_low": ratios[0],
            "ratio_high": ratios[-1], "error_difference": error}


def summarise(rounds):
    first = rounds[0]
    out = {k: first[k] for k in ("what", "device", "precision", "batch_size", "calls")}
    out.update(cpus=len(os.sched_getaffinity(0)), load=os.getloadavg()[0], threads={})
    for threads, sides in sorted(group(rounds).items()):
        cinch = sides.pop("cinch")
        out["rounds"] = len(cinch)
        out["threads"][threads] = {"cinch": figures(cinch), "peer": {s: against(cinch, p) for s, p in sides.items()}}
    return out


def problems(s, limits):
    out = []
    for threads, t in s["threads"].items():
        for side, p in t["peer"].items():
            if not p["error_difference"] <= ERROR_TOLERANCE:
                out.append(f"errors differ from {side}'s by {p['error_difference']:.1e}, more than "
                           f"{ERROR_TOLERANCE:.0e}: the times do not count")
            if side in limits and not p["ratio"] >= limits[side]:
                out.append(f"{threads} threads: ratio {p['ratio']:.2f} to {side} is below {limits[side]}")
    return out + [f"no rounds of {side}, which --min-ratio names" for side in limits
                  if not all(side in t["peer"] for t in s["threads"].values())]


def row(threads, side, f):
    ratio = f"{f['ratio']:.2f} ({f['ratio_low']:.2f} to {f['ratio_high']:.2f})" if "ratio" in f else ""
    times = [f"{f[k]:.1f}" for k in FIGURES[:5]]
    return [str(threads), side] + times + [f"{f['samples_per_s']:.0f}", f"{f['open_ms']:.0f}", ratio]


def table(s):
    rows = [["threads", "", "min us", "median", "90%", "99%", "max", "samples/s", "open ms", "ratio of medians"]]
    for threads, t in s["threads"].items():
        rows.append(row(threads, "cinch", t["cinch"]))
        rows += [row(threads, side, p) for side, p in t["peer"].items()]
    widths = [max(len(r[i]) for r in rows) for i in range(len(rows[0]))]
    lines = ["  ".join(c.ljust(w) if i == 1 else c.rjust(w) for i, (c, w) in enumerate(zip(r, widths))) for r in rows]
    return "\n".join(lines + [""] + remarks(s))


def remarks(s):
    peers = {side: p for t in s["threads"].values() for side, p in t["peer"].items()}
    worst = max(p["error_difference"] for t in s["threads"].values() for p in t["peer"].values())
    out = [f"{s['what']}, batch {s['batch_size']}, {s['precision']}, {s['cpus']} CPUs; medians of {s['rounds']} rounds "
           f"of {s['calls']} calls; mean errors agree within {worst:.1e}",
           "; ".join(f"{side}: {p['framework']}" for side, p in peers.items())]
    if s["load"] > 1.5 * s["cpus"]:
        out.append(f"the machine was busy (load {s['load']:.1f}): measure again when it is quiet")
    return out


def limit(text):
    side, _, number = text.partition("=")
    return side, float(number)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--add", metavar="SIDE")
    p.add_argument("--json", action="store_true")
    p.add_argument("--min-ratio", metavar="PEER=X", type=limit, action="append", default=[])
    p.add_argument("files", nargs="+")
    args = p.parse_args()
    if args.add:
        return add(args.add, *args.files, keys=KEYS)
    with open(args.files[0]) as f:
        s = summarise([json.loads(line) for line in f])
    s["problems"] = problems(s, dict(args.min_ratio))
    print(json.dumps(s) if args.json else table(s))
    for problem in s["problems"]:
        print("compare_infer.sh: " + problem, file=sys.stderr)
    sys.exit(1 if s["problems"] else 0)


if __name__ == "__main__":
    main()

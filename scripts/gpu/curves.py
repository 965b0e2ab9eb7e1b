#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares the losses of two runs, step by step.

    curves.py RUN RUN --first BOUND --rest BOUND --steps N     relative bounds: of steps 1 to 20, and of the average
                                                               over each further 20; both have N steps
    curves.py RUN RUN --same --steps N                         bit for bit
"""
import argparse
import json
import math
import os
import sys

PIECE = 20


def losses(run):
    path = os.path.join(run, "metrics.jsonl")
    with open(path) as f:
        events = [json.loads(line) for line in f]
    steps = [e for e in events if e["event"] == "step"]
    if [e["step"] for e in steps] != list(range(1, len(steps) + 1)):
        sys.exit(f"{path}: its steps are not 1, 2, 3, ...")
    return [e["loss"] for e in steps]


def difference(a, b):
    """Relative; infinite where a number is missing or not finite."""
    if a is None or b is None or not (math.isfinite(a) and math.isfinite(b)):
        return math.inf
    return abs(a - b) / max(abs(a), abs(b), 1e-30)


def average(values):
    return None if any(v is None for v in values) else sum(values) / len(values)


def pieces(a, b):
    for i in range(PIECE, len(a), PIECE):
        yield difference(average(a[i:i + PIECE]), average(b[i:i + PIECE]))


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("runs", nargs=2)
    p.add_argument("--first", type=float)
    p.add_argument("--rest", type=float)
    p.add_argument("--same", action="store_true")
    p.add_argument("--steps", type=int, required=True)
    args = p.parse_args()
    a, b = (losses(run) for run in args.runs)
    if len(a) != args.steps or len(b) != args.steps:
        sys.exit(f"there are {len(a)} and {len(b)} steps, not {args.steps}")
    if args.same:
        if a != b:
            sys.exit(f"the losses differ from step {next(i for i in range(len(a)) if a[i] != b[i]) + 1} on")
        return print(f"{args.steps} losses the same")
    if not a[-1] < 0.9 * a[0]:
        sys.exit(f"the loss went from {a[0]:.4g} to {a[-1]:.4g}: nothing was learned that could be compared")
    first = max(map(difference, a[:PIECE], b[:PIECE]))
    rest = max(pieces(a, b), default=0.0)
    print(f"loss {a[0]:.4g} to {a[-1]:.4g}, of steps 1 to {PIECE} within {first:.1e} (bound {args.first:.0e}), "
          f"averages of {PIECE} then within {rest:.1e} (bound {args.rest:.0e})")
    if not (first <= args.first and rest <= args.rest):
        sys.exit("the losses part")


if __name__ == "__main__":
    main()

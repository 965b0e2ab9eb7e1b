#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Keeps what gpu_check.sh finds, in bench/results/ by device and workload, and prints it as one table.

    report.py FOLDER DEVICE record STEP RESULT SECONDS NOTE COMMANDS      how a step went, and a file of what it ran
    report.py FOLDER DEVICE machine FACTS.json                            adds to what is known of the machine
    report.py FOLDER DEVICE ops PEAKS.json OPS.json...                    cinch-bench-ops --json; prints a summary
    report.py FOLDER DEVICE dense SUMMARY.json                            compare.sh --json
    report.py FOLDER DEVICE table STEP...                                 fails unless all of these have passed
"""
import json
import os
import re
import sys


def load(path, empty):
    try:
        with open(path) as f:
            return json.load(f)
    except FileNotFoundError:
        return empty


class Results:
    """DEVICE-checks.json, DEVICE-ops.json, DEVICE-dense.json and DEVICE.md in one folder."""

    def __init__(self, folder, device):
        self.base = os.path.join(folder, re.sub(r"[^a-z0-9]+", "-", device.lower()).strip("-"))
        self.device = device
        self.checks = self.read("checks", {"device": device, "machine": {}, "steps": {}})
        self.ops = self.read("ops", {})
        self.dense = self.read("dense", {})

    def read(self, part, empty):
        return load(f"{self.base}-{part}.json", empty)

    def write(self, part):
        os.makedirs(os.path.dirname(self.base) or ".", exist_ok=True)
        with open(f"{self.base}-{part}.json", "w") as f:
            json.dump(getattr(self, part), f, indent=1)
            f.write("\n")


def record(r, step, result, seconds, note, path):
    commands = open(path).read().splitlines() if os.path.exists(path) else []
    r.checks["steps"][step] = {"result": result, "seconds": int(seconds), "note": note, "commands": commands}
    r.write("checks")


def machine(r, path):
    r.checks["machine"].update({k: v for k, v in load(path, {}).items() if v is not None})
    r.write("checks")


# ---------------------------------------------------------------- operations

def product_peak(peaks, case):
    """The rate of products on these operands: f32 ones are strict unless the row says tf32."""
    if case.endswith(" bf16"):
        return peaks["bf16_flop_per_s"]
    return peaks["tf32_flop_per_s" if ".tf32 = 1" in case else "f32_flop_per_s"]


def add_shares(row, peaks):
    seconds = row["us"] * 1e-6
    row["share_of_copy"] = row["bytes"] / seconds / peaks["copy_bytes_per_s"]
    if "flops" in row:
        row["share_of_product"] = row["flops"] / seconds / product_peak(peaks, row["case"])


def ops(r, peaks_path, *paths):
    peaks = load(peaks_path, {})
    rows = [row for path in paths for row in load(path, {"rows": []})["rows"]]
    for row in rows:
        add_shares(row, peaks)
    r.ops = {"device": r.device, "peaks": peaks, "rows": rows}
    r.write("ops")
    large = [row for row in rows if row["case"].startswith("rows_large")]
    moves = [row["share_of_copy"] for row in large if "flops" not in row]
    products = [row["share_of_product"] for row in large if "flops" in row]
    print(f"{len(rows)} rows; of the large ones' peaks: {spread(moves)} of a copy's "
          f"{peaks['copy_bytes_per_s'] / 1e9:.0f} GB/s, {spread(products)} of products")


def spread(shares):
    if not shares:
        return "nothing"
    v = sorted(shares)
    return f"{v[len(v) // 2]:.0%} ({v[0]:.0%} to {v[-1]:.0%})"


def ops_table(r):
    lines = ["| operation | µs | GB/s | of a copy | TFLOP/s | of a product |", "|---|---:|---:|---:|---:|---:|"]
    for row in r.ops.get("rows", []):
        if not row["case"].startswith("rows_large"):
            continue
        flops = ("", "")
        if "flops" in row:
            flops = (f"{row['gflop_per_s'] / 1e3:.1f}", f"{row['share_of_product']:.0%}")
        what = row["case"].split(": ", 1)[1].replace("|", "\\|")
        lines.append(f"| {what} | {row['us']:.1f} | {row['gb_per_s']:.0f} | {row['share_of_copy']:.0%} | "
                     + " | ".join(flops) + " |")
    return lines


# ---------------------------------------------------------------- training steps

def dense(r, path):
    s = load(path, None)
    r.dense[f"{s['precision']}-{s['batch_size']}"] = s
    r.write("dense")
    print(dense_figures(s))


def dense_figures(s):
    c, p = s["cinch"], s["peer"]["gpu"]
    memory = f", memory {p['memory_ratio']:.2f} of the peer's" if p["memory_ratio"] else ""
    return (f"batch {s['batch_size']}: {c['step_ms']:.4f} ms against {p['step_ms']:.4f} ({p['mode']}), ratio "
            f"{p['ratio']:.2f} ({p['ratio_low']:.2f} to {p['ratio_high']:.2f}), {c['share_of_peak']:.0%} of the matrix "
            f"peak{memory}, losses within {p['loss_difference']:.1e}")


# ---------------------------------------------------------------- the table

def table(r, *wanted):
    steps = r.checks["steps"]
    write_markdown(r)
    print("\n".join(table_of(steps, wanted)))
    bad = [name for name in wanted if steps.get(name, {}).get("result") != "passed"]
    if bad:
        sys.exit("gpu_check: not passed: " + " ".join(bad))


def table_of(steps, names):
    lines = ["| step | result | s | figures |", "|---|---|---:|---|"]
    for name in names:
        s = steps.get(name, {"result": "not run", "seconds": "", "note": ""})
        lines.append(f"| {name} | {s['result']} | {s['seconds']} | {s['note']} |".replace("\n", " "))
    return lines


def write_markdown(r):
    lines = table_of(r.checks["steps"], r.checks["steps"])
    facts = [f"- {k}: {v}" for k, v in r.checks["machine"].items()]
    commands = [f"- {name}: `{c}`" for name, s in r.checks["steps"].items() for c in s["commands"]]
    text = [f"# {r.device}", "", *lines, "", "## The machine", "", *facts, "", "## Command lines", "", *commands]
    if r.ops:
        text += ["", "## Operations on large operands", "", *ops_table(r)]
    with open(r.base + ".md", "w") as f:
        f.write("\n".join(text) + "\n")


def main():
    actions = {a.__name__: a for a in (record, machine, ops, dense, table)}
    if len(sys.argv) < 4 or sys.argv[3] not in actions:
        sys.exit(__doc__)
    actions[sys.argv[3]](Results(sys.argv[1], sys.argv[2]), *sys.argv[4:])


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Trains a dense autoencoder for 20 steps in PyTorch and with `cinch train`, from the same weights and without
shuffling, and compares the losses step by step; then PyTorch loads the run's model.safetensors and must compute the
same.

    follow_torch.py CINCH [--data FILE.npy] [--keep FOLDER]

Without --data: Fashion-MNIST where Debian's package of it is installed, and the array of tests/fixtures. Needs torch,
numpy and safetensors; exits 77 without them.
"""
import argparse
import gzip
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections import OrderedDict

STEPS = 20
TOLERANCE = 1e-4
FASHION = "/usr/share/datasets/fashion-mnist"
HERE = os.path.dirname(os.path.abspath(__file__))

# What PyTorch is given, and the same for the command.
OPTIMIZERS = {
    "sgd": (("SGD", {"lr": 0.1, "momentum": 0.9}), ["--lr", "0.1", "--set", "optimizer.momentum=0.9"]),
    "adam": (("Adam", {"lr": 1e-3}), ["--lr", "1e-3"]),
    "adamw": (("AdamW", {"lr": 1e-3, "weight_decay": 1.0}), ["--lr", "1e-3", "--weight-decay", "1"]),
    "rmsprop": (("RMSprop", {"lr": 3e-4}), ["--lr", "3e-4"]),     # at 1e-3, f32 and f64 differ by nearly the tolerance
}


def missing_packages():
    return [m for m in ("torch", "numpy", "safetensors") if importlib.util.find_spec(m) is None]


def fashion_images(numpy, count=512):
    path = os.path.join(FASHION, "train-images-idx3-ubyte")
    opened = gzip.open(path + ".gz") if os.path.exists(path + ".gz") else open(path, "rb")
    with opened as f:
        pixels = numpy.frombuffer(f.read(16 + count * 784)[16:], dtype=numpy.uint8)
    return (pixels.reshape(count, 784) / 255).astype(numpy.float32)


def data_sets(numpy, path):
    """Name, array [n, d] in [0, 1], batch size (one with a short last batch), hidden sizes, size of the code."""
    if path:
        x = numpy.load(path)
        x = numpy.ascontiguousarray(x.reshape(len(x), -1), dtype=numpy.float32)
        return [(os.path.basename(path), x, 32, (128,), 16)]
    sets = [("fixtures", numpy.load(os.path.join(HERE, "fixtures", "dense_data.npy")), 24, (16, 12), 4)]
    if os.path.isdir(FASHION):
        sets.append(("fashion-mnist", fashion_images(numpy), 64, (256, 64), 32))
    return sets


def make_model(torch, sizes):
    nn = torch.nn

    def stack(sizes, last):
        layers = []
        for n_in, n_out in zip(sizes, sizes[1:]):
            layers += [nn.Linear(n_in, n_out), nn.ReLU()]
        layers[-1:] = [last()] if last else []
        return nn.Sequential(*layers)
    return nn.Sequential(OrderedDict(encoder=stack(sizes, None), decoder=stack(sizes[::-1], nn.Sigmoid)))


def make_optimizer(torch, model, kind, options):
    """cinch's decay skips biases, so PyTorch's does here."""
    weights = [p for n, p in model.named_parameters() if n.endswith("weight")]
    biases = [p for n, p in model.named_parameters() if n.endswith("bias")]
    groups = [{"params": weights}, {"params": biases, "weight_decay": 0.0}]
    return getattr(torch.optim, kind)(groups, **options)


def train_torch(torch, model, x, batch_size, optimizer):
    optimizer = make_optimizer(torch, model, *optimizer)
    batches, losses = x.split(batch_size), []
    for step in range(STEPS):
        batch = batches[step % len(batches)]
        loss = torch.nn.functional.mse_loss(model(batch), batch)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def train_cinch(cinch, files, sizes, batch_size, name, flags, out):
    command = [cinch, "train", "--model", "dense", "--data", files["data"], "--set", "data.split=1,0,0",
               "--hidden-sizes", ",".join(map(str, sizes[1:-1])), "--latent-dim", str(sizes[-1]),
               "--activation", "relu", "--output-activation", "sigmoid", "--loss", "mse",
               "--optimizer", name, *flags, "--batch-size", str(batch_size), "--max-steps", str(STEPS), "--no-shuffle",
               "--from-weights", files["weights"], "--log-every", "1", "--device", "cpu", "--quiet",
               "--out", out, "--overwrite"]
    try:
        done = subprocess.run(command, capture_output=True, text=True)
    except OSError as e:
        raise RuntimeError(f"{cinch}: {e.strerror}") from e
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}\nexit {done.returncode}: {done.stderr.strip()}")
    with open(os.path.join(out, "metrics.jsonl")) as f:
        steps = [e for e in map(json.loads, f) if e["event"] == "step"]
    if [e["step"] for e in steps] != list(range(1, STEPS + 1)):
        raise RuntimeError(f"{out}/metrics.jsonl: steps {[e['step'] for e in steps]}, not 1 to {STEPS}")
    return [e["loss"] for e in steps]


def difference(mine, theirs):
    """The largest relative difference; infinite where a loss is missing or not finite."""
    if len(mine) != len(theirs) or None in mine:
        return float("inf")
    return max(abs(a - b) / abs(b) for a, b in zip(mine, theirs))


def check_weights(torch, sizes, trained, path, x):
    """The run's weights in a new model of PyTorch against those that PyTorch trained: the loss over all data."""
    from safetensors.torch import load_file
    model = make_model(torch, sizes)
    model.load_state_dict(load_file(path), strict=True)
    with torch.no_grad():
        mine, theirs = (torch.nn.functional.mse_loss(m(x), x).item() for m in (model, trained))
    return difference([mine], [theirs])


def follow(torch, cinch, folder, data_set, name):
    from safetensors.torch import save_file
    import numpy
    set_name, array, batch_size, hidden, latent = data_set
    sizes = [array.shape[1], *hidden, latent]
    files = {"data": os.path.join(folder, set_name + ".npy"), "weights": os.path.join(folder, "weights.safetensors")}
    torch.manual_seed(3)
    model = make_model(torch, sizes)
    numpy.save(files["data"], array)
    save_file(model.state_dict(), files["weights"])
    optimizer, flags = OPTIMIZERS[name]
    x, out = torch.from_numpy(array), os.path.join(folder, f"{set_name}-{name}")
    theirs = train_torch(torch, model, x, batch_size, optimizer)
    mine = train_cinch(cinch, files, sizes, batch_size, name, flags, out)
    losses = difference(mine, theirs)
    weights = check_weights(torch, sizes, model, os.path.join(out, "model.safetensors"), x)
    good = losses <= TOLERANCE and weights <= TOLERANCE
    print(f"{'ok' if good else 'FAILED'}: {set_name}, {name}: {len(mine)} losses, {theirs[0]:.5f} to "
          f"{theirs[-1]:.5f}, differ by {losses:.1e}; the loaded model's by {weights:.1e} (allowed {TOLERANCE:.0e})")
    return good


def parse():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("cinch", help="the command")
    p.add_argument("--data", metavar="FILE.npy", help="an array [n, ...] of floats in [0, 1]")
    p.add_argument("--keep", metavar="FOLDER", help="leave weights, data and runs there")
    return p.parse_args()


def main():
    args = parse()
    missing = missing_packages()
    if missing:
        print(f"follow_torch.py: {', '.join(missing)} not installed for {sys.executable}: skipped")
        sys.exit(77)
    import numpy
    import torch
    folder = args.keep or tempfile.mkdtemp(prefix="follow-")
    os.makedirs(folder, exist_ok=True)
    try:
        results = [follow(torch, args.cinch, folder, data_set, name)
                   for data_set in data_sets(numpy, args.data) for name in OPTIMIZERS]
    except RuntimeError as e:
        sys.exit(f"follow_torch.py: {e}")
    finally:
        if not args.keep:
            shutil.rmtree(folder)
    sys.exit(0 if all(results) else 1)


if __name__ == "__main__":
    main()

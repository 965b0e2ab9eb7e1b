#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes tests/fixtures/: what PyTorch does with two small dense autoencoders, for tests that run without it.

    make_fixtures.py [FOLDER]

Writes dense_data.npy (64 samples of 20 numbers in [0, 1]), the initial weights of each model as safetensors, and
dense_losses.json, which describes itself under "about". Every case is also run in double precision and against its
neighbours, so that a case whose losses hang on rounding, or which a wrong optimiser would pass, is refused here.
Needs torch, numpy and safetensors; exits 77 without them.
"""
import importlib.util
import json
import os
import sys
from collections import OrderedDict

ABOUT = """Losses of 20 updates, each before its update, in f32 on one CPU thread. Batches are taken in order, without
shuffling, and the epoch's last batch is short where batch_size does not divide 64. An update sums the gradients of
`accumulate` batches, weighted by their samples, and an epoch's end closes it; its loss is the average over its samples.
grad_norms are global norms before clipping (clip_grad_norm_). weight_decay is PyTorch's (decoupled for adamw, else
added to the gradient) but skips biases. Hyper-parameters that are not named are PyTorch's defaults. Files, shapes and
names are those of PyTorch: Linear [out, in]; in nn.Sequential an activation counts as a module."""

SAMPLES, FEATURES, STEPS = 64, 20, 20
STABLE = 1e-5      # largest relative difference of f32 and f64
DISTINCT = 1e-3    # smallest relative difference of a case and one that a likely mistake would make of it

MODELS = {
    "relu": {"hidden_sizes": [16], "latent_dim": 4, "activation": "relu", "output_activation": "sigmoid"},
    "tanh": {"hidden_sizes": [16, 12], "latent_dim": 4, "activation": "tanh", "output_activation": "linear"},
}

# name, model, optimiser, how it trains, the changes that must show
CASES = [
    ("sgd", "relu", {"name": "sgd", "lr": 1.0}, {}, []),
    ("sgd_momentum", "relu", {"name": "sgd", "lr": 0.5, "momentum": 0.9}, {}, [{"momentum": 0.0}]),
    ("sgd_nesterov", "relu", {"name": "sgd", "lr": 0.5, "momentum": 0.9, "nesterov": True}, {}, [{"nesterov": False}]),
    ("sgd_decay", "tanh", {"name": "sgd", "lr": 0.1, "momentum": 0.9, "weight_decay": 0.05}, {},
     [{"weight_decay": 0.0}, {"decay_biases": True}]),
    ("adam", "relu", {"name": "adam", "lr": 1e-2}, {}, []),
    ("adam_betas", "tanh", {"name": "adam", "lr": 5e-3, "betas": [0.8, 0.95], "eps": 1e-4}, {},
     [{"betas": [0.9, 0.999]}, {"eps": 1e-8}]),
    ("adam_decay", "tanh", {"name": "adam", "lr": 5e-3, "weight_decay": 0.05}, {},
     [{"weight_decay": 0.0}, {"decay_biases": True}, {"name": "adamw"}]),
    ("adamw", "relu", {"name": "adamw", "lr": 1e-2, "weight_decay": 0.01}, {}, [{"weight_decay": 0.0}]),
    ("adamw_decay", "tanh", {"name": "adamw", "lr": 1e-2, "weight_decay": 2.0}, {},
     [{"decay_biases": True}, {"name": "adam"}]),
    ("rmsprop", "relu", {"name": "rmsprop", "lr": 1e-3}, {}, []),
    ("rmsprop_momentum", "tanh", {"name": "rmsprop", "lr": 1e-3, "momentum": 0.9, "alpha": 0.9}, {},
     [{"momentum": 0.0}, {"alpha": 0.99}]),
    ("rmsprop_centered", "tanh", {"name": "rmsprop", "lr": 1e-3, "centered": True}, {}, [{"centered": False}]),
    ("adagrad", "relu", {"name": "adagrad", "lr": 1e-2}, {}, []),
    ("clipped", "tanh", {"name": "sgd", "lr": 0.5, "momentum": 0.9}, {"grad_clip": 0.15}, [{"grad_clip": 0.0}]),
    ("clipped_adagrad", "tanh", {"name": "adagrad", "lr": 1e-2}, {"grad_clip": 0.15}, [{"grad_clip": 0.0}]),
    ("short_batch", "relu", {"name": "adam", "lr": 1e-2}, {"batch_size": 24}, []),
    ("accumulated", "tanh", {"name": "sgd", "lr": 0.2, "momentum": 0.9}, {"accumulate": 2}, [{"accumulate": 1}]),
    ("accumulated_unevenly", "tanh", {"name": "sgd", "lr": 0.2, "momentum": 0.9},
     {"batch_size": 24, "accumulate": 3, "grad_clip": 0.2}, [{"unweighted": True}, {"grad_clip": 0.0}]),
    ("accumulated_epoch_end", "tanh", {"name": "adam", "lr": 5e-3}, {"batch_size": 24, "accumulate": 2},
     [{"accumulate": 3}]),
]


def make_data(numpy):
    """Numbers that have something to learn in them: three hidden factors, bent, with noise."""
    random = numpy.random.default_rng(7)
    factors = random.normal(size=(SAMPLES, 3)) @ random.normal(size=(3, FEATURES))
    x = 1 / (1 + numpy.exp(-factors)) + random.normal(scale=0.02, size=factors.shape)
    return numpy.clip(x, 0, 1).astype(numpy.float32)


def make_model(torch, config):
    nn = torch.nn
    hidden = {"relu": nn.ReLU, "tanh": nn.Tanh}[config["activation"]]
    last = {"sigmoid": nn.Sigmoid, "linear": None}[config["output_activation"]]
    sizes = [FEATURES] + config["hidden_sizes"] + [config["latent_dim"]]

    def stack(sizes, last):
        layers = []
        for n_in, n_out in zip(sizes, sizes[1:]):
            layers += [nn.Linear(n_in, n_out), hidden()]
        layers[-1:] = [last()] if last else []
        return nn.Sequential(*layers)
    return nn.Sequential(OrderedDict(encoder=stack(sizes, None), decoder=stack(sizes[::-1], last)))


def make_optimizer(torch, model, config):
    config = dict(config)
    name, decay, biases_too = config.pop("name"), config.pop("weight_decay", 0.0), config.pop("decay_biases", False)
    weights = [p for n, p in model.named_parameters() if biases_too or not n.endswith("bias")]
    biases = [p for n, p in model.named_parameters() if not biases_too and n.endswith("bias")]
    groups = [{"params": weights, "weight_decay": decay}] + [{"params": biases, "weight_decay": 0.0}] * bool(biases)
    kinds = {"sgd": "SGD", "adam": "Adam", "adamw": "AdamW", "rmsprop": "RMSprop", "adagrad": "Adagrad"}
    return getattr(torch.optim, kinds[name])(groups, **config)


def update_batches(train):
    """For each update the slices of its batches, epoch after epoch."""
    size, k = train["batch_size"], train["accumulate"]
    slices = [slice(i, min(i + size, SAMPLES)) for i in range(0, SAMPLES, size)]
    groups = [slices[i:i + k] for i in range(0, len(slices), k)]
    return [groups[i % len(groups)] for i in range(STEPS)]


def run(torch, weights, data, model_config, optimizer_config, train, dtype):
    model = make_model(torch, model_config)
    model.load_state_dict(weights, strict=True)
    model.to(dtype)
    data = torch.from_numpy(data).to(dtype)
    optimizer = make_optimizer(torch, model, optimizer_config)
    losses, norms = [], []
    for batches in update_batches(train):
        total, loss_sum = sum(b.stop - b.start for b in batches), 0.0
        optimizer.zero_grad()
        for b in batches:
            loss = torch.nn.functional.mse_loss(model(data[b]), data[b])
            share = 1 / len(batches) if train.get("unweighted") else (b.stop - b.start) / total
            (loss * share).backward()
            loss_sum += loss.item() * (b.stop - b.start) / total
        clip = train["grad_clip"] or float("inf")
        norms.append(torch.nn.utils.clip_grad_norm_(model.parameters(), clip).item())
        optimizer.step()
        losses.append(loss_sum)
    return losses, norms


def difference(a, b):
    return max(abs(x - y) / abs(y) for x, y in zip(a, b))


def split_changes(optimizer, train, change):
    training = set(train) | {"unweighted"}
    return ({**optimizer, **{k: v for k, v in change.items() if k not in training}},
            {**train, **{k: v for k, v in change.items() if k in training}})


def make_case(torch, weights, data, row):
    name, model, optimizer, train, changes = row
    train = {"batch_size": 16, "accumulate": 1, "grad_clip": 0.0, **train}
    config = MODELS[model]
    losses, norms = run(torch, weights[model], data, config, optimizer, train, torch.float32)
    exact, _ = run(torch, weights[model], data, config, optimizer, train, torch.float64)
    stability = difference(losses, exact)
    if stability > STABLE:
        sys.exit(f"{name}: f32 and f64 differ by {stability:.1e}: choose another case")
    if not losses[-1] < 0.95 * losses[0]:
        sys.exit(f"{name}: the loss goes from {losses[0]:.4f} to {losses[-1]:.4f}: nothing is learnt")
    if train["grad_clip"] and not 3 <= sum(n > train["grad_clip"] for n in norms) <= STEPS - 3:
        sys.exit(f"{name}: clipping should happen in some steps only; norms {min(norms):.3f} to {max(norms):.3f}")
    for change in changes:
        other, _ = run(torch, weights[model], data, config, *split_changes(optimizer, train, change), torch.float32)
        if difference(other, losses) < DISTINCT:
            sys.exit(f"{name}: {change} would pass ({difference(other, losses):.1e})")
    return {"name": name, "model": model, "optimizer": optimizer, **train,
            "losses": [float(f"{v:.9g}") for v in losses], "grad_norms": [float(f"{v:.9g}") for v in norms]}


def write(folder, torch, numpy):
    from safetensors.torch import save_file
    torch.set_num_threads(1)
    os.makedirs(folder, exist_ok=True)
    data = make_data(numpy)
    numpy.save(os.path.join(folder, "dense_data.npy"), data)
    weights = {}
    for i, (name, config) in enumerate(MODELS.items()):
        torch.manual_seed(11 + i)
        weights[name] = make_model(torch, config).state_dict()
        path = os.path.join(folder, f"dense_{name}.safetensors")
        save_file(weights[name], path)
        os.chmod(path, 0o644)
    models = {name: {"input_size": FEATURES, **config, "weights": f"dense_{name}.safetensors"}
              for name, config in MODELS.items()}
    cases = [make_case(torch, weights, data, row) for row in CASES]
    head = {"about": " ".join(ABOUT.split()), "made_with": "PyTorch " + torch.__version__.split("+")[0], "loss": "mse",
            "data": "dense_data.npy", "models": models}
    body = ",\n  ".join(json.dumps(c) for c in cases)
    with open(os.path.join(folder, "dense_losses.json"), "w") as f:
        f.write(json.dumps(head, indent=1)[:-2] + ',\n "cases": [\n  ' + body + "\n ]\n}\n")


def main():
    missing = [m for m in ("torch", "numpy", "safetensors") if importlib.util.find_spec(m) is None]
    if missing:
        print(f"make_fixtures.py: {', '.join(missing)} not installed for {sys.executable}: skipped", file=sys.stderr)
        sys.exit(77)
    import numpy
    import torch
    default = os.path.join(os.path.dirname(os.path.abspath(__file__)), "fixtures")
    write(sys.argv[1] if len(sys.argv) > 1 else default, torch, numpy)


if __name__ == "__main__":
    main()

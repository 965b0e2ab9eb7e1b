#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes tests/fixtures/vae_*: what PyTorch does with a small variational autoencoder, given the noise of its draws.

    make_vae_fixtures.py [FOLDER]

vae_data.safetensors has x [8, 12] in [0, 1], label i32 [8], noise [6, 8, 3] (one draw a step), the initial weights as
"plain.NAME" and, of the conditional model, "told.NAME", and each case's weights after its last step as "CASE.NAME".
vae_steps.json describes the cases. Needs torch, numpy and safetensors; exits 77 without them.
"""
import importlib.util
import json
import os
import sys

SAMPLES, FEATURES, HIDDEN, LATENT, CLASSES, STEPS = 8, 12, 6, 3, 4, 6

ABOUT = """Losses of 6 Adam updates (lr 0.01), each before its update, in f32. batchmean: reconstruction and KL summed
per sample, averaged over the batch; mean: reconstruction averaged over all elements, KL summed over the code and
averaged over the batch; sum: both summed. loss_kl is before beta and free bits."""

CASES = [
    {"name": "bce", "loss": "bce_logits"},
    {"name": "bce_probabilities", "loss": "bce"},
    {"name": "bce_mean", "loss": "bce_logits", "reduction": "mean"},
    {"name": "bce_sum", "loss": "bce_logits", "reduction": "sum", "beta": 0.5},
    {"name": "mse", "loss": "mse"},
    {"name": "mse_mean", "loss": "mse", "reduction": "mean"},
    {"name": "mse_sum", "loss": "mse", "reduction": "sum"},
    {"name": "gaussian", "loss": "gaussian"},
    {"name": "gaussian_mean", "loss": "gaussian", "reduction": "mean"},
    {"name": "gaussian_sum", "loss": "gaussian", "reduction": "sum"},
    {"name": "beta", "loss": "bce_logits", "beta": 4.0},
    {"name": "free_bits", "loss": "bce_logits", "free_bits": 0.03, "beta": 2.0},
    {"name": "clamped", "loss": "mse", "logvar_clamp": [-0.2, 0.1]},
    {"name": "told", "loss": "bce_logits", "told": True},
    {"name": "told_gaussian", "loss": "gaussian", "told": True, "beta": 2.0},
]


def make_model(torch, told):
    nn = torch.nn

    class Vae(nn.Module):
        def __init__(self):
            super().__init__()
            more = CLASSES if told else 0
            self.encoder = nn.Sequential(nn.Linear(FEATURES + more, HIDDEN), nn.Tanh())
            self.mu = nn.Linear(HIDDEN, LATENT)
            self.logvar = nn.Linear(HIDDEN, LATENT)
            self.decoder = nn.Sequential(nn.Linear(LATENT + more, HIDDEN), nn.Tanh(), nn.Linear(HIDDEN, FEATURES))
            self.log_sigma = nn.Parameter(torch.zeros(()))
    return Vae()


def loss_of(torch, model, case, x, label, noise):
    def told(v):
        return torch.cat([v, torch.nn.functional.one_hot(label, CLASSES).to(v.dtype)], 1) if case.get("told") else v
    features = model.encoder(told(x))
    mu, logvar = model.mu(features), model.logvar(features).clamp(*case.get("logvar_clamp", [-30, 20]))
    logits = model.decoder(told(mu + (logvar / 2).exp() * noise))
    y = logits.sigmoid()
    if case["loss"].startswith("bce"):
        element = torch.nn.functional.binary_cross_entropy_with_logits(logits, x, reduction="none")
    elif case["loss"] == "mse":
        element = (y - x) ** 2
    else:
        element = -torch.distributions.Normal(y, model.log_sigma.exp()).log_prob(x)
    normal = torch.distributions.Normal
    kl = torch.distributions.kl_divergence(normal(mu, (logvar / 2).exp()), normal(torch.zeros_like(mu), 1.0))
    counted = kl.mean(0).clamp(min=case.get("free_bits", 0.0)).sum() * case.get("beta", 1.0)
    reduction, n = case.get("reduction", "batchmean"), len(x)
    recon = {"batchmean": element.sum() / n, "mean": element.mean(), "sum": element.sum()}[reduction]
    scale = n if reduction == "sum" else 1
    return recon + scale * counted, recon, scale * kl.mean(0).sum()


def run(torch, case, weights, data, dtype):
    model = make_model(torch, case.get("told"))
    model.load_state_dict(weights)
    model.to(dtype)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    x, noise = data["x"].to(dtype), data["noise"].to(dtype)
    rows = []
    for step in range(STEPS):
        terms = loss_of(torch, model, case, x, data["label"].long(), noise[step])
        optimizer.zero_grad()
        terms[0].backward()
        optimizer.step()
        rows.append([float(f"{t.item():.9g}") for t in terms])
    return rows, model.state_dict()


def main():
    missing = [m for m in ("torch", "numpy", "safetensors") if importlib.util.find_spec(m) is None]
    if missing:
        print(f"make_vae_fixtures.py: {', '.join(missing)} not installed for {sys.executable}: skipped",
              file=sys.stderr)
        sys.exit(77)
    import torch
    from safetensors.torch import save_file
    torch.set_num_threads(1)
    torch.manual_seed(5)
    data = {"x": torch.rand(SAMPLES, FEATURES), "label": torch.arange(SAMPLES, dtype=torch.int32) * 3 % CLASSES,
            "noise": torch.randn(STEPS, SAMPLES, LATENT)}
    starts = {told: make_model(torch, told).state_dict() for told in (False, True)}
    stored = dict(data)
    for told, weights in starts.items():
        stored.update({f"{'told' if told else 'plain'}_start.{name}": w for name, w in weights.items()})
    lines = []
    for case in CASES:
        start = starts[bool(case.get("told"))]
        rows, weights = run(torch, case, start, data, torch.float32)
        exact, _ = run(torch, case, start, data, torch.float64)
        off = max(abs(a - b) / abs(b) for p, q in zip(rows, exact) for a, b in zip(p, q))
        if off > 1e-5:
            sys.exit(f"{case['name']}: f32 and f64 differ by {off:.1e}: choose another case")
        stored.update({f"{case['name']}.{name}": w.clone() for name, w in weights.items()})
        lines.append(json.dumps({**case, "steps": rows}))
    folder = sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(os.path.abspath(__file__)), "fixtures")
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, "vae_data.safetensors")
    save_file({k: v.contiguous() for k, v in stored.items()}, path)
    os.chmod(path, 0o644)
    with open(os.path.join(folder, "vae_steps.json"), "w") as f:
        head = {"about": " ".join(ABOUT.split()), "made_with": "PyTorch " + torch.__version__.split("+")[0]}
        f.write(json.dumps(head, indent=1)[:-2] + ',\n "cases": [\n  ' + ",\n  ".join(lines) + "\n ]\n}\n")


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Trains the brain-delineation model by the recipe of ../README.md, from packages only.

    apt-get install mricron-data
    python3 -m venv venv && venv/bin/pip install -r requirements.txt
    venv/bin/python train_brain_delineation.py --out trained

A run of the default length takes about an hour on two cores. It gives other weights than the published ones: compare
the held-out Dice, not the digest. `--smoke` shows in a minute, without mricron-data, that every step of the way works.
"""

import argparse
import copy
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as functional

from augmentation import view
from export import evaluate, evaluate_other_person, write_float, write_int8
from network import CLASSES, PARAMETERS, UNet, parameter_count, scaled
from volumes import Volume, colin, ellipsoids, template

BATCH = 8
PEAK_RATE = 0.002
# CSF is thin and rare; background is everywhere.
CLASS_WEIGHTS = (0.5, 2.0, 1.0, 1.0)


def loss(logits: torch.Tensor, labels: torch.Tensor, allowed: torch.Tensor) -> torch.Tensor:
    """Weighted cross-entropy plus soft Dice on the three tissues, over the pixels whose label may be seen."""
    weights = torch.tensor(CLASS_WEIGHTS, device=logits.device)
    entropy = functional.cross_entropy(logits, labels, weight=weights, reduction="none")
    entropy = (entropy * allowed).sum() / (weights[labels] * allowed).sum().clamp(min=1)
    probabilities = logits.softmax(1) * allowed[:, None]
    truth = functional.one_hot(labels, CLASSES).permute(0, 3, 1, 2) * allowed[:, None]
    overlap = (probabilities * truth).sum((0, 2, 3))[1:]
    total = (probabilities + truth).sum((0, 2, 3))[1:]
    return entropy + 1 - ((2 * overlap + 1) / (total + 1)).mean()


def rate(step: int, steps: int) -> float:
    """A short rise, then a cosine to almost nothing."""
    warm = max(1, min(100, steps // 10))
    if step < warm:
        return PEAK_RATE * (step + 1) / warm
    return PEAK_RATE * (0.01 + 0.99 * (1 + np.cos(np.pi * (step - warm) / max(1, steps - warm))) / 2)


def train(volumes: list[Volume], steps: int, seed: int, device: str) -> UNet:
    generator = np.random.default_rng(seed)
    torch.manual_seed(seed)
    slices = [(volume, *place) for volume in volumes for place in volume.training_slices()]
    print(f"{len(slices)} training slices, {steps} steps of {BATCH}")
    net = UNet().to(device)
    if parameter_count(net) != PARAMETERS:
        raise SystemExit(f"the network has {parameter_count(net)} parameters instead of {PARAMETERS}")
    average = copy.deepcopy(net)
    optimiser = torch.optim.AdamW(net.parameters(), lr=PEAK_RATE, weight_decay=1e-4)
    started = time.monotonic()
    order: list[int] = []
    for step in range(steps):
        while len(order) < BATCH:
            order += [int(index) for index in generator.permutation(len(slices))]
        chosen = [slices[order.pop()] for _ in range(BATCH)]
        views = [view(*volume.slice(orientation, index), generator) for volume, orientation, index in chosen]
        images, labels, allowed = (torch.stack(part).to(device) for part in zip(*views))
        for group in optimiser.param_groups:
            group["lr"] = rate(step, steps)
        net.train()
        with torch.autocast(device, torch.bfloat16):
            logits = net(scaled(images))
        value = loss(logits.float(), labels, allowed)
        optimiser.zero_grad()
        value.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 5)
        optimiser.step()
        # An average over about the last 500 steps; over fewer at the start.
        keep = min(0.998, (step + 1) / (step + 10))
        with torch.no_grad():
            for mean, present in zip(average.state_dict().values(), net.state_dict().values()):
                if mean.dtype.is_floating_point:
                    mean.lerp_(present, 1 - keep)
                else:
                    mean.copy_(present)
        if step % 50 == 0 or step == steps - 1:
            print(f"step {step}: loss {value.item():.3f}, {time.monotonic() - started:.0f} s", flush=True)
    return average.cpu().eval()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("trained"), help="folder for the two ONNX files")
    parser.add_argument("--steps", type=int, default=2219)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=0, help="0: as many as torch chooses")
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--mricron", type=Path, default=Path("/usr/share/mricron/templates"),
                        help="folder with ch2.nii.gz and ch2bet.nii.gz")
    parser.add_argument("--cache", type=Path, help="folder that keeps the segmentation, which takes minutes")
    parser.add_argument("--smoke", action="store_true", help="a few steps on made-up ellipsoids")
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    if options.smoke:
        volumes = ellipsoids()
    else:
        volumes = [template(), *colin(options.mricron, options.cache)]
    steps = min(options.steps, 6) if options.smoke else options.steps
    net = train(volumes, steps, options.seed, options.device)
    options.out.mkdir(parents=True, exist_ok=True)
    path, quantised = options.out / "brain-delineation.onnx", options.out / "brain-delineation-int8.onnx"
    write_float(net, path)
    slices = [(volume, *place) for volume in volumes for place in volume.training_slices()]
    chosen = np.random.default_rng(options.seed).choice(len(slices), 15, replace=False)
    write_int8(path, quantised, [slices[n][0].slice(*slices[n][1:])[0] for n in chosen])
    for file in (path, quantised):
        evaluate(file, volumes, limit=3 if options.smoke else None)
        if not options.smoke:
            evaluate_other_person(file)


if __name__ == "__main__":
    main()

"""Random views of slices: what a scanner, a head and a technician vary."""

import numpy as np
import torch
import torch.nn.functional as functional

CROP = 160


def smooth_field(size: int, knots: int, generator: np.random.Generator, channels: int = 1) -> torch.Tensor:
    """A random field of about unit size that varies over `size / knots` pixels."""
    coarse = torch.from_numpy(generator.normal(0, 1, (1, channels, knots, knots)).astype(np.float32))
    return functional.interpolate(coarse, (size, size), mode="bicubic", align_corners=True)


def view(image, labels, allowed, generator: np.random.Generator):
    """One random crop of a slice: image 1 x 160 x 160, labels and loss mask 160 x 160."""
    height, width = image.shape
    angle = np.deg2rad(generator.uniform(-25, 25))
    if generator.random() < 0.1:
        angle += np.pi / 2 * generator.choice([-1, 1])
    scale = generator.uniform(0.7, 1.2)
    mirror = generator.choice([-1, 1])
    brain = np.argwhere(labels > 0)
    centre = brain.mean(0) if len(brain) else np.array([height / 2, width / 2])
    centre = centre + generator.uniform(-20, 20, 2)
    # Where every pixel of the crop comes from: rotation, scale, mirror, shift, elastic warp.
    steps = torch.arange(CROP, dtype=torch.float32) - (CROP - 1) / 2
    down, right = torch.meshgrid(steps, steps, indexing="ij")
    warp = smooth_field(CROP, int(generator.integers(4, 9)), generator, 2)[0] * generator.uniform(0, 3)
    row = centre[0] + (np.cos(angle) * down - np.sin(angle) * right * mirror) / scale + warp[0]
    column = centre[1] + (np.sin(angle) * down + np.cos(angle) * right * mirror) / scale + warp[1]
    grid = torch.stack([column * 2 / (width - 1) - 1, row * 2 / (height - 1) - 1], -1)[None].float()

    def sample(values, mode):
        source = torch.from_numpy(np.asarray(values, np.float32))[None, None]
        return functional.grid_sample(source, grid, mode=mode, padding_mode="zeros", align_corners=True)

    pixels = intensity(sample(image, "bilinear"), generator)
    # Outside the volume the label is background, and known to be.
    outside = 1 - sample(np.ones_like(allowed), "nearest")
    mask = sample(allowed, "nearest") + outside
    return pixels[0], sample(labels, "nearest")[0, 0].long(), mask[0, 0]


def intensity(pixels: torch.Tensor, generator: np.random.Generator) -> torch.Tensor:
    top = pixels.max().clamp(min=1e-6)
    pixels = (pixels / top).clamp(0, 1) ** generator.uniform(0.7, 1.6)
    pixels = pixels * torch.exp(smooth_field(CROP, 3, generator) * generator.uniform(0, 0.15))
    if generator.random() < 0.3:
        small = int(CROP * generator.uniform(0.5, 0.9))
        pixels = functional.interpolate(pixels, (small, small), mode="bilinear", align_corners=False)
        pixels = functional.interpolate(pixels, (CROP, CROP), mode="bilinear", align_corners=False)
    deviation = generator.uniform(0, 0.05)
    noise = torch.from_numpy(generator.normal(0, deviation, (2, *pixels.shape)).astype(np.float32))
    if generator.random() < 0.5:
        pixels = pixels + noise[0]
    else:
        # Rician: the magnitude of a signal with noise in both channels.
        pixels = torch.sqrt((pixels + noise[0]) ** 2 + noise[1] ** 2)
    return pixels.clamp(min=0) * float(np.exp(generator.uniform(np.log(10), np.log(5000))))

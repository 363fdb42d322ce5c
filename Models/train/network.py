"""The 2-D U-Net, its scaling by the slice's own foreground, and its form for export."""

import copy

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

FEATURES = (16, 16, 32, 64, 96)
CLASSES = 4
PARAMETERS = 397_908


class Block(nn.Module):
    """Two 3 x 3 convolutions with batch norm and ReLU each."""

    def __init__(self, inputs: int, outputs: int):
        super().__init__()
        self.c1 = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
        self.n1 = nn.BatchNorm2d(outputs)
        self.c2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.n2 = nn.BatchNorm2d(outputs)

    def forward(self, x):
        x = torch.relu(self.n1(self.c1(x)))
        return torch.relu(self.n2(self.c2(x)))

    def fold(self):
        """Puts the batch norms into the convolutions; only after training."""
        self.c1, self.n1 = fuse_conv_bn_eval(self.c1, self.n1), nn.Identity()
        self.c2, self.n2 = fuse_conv_bn_eval(self.c2, self.n2), nn.Identity()


class UNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.enc = nn.ModuleList(Block(i, o) for i, o in zip((1, *FEATURES), FEATURES))
        self.dec = nn.ModuleList(Block(FEATURES[n] + FEATURES[n + 1], FEATURES[n]) for n in range(4))
        self.out = nn.Conv2d(FEATURES[0], CLASSES, 1)

    def forward(self, x):
        kept = []
        for level, block in enumerate(self.enc):
            x = block(x if level == 0 else nn.functional.max_pool2d(x, 2))
            kept.append(x)
        for level in reversed(range(4)):
            x = nn.functional.interpolate(x, scale_factor=2, mode="nearest")
            x = self.dec[level](torch.cat([x, kept[level]], 1))
        return self.out(x)


def scaled(image: torch.Tensor) -> torch.Tensor:
    """Divides by the mean of the pixels that are brighter than the slice's mean: any positive factor cancels."""
    mean = image.mean((1, 2, 3), keepdim=True)
    foreground = (image > mean).to(image.dtype)
    count = foreground.sum((1, 2, 3), keepdim=True) + 1.0
    level = (image * foreground).sum((1, 2, 3), keepdim=True) / count
    return image / (level + 1e-6) - 0.5


class Exported(nn.Module):
    """What the ONNX file computes: raw values in, probabilities and labels out."""

    def __init__(self, net: UNet):
        super().__init__()
        self.net = copy.deepcopy(net).eval()
        for block in (*self.net.enc, *self.net.dec):
            block.fold()

    def forward(self, image):
        logits = self.net(scaled(image))
        weights = torch.exp(logits - logits.amax(1, keepdim=True))
        return weights / weights.sum(1, keepdim=True), logits.argmax(1).to(torch.uint8)


def parameter_count(net: nn.Module) -> int:
    return sum(p.numel() for p in net.parameters())

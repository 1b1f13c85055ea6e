"""What tests of comparisons share: a tiny net that is compared, and pictures as arrays."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from fst.evaluation.compare import Comparison
from fst.inference.stylizers import FeedForwardStylizer
from fst.losses.perceptual import PerceptualLoss
from fst.nets.johnson import JohnsonNet
from fst.styles.trained import TrainedStyle

ITERATIONS = 3


def make_comparison(
    loss: PerceptualLoss, seed: int = 0, margin: int = 0, **settings: Any
) -> Comparison:
    torch.manual_seed(seed)
    arguments = {"width": 4, "residual_blocks": 1}
    net = JohnsonNet(**arguments).eval()
    description = {
        "style": {"name": "mine", "image": "mine.jpg"},
        "net": {"name": "johnson", "arguments": arguments},
    }
    style = TrainedStyle(net, description)
    stylizer = FeedForwardStylizer(style, torch.device("cpu"), margin=margin)
    return Comparison(stylizer, loss, **{"size": 24, "iterations": ITERATIONS, **settings})


def read(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"), dtype=np.float64) / 255

"""A tiny any-painting net in a folder of checkpoints."""

from pathlib import Path
from typing import Any

import torch
from torch import nn

from fst.nets.conditional import AnyNet
from fst.styles.predicted import ANY, AnyPainting, load_any
from fst.styles.trained import TrainedStyle, save_checkpoint

ARGUMENTS = {"width": 4, "residual_blocks": 1, "rank": 2, "predictor_width": 8}


def make_any(folder: Path, **paintings: Any) -> AnyPainting:
    """Writes a net with random predictions into ``folder``, and loads it.

    Args:
        folder: of checkpoints, made if need be.
        paintings: what its description says of those that it was trained on.
    """
    torch.manual_seed(0)
    net = AnyNet(**ARGUMENTS)  # type: ignore[arg-type]
    nn.init.normal_(net.predictor.last.weight, std=0.05)
    about = {"name": "any", "arguments": {**ARGUMENTS, "upsampling": "bilinear"}}
    description = {"net": about, "style": {"name": ANY}, "paintings": paintings}
    folder.mkdir(parents=True, exist_ok=True)
    save_checkpoint(folder / f"{ANY}.safetensors", TrainedStyle(net, description), torch.float32)
    found = load_any(folder)
    assert found is not None
    return found

"""A tiny any-painting net, for tests that only need one."""

from pathlib import Path
from typing import Any

import torch

from fst.loss_networks.weights import load_weights
from fst.nets.conditional import AnyNet
from fst.styles.trained import TrainedStyle, save_checkpoint

NET: dict[str, Any] = {
    "name": "any",
    "arguments": {"width": 4, "residual_blocks": 1, "rank": 2, "predictor_width": 8},
}


def make_any(seed: int = 0) -> AnyNet:
    """One whose predictor tells paintings apart, as a trained one does."""
    torch.manual_seed(seed)
    net = AnyNet(**NET["arguments"]).eval().requires_grad_(False)
    torch.nn.init.normal_(net.predictor.last.weight, 0, 0.3)
    return net


def save_any(folder: Path, seed: int = 0, network: str | None = None) -> Path:
    """``any.safetensors`` in a folder, which is made.

    Args:
        folder: of checkpoints.
        seed: of the weights.
        network: SHA-256 of the slim network that it was trained with; None is this fst's.
    """
    folder.mkdir(parents=True, exist_ok=True)
    about = {
        "net": NET,
        "style": {"name": "any"},
        "paintings": {"network": network or load_weights("slim", 1)[2]},
    }
    save_checkpoint(folder / "any.safetensors", TrainedStyle(make_any(seed), about))
    return folder / "any.safetensors"

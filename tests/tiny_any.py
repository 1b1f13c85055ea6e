"""A tiny any-painting net, for tests that only need one."""

from pathlib import Path
from typing import Any

import pytest
import torch

from fst.loss_networks.weights import load_weights
from fst.nets.conditional import AnyNet
from fst.styles.predicted import ANY, AnyPainting, load_any
from fst.styles.trained import TrainedStyle, save_checkpoint

SHARED: dict[str, Any] = {"width": 4, "residual_blocks": 1, "upsampling": "bilinear", "rank": 2}
NET: dict[str, Any] = {"name": ANY, "arguments": {**SHARED, "predictor_width": 8}}


def make_any(seed: int = 0) -> AnyNet:
    """One whose predictor tells paintings apart, as a trained one does."""
    torch.manual_seed(seed)
    net = AnyNet(**NET["arguments"]).eval().requires_grad_(False)
    torch.nn.init.normal_(net.predictor.last.weight, 0, 0.3)
    return net


def save_any(folder: Path, seed: int = 0, network: str | None = None, **paintings: Any) -> Path:
    """``any.safetensors`` in a folder, which is made.

    Args:
        folder: of checkpoints.
        seed: of the weights.
        network: SHA-256 of the slim network that it was trained with; None is this fst's.
        paintings: what its description says besides of those that it was trained on.
    """
    folder.mkdir(parents=True, exist_ok=True)
    about = {
        "net": NET,
        "style": {"name": ANY},
        "paintings": {"network": network or load_weights("slim", 1)[2], **paintings},
    }
    save_checkpoint(folder / f"{ANY}.safetensors", TrainedStyle(make_any(seed), about))
    return folder / f"{ANY}.safetensors"


def saved_any(folder: Path, **paintings: Any) -> AnyPainting:
    """The same, and loaded again."""
    save_any(folder, **paintings)
    found = load_any(folder)
    assert found is not None
    return found


def move_to_any(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Goes to a folder with a tiny any-painting net in ``trained`` and no other: no assets here."""
    monkeypatch.chdir(folder)
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
    monkeypatch.delenv("FST_ASSETS", raising=False)
    save_any(Path("trained"))
    Path("none").mkdir()

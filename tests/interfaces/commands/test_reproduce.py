"""``fst reproduce``: whether a style's training would begin with the same weights here."""

from pathlib import Path

import pytest
import torch
from tiny_runs import digest_of, save_style

from fst import assets
from fst.interfaces.commands import reproduce
from fst.nets.conditional import AnyNet
from fst.styles.trained import TrainedStyle, save_checkpoint


@pytest.fixture
def checkpoints(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(assets, "checkpoint_folders", lambda: (tmp_path,))
    return tmp_path


def test_a_style_to_begin_with_is_known_by_its_weights(checkpoints: Path) -> None:
    saved = save_style(checkpoints / "base.safetensors", 1).state_dict()
    assert reproduce.digest_of("base") == digest_of(saved)


def test_the_any_painting_net_is_known_by_its_weights(checkpoints: Path) -> None:
    assert reproduce.digest_of("any") is None
    torch.manual_seed(0)
    arguments = {"width": 4, "residual_blocks": 1, "upsampling": "bilinear", "rank": 1,
                 "predictor_width": 4}  # fmt: skip
    net = AnyNet(**arguments)  # type: ignore[arg-type]
    net.half().float()  # as half precision holds it
    about = {"net": {"name": "any", "arguments": arguments}, "style": {"name": "any"}}
    save_checkpoint(checkpoints / "any.safetensors", TrainedStyle(net, about))
    assert reproduce.digest_of("any") == digest_of(net.state_dict())

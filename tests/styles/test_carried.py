"""A style on its way: the same net comes out, and nothing else goes in than plain values."""

import pickle
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from support import save_tiny_style

from fst.errors import CheckpointError
from fst.styles.carried import carried, unpacked
from fst.styles.catalog import find_style
from fst.styles.style import Style


@pytest.fixture
def style(tmp_path: Path) -> Style:
    return find_style(str(save_tiny_style(tmp_path / "mine.safetensors")))


def test_the_same_net_comes_out(style: Style) -> None:
    packed = carried(style)
    found = unpacked(pickle.loads(pickle.dumps(packed)))
    assert (found.name, found.asked, found.size) == (style.name, style.asked, style.size)
    assert found.description == style.description
    assert found.net().digest == style.net().digest
    assert not found.net().net.training
    photo = torch.rand(1, 3, 32, 32)
    assert torch.equal(found.net().net(photo), style.net().net(photo))


def test_half_precision_only_where_it_loses_nothing(style: Style) -> None:
    half = carried(style)  # as the file had it
    with torch.no_grad():
        next(style.net().net.parameters()).add_(1e-6)
    exact = carried(style)
    assert len(exact.weights) > 1.5 * len(half.weights)
    assert unpacked(exact).net().digest == style.net().digest


def test_a_blend_travels_as_one_net(tmp_path: Path) -> None:
    for seed, name in enumerate("ab"):
        save_tiny_style(tmp_path / f"{name}.safetensors", seed)
    blend = find_style("a=0.3,b=0.7", tmp_path)
    found = unpacked(carried(blend))
    assert found.shares == blend.shares
    assert found.net().digest == blend.net().digest


def test_one_net_is_one_digest(style: Style, tmp_path: Path) -> None:
    again = find_style(str(tmp_path / "mine.safetensors"))
    assert carried(style).digest == carried(again).digest


def test_damage_is_found(style: Style) -> None:
    packed = carried(style)
    damaged = replace(packed, weights=packed.weights[:-1] + bytes([packed.weights[-1] ^ 1]))
    with pytest.raises(CheckpointError, match="damaged"):
        unpacked(damaged)


def test_a_style_without_a_net_is_refused() -> None:
    with pytest.raises(CheckpointError, match="no checkpoint"):
        carried(Style("mine", "mine", {}, "mine.jpg"))

"""The painting that a loss knows: itself, or what comes with fst in its place."""

import warnings
from pathlib import Path

import pytest
import torch
from support import make_photo
from torch import Tensor

from fst.errors import AssetError, FstWarning
from fst.image.io import load_image
from fst.image.picture import resize
from fst.losses.embedded import embedded_style
from fst.losses.perceptual import STYLE_LAYERS
from fst.losses.statistics import StyleStatistics
from fst.styles import catalog
from fst.styles.objective import is_at_hand, style_target
from fst.styles.portraits import PORTRAITS


@pytest.fixture(autouse=True)
def empty_folder(offline: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No assets, no network, nothing here."""
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")


@pytest.mark.parametrize("size", [256, 300, 512])
@pytest.mark.parametrize("weights", ["auto", "caffe", "torchvision", "random", "mine.safetensors"])
def test_a_portrait_stands_in_for_every_network_and_is_said(weights: str, size: int) -> None:
    with pytest.warns(FstWarning, match=r"monet\.jpg.*portrait") as said:
        found = style_target("monet.jpg", size, STYLE_LAYERS, weights)
    assert len(said) == 1
    assert isinstance(found, Tensor)
    assert torch.equal(found, resize(load_image(PORTRAITS / "monet.jpg"), size).rgb)


@pytest.mark.parametrize("style", catalog.style_names())
def test_every_shipped_style_can_be_trained_without_its_painting(style: str) -> None:
    image = catalog.read_style(style)["image"]
    assert not is_at_hand(image)
    with pytest.warns(FstWarning, match=image):
        found = style_target(image, 256, STYLE_LAYERS, "auto")
    assert isinstance(found, Tensor)
    assert max(found.shape[2:]) == 256


def test_the_slim_network_knows_some_sizes_exactly() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = style_target("monet.jpg", 512, STYLE_LAYERS, "slim")
    assert isinstance(found, StyleStatistics)
    expected = embedded_style("monet.jpg", 512, STYLE_LAYERS)
    assert all(torch.equal(found.grams[layer], expected.grams[layer]) for layer in STYLE_LAYERS)
    with pytest.warns(FstWarning, match="portrait"):
        other = style_target("monet.jpg", 400, STYLE_LAYERS, "slim")
    assert isinstance(other, Tensor)


def test_a_painting_that_is_there_is_used_itself() -> None:
    make_photo(60, 30, seed=2).save("monet.jpg")
    assert is_at_hand("monet.jpg")
    for weights in ("slim", "auto"):
        found = style_target("monet.jpg", 48, STYLE_LAYERS, weights)
        assert isinstance(found, Tensor)
        assert torch.equal(found, resize(load_image("monet.jpg"), 48).rgb)


@pytest.mark.parametrize("image", ["paintings/monet.jpg", "/nowhere/monet.jpg"])
def test_a_painting_of_the_users_own_is_never_replaced(image: str) -> None:
    for weights in ("slim", "auto"):
        with pytest.raises(AssetError, match="monet"):
            style_target(image, 512, STYLE_LAYERS, weights)


def test_what_is_nowhere_is_told_with_what_there_is() -> None:
    with pytest.raises(AssetError) as caught:
        style_target("lake.jpg", 512, STYLE_LAYERS, "slim")
    message = str(caught.value)
    assert "\n" not in message
    assert all(part in message for part in ("lake.jpg", "the_scream", "FST_ASSETS"))

"""fst.interfaces.http.optimizing: what a client can't begin."""

from pathlib import Path

import pytest
from support import make_photo

from fst.image.io import load_image
from fst.interfaces.http.optimizing import network_of_style
from fst.loss_networks.sources import SOURCES, at_hand
from fst.losses.perceptual import PerceptualLoss
from fst.nets import make_net
from fst.styles.trained import TrainedStyle, save_checkpoint

NET = {"name": "johnson", "arguments": {"width": 4, "residual_blocks": 1}}


def test_a_style_of_vgg16_begins_no_download_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, offline: None
) -> None:
    """VGG-19 is at hand, VGG-16 is not."""
    make_photo(32, 24).save(tmp_path / "sea.png")
    painting = load_image(tmp_path / "sea.png").rgb
    for network in ("vgg16", "vgg19"):
        loss = PerceptualLoss(painting, weights="random", network=network,
                              content_layers="relu1_1", style_layers="relu1_1")  # fmt: skip
        about = {"net": NET, "style": {"name": network, "image": "sea.png", "size": 32}}
        style = TrainedStyle(make_net(**NET), {**about, "loss": loss.describe()})
        save_checkpoint(tmp_path / f"{network}.safetensors", style)
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / SOURCES["vgg19"]["torchvision"].file).touch()
    monkeypatch.setenv("FST_ASSETS", str(tmp_path))
    there = {name: at_hand(network_of_style(name, tmp_path)) for name in ("vgg16", "vgg19")}
    assert there["vgg16"] is None
    assert there["vgg19"] is not None
    assert network_of_style("vgg16=0.5,vgg19=0.5", tmp_path) == "vgg19"

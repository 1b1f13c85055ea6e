"""What tests of many paintings share: a few small ones, a judge, and a bank whose parts tell."""

from pathlib import Path

import pytest
import torch
from support import make_photo

from fst.loss_networks.vgg import VGG19
from fst.nets.predictor import MOMENTS
from fst.training.many.bank import StyleBank
from fst.training.many.measured import Seen

LAYERS = ("relu1_1", "relu2_1")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three paintings of 120 x 96 pixels, one of them in a folder of its own."""
    place = tmp_path / "paintings"
    (place / "more").mkdir(parents=True)
    for i, name in enumerate(("a.png", "b.jpg", "more/c.png")):
        make_photo(120, 96, seed=i).save(place / name)
    return place


@pytest.fixture(scope="session")
def judge() -> VGG19:
    """VGG-19 with random weights, up to block 2."""
    return VGG19(LAYERS, "random")


@pytest.fixture
def told() -> StyleBank:
    """Three paintings at two sizes, two variants each: of variant v, number v is one, all else 0.

    So a mixture's moments tell its parts, and its Gram matrices are v + 1 times the unit matrix.
    """
    seen = Seen("judge", "slim", "max", "float32", ("relu1_1",), (64, 96), 2, 0)
    measured = []
    for painting in range(3):
        places = torch.arange(4) + 4 * painting
        measured.append(
            {
                "moments": torch.eye(MOMENTS)[places],
                "top.relu1_1": places + 1.0,
                "gram.relu1_1": torch.tensor([1.0, 0.0, 1.0]).half().repeat(4, 1),
            }
        )
    return StyleBank(["a", "b", "c"], seen, measured)

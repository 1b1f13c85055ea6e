"""A tiny comparison and two photos."""

from pathlib import Path

import pytest
from comparisons import make_comparison
from support import make_photo

from fst.evaluation.compare import Comparison
from fst.losses.perceptual import PerceptualLoss


@pytest.fixture
def comparison(random_loss: PerceptualLoss) -> Comparison:
    return make_comparison(random_loss)


@pytest.fixture
def photos(tmp_path: Path) -> list[Path]:
    """Two photos: 48x40 and 30x36."""
    folder = tmp_path / "photos"
    folder.mkdir()
    make_photo(48, 40, seed=1).save(folder / "one.png")
    make_photo(30, 36, seed=2).save(folder / "two.png")
    return [folder / "one.png", folder / "two.png"]

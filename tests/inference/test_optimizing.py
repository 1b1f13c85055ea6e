"""fst.inference.optimizing: options together that nobody thinks of together, and gone on with."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from support import make_photo

import fst
from fst.inference.optimizing import OptimizingStylizer

SMALL = {
    "method": "optimize", "weights": "slim", "style_size": 48, "content_layers": "relu2_1",
    "style_layers": "relu1_1,relu2_1",
}  # fmt: skip


@pytest.fixture(autouse=True)
def place(offline: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A painting, in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    make_photo(48, 40, seed=1).save("a.png")


def halves() -> np.ndarray:
    regions = np.zeros((40, 48), np.uint8)
    regions[:, 20:] = 1
    return regions


@pytest.mark.parametrize(
    ("options", "coarsest"),
    [
        ({"iterations": 9, "preset": "pyramid", "statistic": "sliced", "luminance": True}, 28),
        ({"iterations": 6, "labels": halves(), "style_labels": halves(), "statistic": "moments",
          "init": "noise", "seed": 3}, 96),
        ({"iterations": 30, "optimizer": "adam", "average": 0.5, "tolerance": 0.95,
          "recolor": "cholesky", "init_noise": 0.4, "seed": 2}, 96),
    ],
)  # fmt: skip
def test_who_goes_on_ends_at_the_same_picture(options: dict[str, Any], coarsest: int) -> None:
    made = fst.load("a.png", **SMALL, **options).stylizer
    assert isinstance(made, OptimizingStylizer)
    made.settings["coarsest"] = coarsest
    photo = torch.rand(1, 3, 40, 48, generator=torch.Generator().manual_seed(5))
    states, whole = {}, None
    for whole in made.iterates(photo):
        if whole.state is not None and whole.iteration % 4 == 1:
            states[whole.iteration] = whole.state()
    assert whole is not None
    assert whole.last
    assert len(states) > 1
    assert whole.iteration < options["iterations"] or not options.get("tolerance")
    for state in states.values():
        *_, again = replace(made, state=state).iterates(photo)
        assert again.iteration == whole.iteration
        assert torch.equal(again.image, whole.image)

"""What a painter takes along to another process: the net of a painting, of a blend, of nothing."""

import io
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from support import encoded, make_photo, save_tiny_style
from tiny_any import move_to_any

import fst
from fst.errors import CheckpointError, InputError

COMMON: dict[str, Any] = {"device": "cpu", "precision": "fp32", "checkpoints": "trained"}
PHOTO = make_photo(100, 80, seed=4)


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder with two paintings and a tiny any-painting net."""
    move_to_any(tmp_path, monkeypatch)
    make_photo(60, 44, seed=1).save("a.png")


def difference(style: Any, size: int | None = None, **options: Any) -> tuple[fst.Painter, int]:
    """A painter that was sent, and how far what it paints is from what ``fst.load`` paints."""
    painter = fst.Painter(style, size=size, format="png", **COMMON, **options)
    sent = pickle.loads(pickle.dumps(painter))
    (content,) = sent({"bytes": [encoded(PHOTO)]})["bytes"]
    painted = np.asarray(Image.open(io.BytesIO(content))).astype(int)
    expected = np.asarray(fst.load(style, **COMMON, **options)(PHOTO, size=size))
    return sent, int(np.abs(painted - expected).max())


@pytest.mark.parametrize(
    "options", [{"size": 64}, {"stroke_size": 300}, {"style_weight": 20.0, "size": 64}]
)
def test_the_net_of_a_painting_travels_where_one_paints_all(options: dict[str, Any]) -> None:
    painter, far = difference("a.png", **options)
    assert far == 0
    assert painter.source.carried is not None
    assert difference(Image.open("a.png"), **options)[1] == 0


def test_where_strokes_fit_each_photo_the_painting_is_looked_for(tmp_path: Path) -> None:
    painter, far = difference("a.png")
    assert (painter.source.carried, far) == (None, 0)
    assert painter.source.style == str(tmp_path / "a.png")
    painter, far = difference(Image.open("a.png"))
    assert (painter.source.carried, far) == (None, 0)


def test_a_style_that_is_gone_is_said_where_it_is_painted(tmp_path: Path) -> None:
    save_tiny_style(tmp_path / "mine.safetensors", seed=7)
    painter = fst.Painter("mine.safetensors", carry=False)
    Path("mine.safetensors").unlink()
    with pytest.raises(CheckpointError, match=r"mine\.safetensors"):
        painter({"bytes": [encoded(PHOTO)]})


def test_a_device_is_looked_for_where_it_is_painted(tmp_path: Path) -> None:
    save_tiny_style(tmp_path / "mine.safetensors")
    painter = fst.Painter("mine.safetensors", device="cuda:97")
    with pytest.raises(InputError, match="cuda:97"):
        painter({"bytes": [encoded(PHOTO)]})

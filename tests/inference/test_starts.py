"""fst.inference.starts: the painting, a pass or any picture, at the photo's size."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from support import make_photo
from tiny_any import move_to_any
from torch import Tensor

import fst
from fst.errors import InputError
from fst.image.picture import from_pil, resize_tensor
from fst.inference.control import Control, Layer
from fst.inference.optimizing import OptimizingStylizer
from fst.inference.record import painted_with
from fst.inference.starts import covering
from fst.interfaces.loaded_style import LoadedStyle
from fst.optimization.pixels import Iterate

SMALL: dict[str, Any] = {
    "device": "cpu", "precision": "fp32", "checkpoints": "trained", "method": "optimize",
    "weights": "random", "content_layers": {"relu1_1": 1.0}, "style_layers": {"relu1_1": 1.0},
    "iterations": 1, "style_size": 48,
}  # fmt: skip
PHOTO = make_photo(40, 32, seed=4)


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder with a painting, a picture of another shape, and a tiny any-painting net."""
    move_to_any(tmp_path, monkeypatch)
    make_photo(48, 40, seed=1).save("painting.png")
    make_photo(90, 30, seed=2).save("wide.png")


def load(**options: Any) -> LoadedStyle:
    return fst.load("painting.png", **{**SMALL, **options})


def first(style: LoadedStyle) -> Tensor:
    """What the optimization of :data:`PHOTO` begins with."""
    assert isinstance(style.stylizer, OptimizingStylizer)
    start: Iterate = next(style.stylizer.iterates(from_pil(PHOTO).rgb))
    return start.image


def said(style: LoadedStyle) -> dict[str, Any]:
    """What the record of a result says of its style."""
    assert style.style is not None
    found = painted_with([style.style], [Layer(style.stylizer)], Control())
    assert found is not None
    one: dict[str, Any] = found["styles"][0]
    return one


@pytest.mark.parametrize(("size", "photo", "cut"), [
    ((30, 90), (32, 40), (slice(None), slice(26, 64))),  # 30 / 32 * 40 = 37.5 of 90 columns
    ((90, 30), (32, 40), (slice(33, 57), slice(None))),  # 30 / 40 * 32 = 24 of 90 rows
    ((16, 20), (32, 40), (slice(None), slice(None))),
    ((32, 40), (32, 40), (slice(None), slice(None))),
])  # fmt: skip
def test_a_picture_covers_the_photo_and_shows_its_middle(
    size: tuple[int, int], photo: tuple[int, int], cut: tuple[slice, slice]
) -> None:
    picture = torch.rand(1, 3, *size, generator=torch.Generator().manual_seed(0))
    found = covering(picture, torch.zeros(1, 3, *photo))
    assert tuple(found.shape[2:]) == photo
    assert torch.equal(found, resize_tensor(picture[:, :, cut[0], cut[1]], photo))


@pytest.mark.parametrize("size", [(1, 5000), (5000, 1), (1, 1), (3, 2)])
def test_a_picture_of_any_shape_covers_the_photo(size: tuple[int, int]) -> None:
    picture = torch.rand(1, 3, *size)
    found = covering(picture, torch.zeros(1, 3, 17, 33))
    assert found.shape == (1, 3, 17, 33)
    assert picture.min() <= found.mean() <= picture.max()


def test_a_start_may_be_the_painting() -> None:
    with Image.open("painting.png") as painting:
        expected = np.asarray(painting.convert("RGB").resize((40, 33), Image.Resampling.BICUBIC))
    found = first(load(init="painting"))
    assert found.shape == (1, 3, 32, 40)
    rows = expected.astype(np.float32).transpose(2, 0, 1) / 255
    # the same up to a row, which is cut off above or below
    assert np.abs(found[0].numpy() - rows[:, :32]).mean() < 0.03
    assert said(load(init="painting"))["init"] == "painting"


@pytest.mark.parametrize("way", ["file", "path", "PIL", "array", "tensor"])
def test_a_start_may_be_any_picture(way: str) -> None:
    with Image.open("wide.png") as opened:
        image = opened.convert("RGB")
    array = np.asarray(image)
    given: Any = {
        "file": "wide.png", "path": Path("wide.png"), "PIL": image, "array": array,
        "tensor": torch.from_numpy(array.copy()).permute(2, 0, 1) / 255,
    }[way]  # fmt: skip
    expected = covering(from_pil(image).rgb, torch.zeros(1, 3, 32, 40))
    torch.testing.assert_close(first(load(init=given)), expected, rtol=0, atol=1e-6)


def test_a_start_is_what_one_pass_paints() -> None:
    one_pass = fst.load(
        "painting.png", device="cpu", precision="fp32", checkpoints="trained", style_size=256
    )  # fmt: skip  the nearest to 48 that it knows
    expected = from_pil(one_pass(PHOTO)).rgb
    torch.testing.assert_close(first(load(init="pass")), expected, rtol=0, atol=0.5 / 255 + 1e-6)
    record = said(load(init="pass"))["init"]["pass"]
    assert record["painting"]["name"] == "painting.png"
    assert "any_painting_net" in record


def test_a_pass_does_not_change_what_is_optimized_for() -> None:
    usual, passed = load(), load(init="pass")
    assert isinstance(usual.stylizer, OptimizingStylizer)
    assert isinstance(passed.stylizer, OptimizingStylizer)
    assert passed.stylizer.loss.describe() == usual.stylizer.loss.describe()


def test_without_any_net_no_pass_can_be_the_start() -> None:
    with pytest.raises(InputError, match="'painting' has no net"):
        load(init="pass", checkpoints="none")


def test_noise_is_mixed_into_any_start_and_is_the_seeds() -> None:
    plain = first(load(init="wide.png"))
    mixed = first(load(init="wide.png", init_noise=0.25, seed=3))
    noise = torch.rand(plain.shape, generator=torch.Generator().manual_seed(3))
    torch.testing.assert_close(mixed, 0.75 * plain + 0.25 * noise)
    assert not torch.equal(mixed, first(load(init="wide.png", init_noise=0.25, seed=4)))


@pytest.mark.parametrize("init", ["nowhere.png", "none", "", "Photo", 3, None])
def test_a_start_that_there_is_not_is_refused(init: Any) -> None:
    if init is None:
        Path("notes.png").write_text("no picture")
        init = "notes.png"
    with pytest.raises(InputError, match=r"init must be one of photo, noise|notes\.png"):
        load(init=init)


def test_records_tell_the_starts_apart() -> None:
    make_photo(90, 30, seed=9).save("other.png")
    kinds: list[dict[str, Any]] = [
        {}, {"init": "noise"}, {"init": "painting"}, {"init": "wide.png"}, {"init": "other.png"},
        {"init": "pass"}, {"init_noise": 0.5}, {"init_noise": 0.5, "seed": 1}, {"init_noise": 0.4},
        {"tolerance": 1e-3}, {"average": 0.5}, {"optimizer": "sgd"},
    ]  # fmt: skip
    records = [str(said(load(**kind))) for kind in kinds]
    assert len(set(records)) == len(records)
    # of a file its content counts, not its place
    Path("below").mkdir()
    Path("wide.png").rename("below/wide.png")
    assert str(said(load(init="below/wide.png"))) == records[3]
    # and without a new option a record says what it always has
    assert set(said(load())) == {
        "name", "method", "painting", "style_size", "loss", "precision", "iterations", "optimizer",
        "learning_rate", "clamp", "init",
    }  # fmt: skip

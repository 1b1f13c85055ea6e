"""Preview pictures and the contact sheet, read back pixel by pixel."""

from collections.abc import Iterable
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import MagicMock

import numpy as np
import pytest
import torch
from lightning.pytorch.loggers import TensorBoardLogger
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from fst.training.reporting.curve import CurveCSV
from fst.training.reporting.previews import Previews


def invert(photos: Tensor) -> Tensor:
    assert not torch.is_grad_enabled()
    return 1 - photos


class Inverter:
    """A module that paints the negative."""

    device = torch.device("cpu")
    training = True
    __call__ = staticmethod(invert)

    def eval(self) -> "Inverter":
        self.training = False
        return self

    def train(self, mode: bool) -> None:
        self.training = mode


def at_step(step: int, count: int = 3, **others: Any) -> Any:
    held_out = [torch.full((3, 16, 20), 17 * i / 255) for i in range(count)]
    return SimpleNamespace(
        global_step=step,
        max_steps=1000,
        is_global_zero=True,
        datamodule=SimpleNamespace(val=held_out),
        loggers=[],
        **others,
    )


def preview(previews: Previews, trainer: Any) -> None:
    module: Any = Inverter()
    previews.on_train_batch_end(trainer, module, None, torch.zeros(1), 0)


def read_picture(file: Path) -> np.ndarray:
    with Image.open(file) as image:
        return np.asarray(image.convert("RGB"))


def test_a_preview_shows_the_photos_above_their_painted_versions(tmp_path: Path) -> None:
    preview(Previews(tmp_path / "previews", 500), at_step(500))
    assert {file.name for file in (tmp_path / "previews").iterdir()} == {
        "step_000500.png",
        "contact_sheet.png",
    }
    picture = read_picture(tmp_path / "previews" / "step_000500.png")
    assert picture.shape == (2 * (16 + 4) + 4, 3 * (20 + 4) + 4, 3)
    for i in range(3):
        column = 4 + i * 24
        above, below = picture[4:20, column : column + 20], picture[24:40, column : column + 20]
        assert np.unique(above).tolist() == [17 * i]
        assert np.unique(below).tolist() == [255 - 17 * i]


def test_at_most_four_photos_are_shown(tmp_path: Path) -> None:
    preview(Previews(tmp_path, 500), at_step(500, count=9))
    assert read_picture(tmp_path / "step_000500.png").shape[1] == 4 * (20 + 4) + 4


def written_steps(folder: Path) -> list[int]:
    return sorted(int(file.stem.removeprefix("step_")) for file in folder.glob("step_*.png"))


def test_previews_come_at_powers_of_two_at_their_interval_and_at_the_end(tmp_path: Path) -> None:
    previews, trainer = Previews(tmp_path, 300), at_step(0)
    for trainer.global_step in range(1001):  # 0 where the very first step was skipped
        preview(previews, trainer)
    assert written_steps(tmp_path) == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 512, 600, 900, 1000]


class Sorter(Inverter):
    """A module of three styles: gray levels tell the row, and a photo's column."""

    def preview(self, photos: Tensor) -> list[list[Tensor]]:
        assert not torch.is_grad_enabled()
        assert not self.training
        levels = [[(50 * row + 10 * column) / 255 for column in range(1 + len(photos))]
                  for row in range(4)]  # fmt: skip
        return [[torch.full_like(photos[0], level) for level in row] for row in levels]


def test_a_module_of_many_styles_lays_out_its_own_rows(tmp_path: Path) -> None:
    module: Any = Sorter()
    Previews(tmp_path, 500).on_train_batch_end(at_step(500), module, None, torch.zeros(1), 0)
    picture = read_picture(tmp_path / "step_000500.png")
    assert picture.shape == (4 * (16 + 4) + 4, 4 * (20 + 4) + 4, 3)
    for row in range(4):
        for column in range(4):
            top, left = 4 + row * 20, 4 + column * 24
            cell = picture[top : top + 16, left : left + 20]
            assert np.unique(cell).tolist() == [50 * row + 10 * column]
    # the sheet shows the photos, not the paintings, and each in another style
    sheet = read_picture(tmp_path / "contact_sheet.png").reshape(-1, 3)
    levels, counts = np.unique(sheet[:, 0], return_counts=True)
    seen = set(levels[counts > 9000].tolist())
    assert seen - {255} == {50 * (1 + i) + 10 * (1 + i) for i in range(3)}
    assert module.training


def test_only_the_first_process_writes_previews(tmp_path: Path) -> None:
    trainer = at_step(500)
    trainer.is_global_zero = False
    preview(Previews(tmp_path, 500), trainer)
    assert list(tmp_path.iterdir()) == []


def test_previews_go_to_tensorboard_too(tmp_path: Path) -> None:
    logger = MagicMock(spec=TensorBoardLogger)
    trainer = at_step(300)
    trainer.loggers = [CurveCSV(str(tmp_path)), logger]
    preview(Previews(tmp_path, 300), trainer)
    tag, grid, step = logger.experiment.add_image.call_args.args
    assert (tag, step) == ("preview", 300)
    assert grid.shape == (3, 2 * (16 + 4) + 4, 3 * (20 + 4) + 4)


# --- the contact sheet ---------------------------------------------------------------------------


class Fader(Inverter):
    """A module whose painting tells the step and the photo."""

    device = torch.device("cpu")

    def __init__(self, trainer: Any) -> None:
        self.trainer = trainer

    def __call__(self, photos: Tensor) -> Tensor:
        red = torch.tensor(10 * self.trainer.global_step.bit_length() / 255)
        blue = torch.arange(1, len(photos) + 1) * 50 / 255
        painted = torch.zeros_like(photos)
        painted[:, 0] = red
        painted[:, 2] = blue[:, None, None]
        return painted


def fade(folder: Path, steps: Iterable[int], count: int = 4) -> None:
    """Previews of these steps, by a callback that was just made."""
    trainer = at_step(0, count)
    module: Any = Fader(trainer)
    previews = Previews(folder, 1)
    for trainer.global_step in steps:
        previews.on_train_batch_end(trainer, module, None, torch.zeros(1), 0)


def painted_rows(folder: Path) -> list[tuple[list[int], list[int]]]:
    """Red and the blues of each row of the sheet, by its pixels alone."""
    sheet = read_picture(folder / "contact_sheet.png").astype(int)
    right = sheet[:, -9]  # within the last column of pictures, right of every label
    rows, before = [], 255
    for y, (red, green, _) in enumerate(right):
        if green < 128 <= before:
            blues = sheet[y + 60, sheet[y + 60, :, 1] < 5][:, 2]
            runs = [int(b) for i, b in enumerate(blues) if i == 0 or b != blues[i - 1]]
            rows.append((int(red), [b for b in runs if b > 10]))
        before = green
    return rows


def test_the_contact_sheet_has_a_row_for_each_preview_with_three_painted_photos(
    tmp_path: Path,
) -> None:
    fade(tmp_path, [1, 2, 4, 8])
    assert painted_rows(tmp_path) == [(10 * k, [50, 100, 150]) for k in (1, 2, 3, 4)]


def test_a_thumbnail_is_160_pixels_wide_and_keeps_its_shape(tmp_path: Path) -> None:
    fade(tmp_path, [1], count=1)  # photos of 20 x 16
    sheet = read_picture(tmp_path / "contact_sheet.png")
    y, x = np.nonzero((sheet == (10, 0, 50)).all(2))
    assert (x.max() - x.min() + 1, y.max() - y.min() + 1) == (160, 128)
    assert len(x) == 160 * 128


def test_the_contact_sheet_goes_on_after_a_resume(tmp_path: Path) -> None:
    fade(tmp_path, [1, 2])
    fade(tmp_path, [4])
    assert [red for red, _ in painted_rows(tmp_path)] == [10, 20, 30]


def test_the_contact_sheet_has_twelve_rows_at_most_and_keeps_the_ends(tmp_path: Path) -> None:
    fade(tmp_path, [2**k for k in range(16)])
    reds = [red for red, _ in painted_rows(tmp_path)]
    assert len(reds) == 12
    assert (reds[0], reds[-1]) == (10, 160)
    assert reds == sorted(set(reds))


def test_each_row_is_labeled_with_its_step(tmp_path: Path) -> None:
    fade(tmp_path, [1, 64])
    sheet = read_picture(tmp_path / "contact_sheet.png")
    margin = int(np.nonzero((sheet == (10, 0, 50)).all(2))[1].min())
    for red, label in ((10, "step 1"), (70, "step 64")):
        y, _ = np.nonzero((sheet == (red, 0, 50)).all(2))
        dark = sheet[y.min() : y.max() + 1, :margin].min(2) < 128
        box = Image.new("L", (400, 60), 255)
        ImageDraw.Draw(box).text((8, 8), label, fill=0, font=ImageFont.load_default(20))
        expected = np.asarray(box) < 128
        assert crop_to_ink(dark).shape == crop_to_ink(expected).shape
        assert (crop_to_ink(dark) == crop_to_ink(expected)).mean() > 0.9


def crop_to_ink(ink: np.ndarray) -> np.ndarray:
    y, x = np.nonzero(ink)
    return ink[y.min() : y.max() + 1, x.min() : x.max() + 1]


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_bytes(path.read_bytes()[:200]),
        lambda path: path.write_bytes(b""),
        lambda path: Image.new("RGB", (31, 17)).save(path),
    ],
    ids=["cut", "empty", "another layout"],
)
def test_a_preview_that_can_not_be_used_is_left_out(tmp_path: Path, damage: Any) -> None:
    fade(tmp_path, [1, 2])
    damage(tmp_path / "step_000002.png")
    (tmp_path / "step_last.png").write_bytes(b"not ours")
    fade(tmp_path, [4])
    assert [red for red, _ in painted_rows(tmp_path)] == [10, 30]

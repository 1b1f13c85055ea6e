"""fst.evaluation.loss_plot: lines where the values are, and labels that can be read."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageColor

from fst.evaluation import loss_plot
from fst.evaluation.loss_plot import (
    COLORS,
    HEIGHT,
    LEFT,
    TOP,
    WIDTH,
    draw_plot,
    whole_steps,
    write_plot,
)
from fst.evaluation.loss_plot import _spread as spread
from fst.image.record import read_record

LINES = {
    "total": [(float(i), 100.0 / 10 ** (i / 50)) for i in range(101)],
    "content": [(float(i), 2.0) for i in range(101)],
    "tv": [(float(i), 0.0) for i in range(101)],
    "style/relu1_1": [(float(i), 3.0 + i) for i in range(101)],
}


def of_color(picture: Image.Image, color: str, rows: slice) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns of a color's pixels."""
    pixels = np.asarray(picture.convert("RGB"))[rows]
    return np.nonzero((pixels == ImageColor.getrgb(color)[:3]).all(2))


def test_a_line_is_where_its_values_are() -> None:
    picture = draw_plot(LINES, "me.jpg")
    inside = np.asarray(picture.convert("RGB"))[:, LEFT : LEFT + WIDTH]
    assert inside.shape[0] == 2 * (TOP + HEIGHT + picture.height // 2 - TOP - HEIGHT)
    rows, columns = of_color(picture, COLORS[0], slice(0, picture.height // 2))
    within = (columns > LEFT + 2) & (columns < LEFT + WIDTH - 2) & (rows > TOP + 4)
    rows, columns = rows[within], columns[within]
    # from 100 at the upper left to 1 at the lower right, a straight line on a logarithmic axis
    low, high = 0.95 * 1.0, 1.05 * 100.0
    expected = 100.0 / 10 ** ((columns - LEFT) / WIDTH * 100 / 50)
    heights = TOP + HEIGHT * (1 - np.log(expected / low) / np.log(high / low))
    assert len(rows) > 500
    assert np.abs(rows - heights).max() < 3


def test_a_loss_of_no_weight_has_no_line() -> None:
    picture = draw_plot(LINES, "me.jpg")
    half = picture.height // 2
    assert len(of_color(picture, COLORS[1], slice(0, half))[0]) > 100  # content
    assert len(of_color(picture, COLORS[2], slice(0, half))[0]) == 0  # tv would be the third
    assert len(of_color(picture, COLORS[0], slice(half + TOP, None))[0]) > 100  # the layer


@pytest.mark.parametrize(
    "lines",
    [{}, {"total": []}, {"total": [(0.0, 1.0)]}, {"total": [(0.0, 1e-30), (1.0, 1e30)]},
     {f"style/{i}": [(0.0, 1.0), (1.0, 1.0)] for i in range(20)},
     {"total": [(0.0, float("inf")), (1.0, float("nan"))]}],
)  # fmt: skip
def test_any_curve_is_drawn(lines: dict[str, list[tuple[float, float]]]) -> None:
    assert draw_plot(lines, "x" * 500).width > WIDTH


@pytest.mark.parametrize(
    ("heights", "expected"),
    [
        ([], []), ([10.0, 50.0], [10.0, 50.0]), ([10.0, 12.0, 50.0], [10.0, 27.0, 50.0]),
        ([290.0, 295.0, 300.0], [266.0, 283.0, 300.0]),
        ([0.0, 270.0, 295.0, 300.0], [0.0, 266.0, 283.0, 300.0]),
    ],
)  # fmt: skip
def test_labels_make_room_for_each_other(heights: list[float], expected: list[float]) -> None:
    assert spread(heights, 17, 300) == expected


@pytest.mark.parametrize(
    ("last", "steps"), [(1, [0, 1]), (3, [0, 1, 2, 3]), (40, [0, 10, 20, 30, 40])]
)
def test_iterations_are_whole_numbers(last: int, steps: list[int]) -> None:
    assert whole_steps(last) == steps


def test_the_axis_reaches_to_the_last_iteration(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    monkeypatch.setattr(loss_plot, "whole_steps", lambda last: seen.append(last) or [0, last])
    draw_plot({"total": [(float(i), 2.0 + i % 3) for i in range(2501)]}, "long")
    assert seen == [2500]  # though at most 300 points are drawn, means of their neighbors


def test_a_plot_is_no_photo_and_replaces_nothing(tmp_path: Path) -> None:
    record = {"format": 1, "program": "fst", "styles": [{"name": "m"}], "iteration": 100}
    write_plot(tmp_path / "a.png", LINES, "me.jpg", record=record)
    assert read_record(tmp_path / "a.png") == record
    with pytest.raises(FileExistsError):
        write_plot(tmp_path / "a.png", LINES, "me.jpg")
    write_plot(tmp_path / "a.png", LINES, "me.jpg", overwrite=True)
    assert read_record(tmp_path / "a.png") is None

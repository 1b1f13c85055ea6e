"""fst.inference.curve: a row for every iterate, with every layer's part."""

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from fst.inference.curve import FIRST, Curve
from fst.losses.perceptual import LossTerms, PerceptualLoss
from fst.optimization.pixels import Iterate, optimize


def iterate(number: int, value: float) -> Iterate:
    one = torch.tensor([value])
    layers = {"content/a": one, "style/b": 2 * one, "style/c": one}
    return Iterate(number, torch.zeros(1, 3, 2, 2), LossTerms(one, 3 * one, 0 * one), layers)


def ticking() -> Iterator[float]:
    second = 100.0
    while True:
        yield second
        second += 0.5


def read(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(text.splitlines()))


def test_a_table_has_a_row_for_every_iterate() -> None:
    ticks = ticking()
    curve = Curve(lambda: next(ticks))
    for number in range(3):
        curve.see(iterate(number, 0.1 + number))
    rows = read(curve.text())
    assert list(rows[0]) == [*FIRST, "content/a", "style/b", "style/c"]
    assert [row["iteration"] for row in rows] == ["0", "1", "2"]
    # the clock was read once before the first row
    assert [float(row["seconds"]) for row in rows] == [0.5, 1.0, 1.5]
    for number, row in enumerate(rows):
        value = 0.1 + number
        found = [float(row[name]) for name in ("total", "content", "style", "tv", "style/b")]
        assert found == pytest.approx([4 * value, value, 3 * value, 0, 2 * value], rel=1e-6)


def test_numbers_are_as_exact_as_the_losses(random_loss: PerceptualLoss) -> None:
    photo = torch.rand(1, 3, 20, 24, generator=torch.Generator().manual_seed(5))
    curve, seen = Curve(), []
    for one in optimize(random_loss, photo, iterations=3, by_layer=True):
        curve.see(one)
        seen.append(one)
    for row, one in zip(read(curve.text()), seen, strict=True):
        for name, term in zip(("content", "style", "tv"), one.terms, strict=True):
            assert torch.equal(torch.tensor([float(row[name])]), term.cpu())


def test_a_curve_goes_on_behind_what_was_kept() -> None:
    ticks = ticking()
    whole = Curve(lambda: next(ticks))
    for number in range(4):
        whole.see(iterate(number, 1.0 + number))
    first, second = Curve(iter([0.0, 0.5, 1.0]).__next__), Curve(iter([70.0, 70.5, 71.0]).__next__)
    first.see(iterate(0, 1.0))
    first.see(iterate(1, 2.0))
    second.restore(first.state())
    second.see(iterate(2, 3.0))
    second.see(iterate(3, 4.0))
    assert second.text() == whole.text()
    assert second.lines()["total"] == [(0, 4.0), (1, 8.0), (2, 12.0), (3, 16.0)]


def test_what_is_there_is_not_replaced(tmp_path: Path) -> None:
    curve = Curve()
    curve.see(iterate(0, 1.0))
    (tmp_path / "a.csv").write_text("mine")
    with pytest.raises(FileExistsError):
        curve.write(tmp_path / "a.csv", False)
    assert (tmp_path / "a.csv").read_text() == "mine"
    curve.write(tmp_path / "a.csv", True)
    assert (tmp_path / "a.csv").read_text() == curve.text()

"""fst.image.label_colors: what lies on edges is no label, however straight they are."""

import functools
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from fst.image.label_colors import is_soft
from fst.image.labels import Labels, read_labels
from fst.image.picture import from_pil

Classes = NDArray[np.int64]

PALETTES = (
    ((255, 0, 0), (0, 0, 255), (0, 200, 40)),
    ((255, 255, 0), (0, 0, 255), (0, 0, 0)),
    ((0, 0, 0), (255, 255, 255), (128, 128, 128)),
    ((30, 90, 200), (200, 60, 60), (240, 240, 240)),
)


def classes(regions: int, edge: str, width: int = 150, height: int = 110) -> Classes:
    """Two or three regions; edges lie on no multiple of 8 or 16."""
    x, y = np.meshgrid(np.arange(width), np.arange(height))
    along = {"horizontal": y / height, "vertical": x / width,
             "slanted": (x / width + 0.6 * y / height) / 1.6}[edge]  # fmt: skip
    return np.searchsorted((0.31, 0.67)[: regions - 1], along)


def drawn(of: Classes, palette: tuple[tuple[int, int, int], ...]) -> Image.Image:
    return Image.fromarray(np.asarray(palette, np.uint8)[of])


def resized(image: Image.Image, factor: float) -> Image.Image:
    size = (round(image.width * factor), round(image.height * factor))
    return image.resize(size, Image.Resampling.BILINEAR)


WAYS: dict[str, Callable[[Image.Image], Image.Image]] = {
    f"times-{factor}": functools.partial(resized, factor=factor)
    for factor in (0.37, 0.5, 1.7, 2, 4)
}


def far_off(labels: Labels, palette: tuple[tuple[int, int, int], ...], of: Classes) -> float:
    """The share of pixels that have another label than they were drawn with."""
    nearest = np.abs(np.asarray(labels.colors)[:, None] - np.asarray(palette)).sum(2).argmin(1)
    assert len(set(nearest.tolist())) == len(labels.colors)
    width, height = labels.size
    small = Image.fromarray(of.astype(np.uint8)).resize((width, height), Image.Resampling.NEAREST)
    return float((nearest[labels.index.numpy()] != np.asarray(small)).mean())


EDGES = ("horizontal", "vertical", "slanted")


@pytest.mark.parametrize("quality", [75, 90, 95])
@pytest.mark.parametrize("edge", EDGES)
@pytest.mark.parametrize("regions", [2, 3])
def test_rows_of_ringing_are_no_labels(
    regions: int, edge: str, quality: int, tmp_path: Path
) -> None:
    of = classes(regions, edge)
    for palette in PALETTES:
        drawn(of, palette).save(tmp_path / "labels.jpg", quality=quality)
        labels = read_labels(tmp_path / "labels.jpg")
        assert len(labels.colors) == regions, (palette, labels.colors)
        assert far_off(labels, palette, of) < 0.03


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("edge", EDGES)
@pytest.mark.parametrize("regions", [2, 3])
def test_rows_of_blends_are_no_labels(regions: int, edge: str, way: str) -> None:
    of = classes(regions, edge)
    for palette in PALETTES:
        labels = read_labels(from_pil(WAYS[way](drawn(of, palette))))
        assert len(labels.colors) == regions, (palette, labels.colors)
        assert far_off(labels, palette, of) < 0.03


def test_what_is_thin_and_between_two_others_is_a_blend_only_where_it_lies_between_them() -> None:
    of = np.zeros((20, 20), np.int64)
    of[10:] = 2
    gray = ((0, 0, 0), (128, 128, 128), (255, 255, 255))
    of[10] = 1
    assert set(read_labels(from_pil(drawn(of, gray))).colors) == {gray[0], gray[2]}
    of[10], of[4, 3:15] = 2, 1  # a line in the midst of black
    assert set(read_labels(from_pil(drawn(of, gray))).colors) == set(gray)
    of[4], of[10:13] = 0, 1  # wide
    assert set(read_labels(from_pil(drawn(of, gray))).colors) == set(gray)


@pytest.mark.parametrize("edge", ["horizontal", "slanted"])
def test_near_grays_of_a_png_are_labels_each(edge: str) -> None:
    of = classes(3, edge)
    near = ((0, 0, 0), (1, 1, 1), (2, 2, 2))
    assert read_labels(from_pil(drawn(of, near))).colors == near
    of[:, :1] = 1  # one pixel wide, between 0 and 2 as a value
    assert read_labels(from_pil(drawn(of, near))).colors == near


def test_hard_edges_are_not_soft() -> None:
    rgb = torch.tensor([[0.0, 0, 0], [255.0, 0, 0], [128.0, 0, 0]])
    assert not is_soft(rgb, torch.tensor([[0, 0, 1, 1]] * 4))
    assert is_soft(rgb, torch.tensor([[0, 0, 2, 1, 1]] * 4))

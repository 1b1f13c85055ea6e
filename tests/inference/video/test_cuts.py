"""Scenes that begin, and what only looks like it."""

from itertools import combinations
from typing import Any

import numpy as np
import pytest
import torch
from support import make_photo
from torch import Tensor

from fst.inference.video.cuts import Cuts, likeness


def scene(seed: int, width: int = 160, height: int = 90) -> Tensor:
    """``(1, 3, H, W)`` in [0, 1] with shapes of its own: patches over a smooth ground."""
    pixels = np.asarray(make_photo(width, height, seed)).astype(np.float32)
    random = np.random.default_rng(seed)
    for _ in range(12):
        x, y = random.integers(0, width - 30), random.integers(0, height - 25)
        w, h = random.integers(8, 30), random.integers(8, 25)
        pixels[y : y + h, x : x + w] = random.integers(0, 256, 3)
    return torch.from_numpy(pixels).permute(2, 0, 1)[None] / 255


def begins(frames: list[Tensor]) -> list[int]:
    """At which frames a scene begins."""
    cuts = Cuts()
    return [number for number, frame in enumerate(frames) if cuts(frame)]


def test_the_first_frame_begins_a_scene() -> None:
    assert begins([scene(0)] * 3) == [0]


def test_scenes_one_after_the_other() -> None:
    frames = [scene(seed) for seed in (0, 0, 0, 1, 1, 2, 2, 2, 3)]
    assert begins(frames) == [0, 3, 5, 8]


def test_a_flash_is_no_cut() -> None:
    photo = 0.7 * scene(0)
    assert begins([photo, photo, photo * 1.4, photo, photo * 0.3, photo]) == [0]


def test_a_fast_pan_is_no_cut() -> None:
    wide = scene(0, 480)
    frames = [wide[..., x : x + 160] for x in range(0, 320, 24)]
    assert begins(frames) == [0]


def test_a_slow_dissolve_is_no_cut() -> None:
    first, second = scene(0), scene(1)
    assert begins([torch.lerp(first, second, step / 12) for step in range(13)]) == [0]


def test_grain_on_black_is_no_cut() -> None:
    random = torch.Generator().manual_seed(0)
    dark = [torch.rand(1, 3, 90, 160, generator=random) * 0.02 for _ in range(4)]
    assert begins(dark) == [0]
    assert begins([*dark, scene(0), scene(0), *dark]) == [0, 4, 6]


@pytest.mark.parametrize("size", [(1, 1), (3, 500), (48, 64)])
def test_frames_of_any_size(size: tuple[int, int]) -> None:
    assert begins([torch.rand(1, 3, *size)] * 3) == [0]


def test_likeness_of_what_moved_is_high() -> None:
    frame = np.random.default_rng(0).uniform(0, 255, (48, 64))
    assert likeness(frame, frame) == pytest.approx(1)
    assert likeness(frame, np.roll(frame, 9, 1)) > 0.9
    assert likeness(frame, 40 + 0.6 * frame) > 0.95
    assert likeness(frame, frame[::-1]) < 0.3


CUTS: dict[str, list[int]] = {
    "bikes.mp4": [0, 30, 76, 137, 187, 242],
    "nasa_two_streams.mp4": [0, 202],
    "cars_from_above.mp4": [0],
    "plant_pan_short.mp4": [0],
    "segway_man.mp4": [0],
}
"""Clip -> the frames that begin a scene, as looked up by eye."""


@pytest.mark.parametrize("name", CUTS)
def test_cuts_of_real_clips(name: str, assets_folder: Any) -> None:
    av = pytest.importorskip("av")
    cuts, found = Cuts(), []
    with av.open(str(assets_folder / "videos" / name)) as clip:
        stream = next(s for s in clip.streams.video)
        for number, frame in enumerate(clip.decode(stream)):
            small = frame.reformat(width=128, height=72, format="rgb24").to_ndarray()
            if cuts(torch.from_numpy(small).permute(2, 0, 1)[None] / 255):
                found.append(number)
    assert found == CUTS[name]


def test_scenes_are_told_from_each_other() -> None:
    for a, b in combinations(range(8), 2):
        assert begins([scene(a), scene(a), scene(b)]) == [0, 2], (a, b)

"""The loop of fst live: the newest frame, keys, and figures that are right."""

import time
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
import torch
from support import make_photo, shaken_net

from fst.errors import InputError
from fst.image.picture import Picture, to_pil
from fst.inference.control import Control, Layer, paint
from fst.inference.stylizers import FeedForwardStylizer
from fst.inference.video.camera import Shot
from fst.inference.video.live import LivePainter, Report, fitting_size, rate_of, run
from fst.inference.video.live_settings import Pixels, Settings
from fst.styles.trained import TrainedStyle

START = Settings(("a", "b"))


class Scripted:
    """A camera that has the frames of certain numbers, one at each look."""

    def __init__(self, numbers: Sequence[int]) -> None:
        self.numbers = list(numbers)
        self.given, self.ended, self.size = 0, False, (48, 40)

    def start(self) -> None:
        assert self.given == 0

    def newest(self, after: int, timeout: float) -> Shot | None:
        if not self.numbers:
            self.ended = True
            return None
        self.given = self.numbers.pop(0)
        assert after < self.given
        pixels = np.full((40, 48, 3), self.given, np.uint8)
        return Shot(pixels, self.given, time.monotonic() - 0.5)


class Keys:
    """A screen on which keys are pressed at certain pictures."""

    def __init__(self, keys: dict[int, list[str]]) -> None:
        self.keys, self.count, self.full = keys, 0, list[bool]()

    def show(self, pixels: Pixels, full: bool) -> list[str]:
        self.count += 1
        self.full.append(full)
        return self.keys.get(self.count, [])


def paint_with(done: list[tuple[int, str]]) -> object:
    """Remembers frame and style; paints a frame's number in another color."""

    def painter(pixels: Pixels, settings: Settings) -> Pixels:
        done.append((int(pixels[0, 0, 0]), settings.name))
        if settings.name == "b":
            raise InputError("b can't be read")
        return pixels + 100

    return painter


def looped(
    numbers: Sequence[int],
    keys: dict[int, list[str]],
    settings: Settings = START,
    **options: object,
) -> tuple[Report, list[tuple[int, str]], Keys]:
    report, done, screen = Report(), list[tuple[int, str]](), Keys(keys)
    run(Scripted(numbers), screen, paint_with(done), START, report, **options)  # type: ignore[arg-type]
    return report, done, screen


def test_each_frame_that_is_given_is_painted_and_the_others_counted() -> None:
    report, done, screen = looped([1, 4, 5, 9], {})
    assert [number for number, _ in done] == [1, 4, 5, 9]
    assert (report.painted, report.given, screen.count) == (4, 9, 4)
    assert all(0.5 <= age < 30 for age in report.ages)
    assert len(report.ages) == 4
    assert "4 frames" in str(report)
    assert "5 of 9 left out" in str(report)


def test_a_key_ends_it() -> None:
    report, _, _ = looped([1, 2, 3, 4], {2: ["q"]})
    assert (report.painted, report.given) == (2, 2)


def test_a_pause_shows_the_same_frame_and_other_settings_still_count() -> None:
    kept: list[tuple[int, Settings]] = []
    _, done, screen = looped(
        [1, 2, 3], {2: ["space"], 3: ["s"], 4: ["-"], 5: ["space"], 6: ["f"]},
        snapshot=lambda pixels, settings: kept.append((int(pixels[0, 0, 0]), settings)),
    )  # fmt: skip
    assert [number for number, _ in done] == [1, 2, 2, 3]  # once more for the strength
    assert screen.count == 6
    ((number, settings),) = kept
    assert (number, settings.name, settings.strength) == (102, "a", 1.0)


def test_a_style_that_cannot_be_painted_is_said_and_left() -> None:
    said: list[str] = []
    report, done, _ = looped([1, 2], {1: ["n"]}, say=said.append)
    assert done == [(1, "a"), (1, "b"), (2, "a")]
    assert report.painted == 2
    assert said == ["b: b can't be read"]


def test_it_ends_after_so_many_seconds() -> None:
    report, _, _ = looped(range(1, 100_000), {}, seconds=0.05)
    assert 0 < report.painted < 99_999


def test_the_rate_is_that_of_the_last_frames() -> None:
    assert rate_of([]) == rate_of([3.0]) == rate_of([3.0, 3.0]) == 0
    assert rate_of([10.0, 10.1, 10.2, 10.5]) == pytest.approx(6)


def test_no_frame_is_said() -> None:
    assert str(Report()) == "no frame was painted"


def test_one_frame_is_no_frames() -> None:
    assert "painted 1 frame in" in str(Report(1, 2, 1.0, [0.5]))
    assert "painted 2 frames in" in str(Report(2, 2, 1.0, [0.5, 0.5]))


def stylizer(seed: int) -> FeedForwardStylizer:
    net = shaken_net("nearest")
    with torch.no_grad():
        next(net.parameters()).mul_(1 + seed)
    return FeedForwardStylizer(TrainedStyle(net, {}), torch.device("cpu"))


def test_a_frame_is_painted_as_a_photo_is() -> None:
    made: list[int] = []

    def make(number: int) -> FeedForwardStylizer:
        made.append(number)
        return stylizer(number)

    painter = LivePainter(make, 32, "off")
    pixels = np.asarray(make_photo())
    rgb = torch.from_numpy(pixels.transpose(2, 0, 1).astype(np.float32) / np.float32(255))[None]
    for settings in (
        START,
        replace(START, style=1, strength=0.5),
        START,
        replace(START, mirror=True),
    ):
        seen = rgb.flip(3) if settings.mirror else rgb
        control = Control(settings.strength, size=32)
        wanted = paint(Picture(seen), [Layer(stylizer(settings.style))], control)
        found = painter(pixels, settings)
        assert found.shape == (27, 32, 3)
        assert np.array_equal(found, np.asarray(to_pil(wanted.rgb)))
    assert made == [0, 1]  # each once


def test_small_frames_are_not_enlarged() -> None:
    painter = LivePainter(stylizer, 384, "norms")
    assert painter(np.asarray(make_photo()), START).shape == (40, 48, 3)
    assert painter(np.asarray(make_photo(400, 40)), START).shape == (38, 384, 3)


def test_frames_are_painted_steadily_and_another_style_begins_anew() -> None:
    frames = [np.asarray(make_photo()), np.asarray(make_photo()) // 8 * 8]
    steady, apart = LivePainter(stylizer, 48, "norms"), LivePainter(stylizer, 48, "off")
    assert np.array_equal(steady(frames[0], START), apart(frames[0], START))
    assert not np.array_equal(steady(frames[1], START), apart(frames[1], START))
    other = replace(START, style=1)
    assert np.array_equal(steady(frames[1], other), apart(frames[1], other))


@pytest.mark.parametrize(
    ("size", "seconds", "fitting"),
    [(384, 0.01, 384), (384, 1 / 12, 384), (384, 1 / 3, 192), (384, 100, 160), (100, 100, 100)],
)
def test_a_size_that_is_painted_quickly_enough(size: int, seconds: float, fitting: int) -> None:
    assert fitting_size(size, seconds) == fitting

"""What is said while a clip is painted."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from fst.inference.targets import Job
from fst.inference.video.clips import Progress
from fst.inference.video.frames import About
from fst.interfaces import video_progress
from fst.interfaces.video_progress import Display, described, lasting, state

ABOUT = About(640, 360, Fraction(30000, 1001), 333, None, Fraction(1, 90000))
JOB = Job(Path("a.mp4"), Path("b.mp4"))


def test_a_clip_in_a_few_words() -> None:
    assert described(ABOUT) == "333 frames of 640x360, 29.97 a second"
    assert described(replace(ABOUT, frames=1)).startswith("1 frame of")
    part = replace(ABOUT, variable=True, details={"piece": (0, 1)})
    assert described(part).startswith("about 333 frames of")
    assert described(replace(part, frames=1)).startswith("about 1 frame of")
    assert described(replace(part, variable=False)).startswith("333 frames of")
    assert described(replace(ABOUT, variable=True)).startswith("333 frames of")
    vague = replace(ABOUT, frames=None, variable=True, details={"sound": ("aac", "mp3")})
    assert described(vague) == "frames of 640x360, 29.97 a second in the mean, sound: aac, mp3"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.2, "1 s"), (89.4, "89 s"), (90, "2 min"), (3000, "50 min"), (9000, "2.5 h")],
)
def test_how_long_one_waits(seconds: float, words: str) -> None:
    assert lasting(seconds) == words


def test_how_far_it_is() -> None:
    progress = Progress(JOB, JOB.target, ABOUT, total=333, frames=33)
    assert state(progress, 2.0) == "frame 33 of 333, 2 a second, about 2 min left"
    part = replace(ABOUT, variable=True, details={"piece": (0, 1)})
    assert state(replace(progress, about=part), 2.0).startswith("frame 33 of about 333, 2 a")
    assert state(progress, None) == "frame 33 of 333"
    assert state(replace(progress, total=None), 2.0) == "frame 33, 2 a second"
    # what was only estimated is never said to be passed
    assert state(replace(progress, frames=340), 2.0) == "frame 340, 2 a second"


def test_without_a_terminal_a_line_comes_now_and_then(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 100.0
    monkeypatch.setattr(video_progress.time, "monotonic", lambda: now)
    progress = Progress(JOB, JOB.target, ABOUT, 333, 120, 120, Path("b.mp4.parts"))
    with Display(JOB) as display:
        display.show(progress)
        for frames in range(121, 240):  # one a second
            now += 1
            progress.frames = frames
            display.show(progress)
    first, *lines = capsys.readouterr().out.splitlines()
    assert "333 frames" in first
    assert "frame 120" in first
    assert "b.mp4.parts" in first
    assert [line.split(",")[0] for line in lines] == [
        "a.mp4: frame 125 of 333", "a.mp4: frame 185 of 333"
    ]  # fmt: skip
    assert lines[0].endswith("1 a second, about 3 min left")


def test_the_pace_is_not_that_of_the_start(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 100.0
    monkeypatch.setattr(video_progress.time, "monotonic", lambda: now)
    monkeypatch.setattr(video_progress, "THEN", 0.0)
    progress = Progress(JOB, JOB.target, ABOUT, 10, 0, 0)
    with Display(JOB) as display:
        display.show(progress)
        for frames, seconds in enumerate((60, 20, 2, 2), 1):  # nets are made ready first
            now += seconds
            progress.frames = frames
            display.show(progress)
    assert capsys.readouterr().out.splitlines()[1:] == [
        "a.mp4: frame 1 of 10",
        "a.mp4: frame 2 of 10",
        "a.mp4: frame 3 of 10, 0.5 a second, about 14 s left",
        "a.mp4: frame 4 of 10, 0.5 a second, about 12 s left",
    ]

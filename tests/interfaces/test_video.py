"""Clips from Python: frame by frame, and whole."""

import threading
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from drawn_clips import read_clip, write_clip
from PIL import Image

import fst
from fst.errors import InputError
from fst.inference.video.record import read_clip_record
from fst.inference.video.sources import open_source
from fst.interfaces.loaded_style import LoadedStyle
from fst.interfaces.video import VideoOptions
from fst.nets.johnson import JohnsonNet
from fst.styles.trained import TrainedStyle, save_checkpoint


@pytest.fixture
def style(tmp_path: Path) -> LoadedStyle:
    torch.manual_seed(0)
    arguments = {"width": 4, "residual_blocks": 1}
    about = {"net": {"name": "johnson", "arguments": arguments}, "style": {"name": "mine"}}
    save_checkpoint(tmp_path / "mine.safetensors", TrainedStyle(JohnsonNet(**arguments), about))
    return fst.load("mine", checkpoints=tmp_path, device="cpu", precision="fp32", backend="eager")


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return write_clip(tmp_path / "clip.mp4", 12, rate=4)


def test_frames_are_painted_as_pictures_are(style: LoadedStyle, clip: Path) -> None:
    source = list(open_source(clip).frames())
    found = list(style.video(clip, stable="off"))
    assert [frame.time for frame in found] == [Fraction(number, 4) for number in range(12)]
    for frame, photo in zip(found, source, strict=True):
        assert np.array_equal(frame.pixels, style(photo.pixels))
    assert isinstance(found[0].image, Image.Image)
    assert np.array_equal(np.asarray(found[0].image), found[0].pixels)


def test_options_are_those_of_a_photo_and_of_a_clip(style: LoadedStyle, clip: Path) -> None:
    (frame,) = style.video(str(clip), start=1, seconds=0.25, size=16, strength=0.5)
    assert (frame.number, frame.time) == (0, 1)
    assert frame.image.size == (16, 12)
    mask = np.zeros((24, 32), bool)
    mask[:, :16] = True
    (masked,) = style.video(clip, seconds=0.25, mask=mask, feather=0)
    (whole,) = style.video(clip, seconds=0.25)
    (photo,) = style.video(clip, seconds=0.25, strength=0)
    assert np.array_equal(masked.pixels[:, :16], whole.pixels[:, :16])
    assert np.array_equal(masked.pixels[:, 16:], photo.pixels[:, 16:])


def test_who_stops_early_leaves_no_thread_and_modes_are_the_callers(
    style: LoadedStyle, clip: Path
) -> None:
    with torch.inference_mode():
        for _ in style.video(clip):
            assert torch.is_inference_mode_enabled()
            break
    names = [thread.name for thread in threading.enumerate()]
    assert [name for name in names if name.startswith("fst-")] == []


def test_a_whole_clip_is_painted_and_says_how(style: LoadedStyle, clip: Path) -> None:
    target = clip.with_name("out.mp4")
    told: list[tuple[int, int | None]] = []
    style.paint_video(clip, target, on_frame=lambda *how: told.append(how))
    assert told[-1] == (12, 12)
    assert read_clip(target).shape == (12, 24, 32, 3)
    record = read_clip_record(target)
    assert record is not None
    assert record["styles"][0]["name"] == "mine"
    before = target.stat().st_mtime_ns
    assert style.paint_video(clip, target) == []  # painted already
    assert target.stat().st_mtime_ns == before
    with pytest.raises(InputError, match=r"strength 1\.0, now 0\.5"):
        style.paint_video(clip, target, strength=0.5)
    style.paint_video(clip, target, strength=0.5, overwrite=True, record=False)
    assert read_clip_record(target) is None


def test_a_folder_of_frames_is_painted_again_where_that_is_said(
    style: LoadedStyle, clip: Path
) -> None:
    target = clip.with_name("painted") / "%02d.png"
    style.paint_video(clip, target, seconds=1)
    names = [path.name for path in sorted(target.parent.iterdir())]
    assert names == ["01.png", "02.png", "03.png", "04.png"]
    assert style.paint_video(clip, target, seconds=1) == []  # painted already
    kept = [path.stat().st_ino for path in sorted(target.parent.iterdir())]
    told: list[int] = []

    def tell(count: int, total: int | None) -> None:
        told.append(count)

    style.paint_video(clip, target, seconds=1, overwrite=True, on_frame=tell)
    assert told[-1] == 4
    now = sorted(target.parent.iterdir())
    assert [path.name for path in now] == names
    assert all(path.stat().st_ino not in kept for path in now)
    style.paint_video(clip, target, seconds=0.5, strength=0.5, overwrite=True)
    assert len(list(target.parent.iterdir())) == 2
    (target.parent / "mine.txt").write_text("mine")
    with pytest.raises(InputError, match="painted holds more"):
        style.paint_video(clip, target, overwrite=True)
    assert len(list(target.parent.iterdir())) == 3


@pytest.mark.parametrize("part", [("1", "0:01"), ("0:01", 1), (Fraction(1), "1.0")])
def test_times_are_those_of_the_command(style: LoadedStyle, clip: Path, part: Any) -> None:
    start, seconds = part
    found = [frame.time for frame in style.video(clip, start=start, seconds=seconds)]
    assert found == [1, Fraction(5, 4), Fraction(3, 2), Fraction(7, 4)]
    target = clip.with_name("out.mp4")
    style.paint_video(clip, target, start=start, seconds=seconds)
    assert style.paint_video(clip, target, start=1, seconds=1) == []  # the same settings
    assert read_clip(target).shape[0] == 4


def test_masks_and_paintings_that_no_file_has_are_told_apart(
    style: LoadedStyle, clip: Path
) -> None:
    target = clip.with_name("out.mp4")
    mask = np.full((24, 32), 255, np.uint8)
    style.paint_video(clip, target, mask=mask, seconds=0.5)
    assert style.paint_video(clip, target, mask=mask.copy(), seconds=0.5) == []
    mask[:, :5] = 0
    with pytest.raises(InputError, match="another mask"):
        style.paint_video(clip, target, mask=mask, seconds=0.5)


def test_holes_of_an_animation_are_white_in_a_video(style: LoadedStyle, tmp_path: Path) -> None:
    pictures = [Image.new("RGBA", (32, 24), (200, 30, 40 * one, 255)) for one in range(3)]
    for picture in pictures:
        picture.paste((0, 0, 0, 0), (4, 4, 20, 16))
    source, target = tmp_path / "holes.png", tmp_path / "out.mkv"
    pictures[0].save(source, save_all=True, append_images=pictures[1:], duration=100)
    said = style.paint_video(source, target, codec="ffv1", strength=0.0)
    assert sum("transparen" in line for line in said) == 1
    page = np.array(pictures[1].convert("RGB"))
    page[4:16, 4:20] = 255
    assert np.array_equal(read_clip(target)[1], page)
    how = {"codec": "ffv1", "stable": "off", "overwrite": True}
    style.paint_video(source, target, **how)
    assert np.array_equal(read_clip(target)[1], style(page))
    animation = tmp_path / "out.png"
    assert style.paint_video(source, animation) == []
    with Image.open(animation) as kept:
        assert np.asarray(kept.convert("RGBA"))[10, 10, 3] == 0


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"stable": "very"}, "very"),
        ({"strengths": 1}, "strength"),
        ({"strength": 2}, "from 0 to 1"),
        ({"feather": 0.1}, "mask"),
        ({"seconds": 0}, "seconds"),
        ({"seconds": "five"}, "seconds.*five"),
        ({"seconds": "0:00"}, "seconds"),
        ({"start": "1:2:3:4"}, "start.*1:2:3:4"),
        ({"start": "0:03"}, "--start"),
        ({"start": True}, "start"),
        ({"start": -1}, "start"),
        ({"start": 3}, "--start"),
        ({"start": float("nan")}, "start"),
        ({"rate": 0}, "rate"),
        ({"max_pixels": 0}, "max_pixels"),
        ({"max_pixels": 10}, r"32x24.* max_pixels \(--max-pixels\)"),
        ({"upsample": "guided"}, "size"),
    ],
)
def test_what_can_not_be_is_told_at_once(
    style: LoadedStyle, clip: Path, options: dict[str, Any], named: str
) -> None:
    with pytest.raises(InputError, match=named) as caught:
        style.video(clip, **options)  # and not with the first frame
    assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match=named):
        style.paint_video(clip, clip.with_name("out.mp4"), **options)
    assert [path.name for path in clip.parent.glob("out*")] == []


@pytest.mark.parametrize("path", ["", "a\0b", "nowhere.mp4", None, 3])
def test_paths_that_can_not_be(style: LoadedStyle, clip: Path, path: Any) -> None:
    with pytest.raises(InputError):
        style.video(path)
    with pytest.raises(InputError):
        style.paint_video(path, clip.with_name("out.mp4"))
    if path != "nowhere.mp4":
        with pytest.raises(InputError):
            style.paint_video(clip, path)


@pytest.mark.parametrize("wrong", [{"crf": -1}, {"crf": "good"}, {"codec": 5}, {"record": 1}])
def test_how_it_is_written_is_checked(
    style: LoadedStyle, clip: Path, wrong: dict[str, Any]
) -> None:
    with pytest.raises(InputError, match=next(iter(wrong))):
        style.paint_video(clip, clip.with_name("out.mp4"), **wrong)


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"crf": 99}, r"^crf \(--crf\).*99"),
        ({"codec": "prores", "crf": 20}, r"^crf \(--crf\).*prores"),
        ({"codec": "vp8"}, r"^codec \(--codec\).*\.mp4"),
    ],
)
def test_messages_name_the_arguments_of_python_too(
    style: LoadedStyle, clip: Path, wrong: dict[str, Any], named: str
) -> None:
    with pytest.raises(InputError, match=named):
        style.paint_video(clip, clip.with_name("out.mov" if len(wrong) > 1 else "out.mp4"), **wrong)


def test_numbers_are_exact() -> None:
    assert VideoOptions(seconds=0.1).piece.seconds == Fraction(1, 10)
    assert VideoOptions(rate=29.97).frame_rate == Fraction(2997, 100)
    ntsc: Any = Fraction(30000, 1001)
    assert VideoOptions(rate=ntsc).frame_rate == ntsc

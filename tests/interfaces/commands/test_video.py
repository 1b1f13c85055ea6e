"""``fst video``: a clip in, a painted clip out; stopped, killed, full, and what is said of it."""

import json
import re
import shutil
import signal
import time
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import torch
from drawn_clips import read_clip, write_clip
from PIL import Image
from programs import Server

import fst
from fst.errors import InputError
from fst.inference.video import clips
from fst.inference.video.frames import Frame
from fst.inference.video.parts import held_parts
from fst.inference.video.record import read_clip_record
from fst.inference.video.sources import open_source
from fst.interfaces.arguments.video import parser
from fst.interfaces.commands import video
from fst.nets.johnson import JohnsonNet
from fst.styles.trained import TrainedStyle, save_checkpoint

STYLE = ["--style", "tiny.safetensors", "--device", "cpu", "--precision", "fp32",
         "--backend", "eager"]  # fmt: skip


def save_tiny(path: Path, seed: int = 0) -> None:
    torch.manual_seed(seed)
    arguments = {"width": 4, "residual_blocks": 1}
    about = {"net": {"name": "johnson", "arguments": arguments}, "style": {"name": path.stem}}
    save_checkpoint(path, TrainedStyle(JohnsonNet(**arguments), about))


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A clip of 20 frames, two a second: three segments, of eight, eight and four."""
    write_clip(tmp_path / "clip.mp4", 20, rate=2)
    save_tiny(tmp_path / "tiny.safetensors")
    save_tiny(tmp_path / "other.safetensors", 1)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def call(*words: str) -> int:
    return video.main(parser().parse_args([*STYLE, *words]))


def frames(path: Path) -> list[Frame]:
    return list(open_source(path).frames())


def names() -> list[str]:
    kept = ("tiny.safetensors", "other.safetensors", "clip.mp4")
    return sorted(path.name for path in Path().iterdir() if path.name not in kept)


def test_a_clip_is_painted_beside_itself(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("clip.mp4") == 0
    assert names() == ["clip-tiny.mp4"]
    said = capsys.readouterr()
    assert "20 frames of 32x24" in said.out
    assert "wrote clip-tiny.mp4" in said.out
    assert said.err == ""
    assert read_clip(Path("clip-tiny.mp4")).shape == (20, 24, 32, 3)


def test_every_frame_is_painted_as_a_photo_is(work: Path) -> None:
    lossless = ("--codec", "ffv1", "--output", "painted.mkv")
    assert call("clip.mp4", "--stable", "off", *lossless) == 0
    style = fst.load("tiny.safetensors", device="cpu", precision="fp32", backend="eager")
    source, painted = frames(Path("clip.mp4")), frames(Path("painted.mkv"))
    assert [frame.time for frame in painted] == [frame.time for frame in source]
    for one, photo in zip(painted, source, strict=True):
        assert np.array_equal(one.pixels, style(photo.pixels))


def test_the_same_command_again_does_nothing(
    work: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("clip.mp4") == 0
    before = Path("clip-tiny.mp4").read_bytes()
    record = read_clip_record(Path("clip-tiny.mp4"))
    assert record is not None
    assert record["clip"]["name"] == "clip.mp4"
    assert str(work) not in json.dumps(record)
    capsys.readouterr()
    assert call("clip.mp4") == 0
    assert "already" in capsys.readouterr().out
    for other in (["--strength", "0.5"], ["--stable", "off"], ["--crf", "30"], ["--seconds", "3"]):
        with pytest.raises(InputError, match=r"clip-tiny\.mp4 is there already"):
            call("clip.mp4", *other)
    assert Path("clip-tiny.mp4").read_bytes() == before
    assert call("clip.mp4", "--strength", "0.5", "--overwrite") == 0
    assert Path("clip-tiny.mp4").read_bytes() != before
    assert names() == ["clip-tiny.mp4"]


def test_it_can_be_asked_to_say_nothing(work: Path) -> None:
    assert call("clip.mp4", "--no-record", "--stable", "off") == 0
    assert read_clip_record(Path("clip-tiny.mp4")) is None
    with pytest.raises(InputError, match="does not say how"):
        call("clip.mp4", "--no-record", "--stable", "off")


def test_a_part_of_it_at_a_size_for_players(work: Path) -> None:
    assert call("clip.mp4", "--start", "0:02", "--seconds", "3", "--size", "31") == 0
    painted = read_clip(Path("clip-tiny.mp4"))
    assert painted.shape == (6, 22, 30, 3)  # 31 is odd


def sound(path: Path, begin: float = 0, end: float = 99) -> list[bytes]:
    """The packets of the sound that begin between two moments."""
    with av.open(str(path)) as container:
        packets = [one for one in container.demux(audio=0) if one.pts is not None]
        return [bytes(one) for one in packets if begin <= one.pts * one.time_base < end]


def test_the_sound_is_copied_and_that_of_a_part_cut_with_it(work: Path) -> None:
    source = write_clip(work / "heard.mp4", 12, rate=4, sound=True)
    assert call("heard.mp4", "--output", "whole.mp4", "--stable", "off") == 0
    assert sound(Path("whole.mp4")) == sound(source)
    assert len(sound(source)) > 20
    words = ("--start", "1", "--seconds", "1.5", "--output", "part.mp4", "--stable", "off")
    assert call("heard.mp4", *words) == 0
    assert sound(Path("part.mp4")) == sound(source, 1, 2.5)
    assert [frame.time for frame in frames(Path("part.mp4"))] == [
        Fraction(number, 4) for number in range(6)
    ]


def test_several_clips_go_into_a_folder_and_one_that_fails_is_told(
    work: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_clip(work / "second.mov", 3)
    (work / "broken.mp4").write_text("no video")
    assert call("clip.mp4", "broken.mp4", "second.mov", "--output", "painted") == 1
    assert sorted(path.name for path in Path("painted").iterdir()) == [
        "clip-tiny.mp4", "second-tiny.mov"
    ]  # fmt: skip
    said = capsys.readouterr()
    (line,) = said.err.splitlines()
    assert line.startswith("error: ")
    assert "broken.mp4" in line


def stops_after(monkeypatch: pytest.MonkeyPatch, frames: int, error: BaseException) -> None:
    """Painting ends so, once so many frames are painted in this process."""
    whole, count = clips.SteadyPainter.__call__, 0

    def paint(self: Any, picture: Any) -> Any:
        nonlocal count
        if count == frames:
            raise error
        count += 1
        return whole(self, picture)

    monkeypatch.setattr(clips.SteadyPainter, "__call__", paint)


def test_stopped_it_keeps_what_is_painted_and_goes_on(
    work: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with monkeypatch.context() as patched:
        stops_after(patched, 19, KeyboardInterrupt())
        assert call("clip.mp4") == 130
    (line,) = capsys.readouterr().err.splitlines()
    found = re.search(r"interrupted: (\d+) of 20 frames .*clip-tiny\.mp4\.parts.* goes on", line)
    assert found is not None
    assert int(found[1]) in (8, 16)
    assert names() == ["clip-tiny.mp4.parts"]
    Path("clip.mp4").rename("renamed.mp4")  # what it is called changes nothing
    assert call("renamed.mp4", "--output", "clip-tiny.mp4") == 0
    Path("renamed.mp4").rename("clip.mp4")
    assert f"goes on after frame {found[1]}" in capsys.readouterr().out
    assert names() == ["clip-tiny.mp4"]
    assert call("clip.mp4", "--output", "whole.mp4") == 0
    assert (read_clip(Path("clip-tiny.mp4")) == read_clip(Path("whole.mp4"))).all()


def test_what_was_left_of_a_finished_painting_goes(
    work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:  # killed between the last two steps
        patched.setattr(clips, "remove_parts", lambda parts: None)
        assert call("clip.mp4") == 0
    with held_parts(Path("clip-tiny.mp4"), ".mkv", {"another": "painting"}):
        pass
    assert names() == ["clip-tiny.mp4", "clip-tiny.mp4.parts", "clip-tiny.mp4.parts-2"]
    assert call("clip.mp4") == 0
    assert names() == ["clip-tiny.mp4", "clip-tiny.mp4.parts-2"]


def test_other_settings_leave_what_was_begun(
    work: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with monkeypatch.context() as patched:
        stops_after(patched, 19, KeyboardInterrupt())
        assert call("clip.mp4") == 130
    assert call("clip.mp4", "--strength", "0.5") == 0
    assert "clip-tiny.mp4.parts has what was painted with other settings" in capsys.readouterr().out
    assert names() == ["clip-tiny.mp4", "clip-tiny.mp4.parts"]


def test_a_full_disk_is_one_line_and_keeps_what_is_painted(
    work: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with monkeypatch.context() as patched:
        full = OSError(28, "No space left on device", "clip-tiny.mp4.parts/000002.mkv")
        stops_after(patched, 19, full)
        assert call("clip.mp4") == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "No space left on device" in line
    assert "clip-tiny.mp4.parts" in line
    assert call("clip.mp4") == 0
    assert names() == ["clip-tiny.mp4"]


def test_what_appears_meanwhile_is_not_replaced(
    work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = clips.paint_clip

    def paint(*words: Any) -> Any:
        Path("clip-tiny.mp4").write_bytes(b"mine")
        return whole(*words)

    monkeypatch.setattr(clips, "paint_clip", paint)
    assert call("clip.mp4") == 0
    assert Path("clip-tiny.mp4").read_bytes() == b"mine"
    assert names() == ["clip-tiny-2.mp4", "clip-tiny.mp4"]


def test_a_mask_and_what_it_is_of_no_use_without(work: Path) -> None:
    left = Image.new("L", (32, 24), 0)
    left.paste(255, (0, 0, 16, 24))
    left.save("left.png")
    words = ("--mask", "left.png", "--feather", "0", "--output", "half.mp4", "--crf", "0")
    assert call("clip.mp4", *words) == 0
    differs = abs(read_clip(Path("clip.mp4")).astype(int) - read_clip(Path("half.mp4")))
    assert differs[:, :, :14].mean() > 20
    assert differs[:, :, 18:].mean() < 2
    with pytest.raises(InputError, match="feather"):
        call("clip.mp4", "--feather", "0.1")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_killed_at_any_moment_it_ends_as_if_nothing_had_happened(
    work: Path, fork_server: Server, environment: dict[str, str], number: int
) -> None:
    words = ["video", "clip.mp4", *STYLE]

    def run(folder: Path, kill: int | None = None) -> tuple[int | None, str]:
        program = fork_server.start(words, folder, environment)
        while kill is not None and program.poll() is None:
            done = list(folder.glob("*.parts/0*.json"))
            if len(done) >= kill:  # the first moments of a segment, a little later each time
                time.sleep(0.02 * kill)
                program.send_signal(number)
            time.sleep(0.005)
        (said,) = program.communicate()
        assert "Traceback" not in said
        return program.returncode, said

    status, _ = run(work)
    assert status == 0
    expected = read_clip(work / "clip-tiny.mp4")
    (again := work / "again").mkdir()
    for name in ("clip.mp4", "tiny.safetensors"):
        shutil.copy(work / name, again / name)
    stopped = 0
    for kill in (0, 1, 2):
        status, said = run(again, kill)
        assert status in (0, -number, 128 + number), said
        stopped += status != 0
    assert stopped
    status, said = run(again)
    assert status == 0, said
    assert (read_clip(again / "clip-tiny.mp4") == expected).all()
    kept = {"clip.mp4", "tiny.safetensors", "clip-tiny.mp4"}
    assert {path.name for path in again.iterdir()} == kept

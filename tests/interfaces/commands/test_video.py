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
from support import make_photo
from tiny_any import save_any

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


def test_each_animation_of_a_folder_is_painted_and_not_twice(
    work: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("moving").mkdir()
    for name, count in (("a.gif", 3), ("b.webp", 2)):
        first, *others = [make_photo(24, 20, seed) for seed in range(count)]
        first.save(f"moving/{name}", save_all=True, append_images=others, duration=100)
    assert call("moving", "--output", "painted/") == 0
    painted = [Path("painted/a-tiny.gif"), Path("painted/b-tiny.webp")]
    assert [len(frames(path)) for path in painted] == [3, 2]
    painted[0].unlink()
    kept = painted[1].stat().st_mtime_ns
    capsys.readouterr()
    assert call("moving", "--output", "painted/") == 0
    said = capsys.readouterr().out
    assert "wrote painted/a-tiny.gif" in said
    assert "painted/b-tiny.webp was painted with these settings already" in said
    assert painted[1].stat().st_mtime_ns == kept
    # results among the sources are none themselves
    assert call("moving", "--output", "moving") == 0
    assert call("moving", "--output", "moving") == 0
    assert sorted(path.name for path in Path("moving").iterdir()) == [
        "a-tiny.gif", "a.gif", "b-tiny.webp", "b.webp",
    ]  # fmt: skip
    make_photo().save("moving/still.jpg")
    with pytest.raises(InputError, match=r"2 animations .* and 1 still picture \(still\.jpg\)"):
        call("moving", "--output", "painted/")


@pytest.mark.parametrize("output", ["out.gif", "out.webp", "out.png", "frames/%d.png"])
def test_where_there_is_no_sound_that_is_said(
    work: Path, capsys: pytest.CaptureFixture[str], output: str
) -> None:
    write_clip(work / "heard.mp4", 2, rate=2, sound=True)
    assert call("heard.mp4", "--output", output) == 0
    first, second, *others = capsys.readouterr().out.splitlines()
    assert "sound" not in first
    what = "a folder of frames" if "%" in output else output
    assert f"{what} has no sound" in second
    assert "sound" not in "".join(others)
    assert call("clip.mp4", "--seconds", "1", "--output", f"silent/{output}") == 0
    assert "sound" not in capsys.readouterr().out
    assert call("heard.mp4", "--seconds", "1") == 0
    assert "sound: aac" in capsys.readouterr().out


def test_a_folder_of_frames_is_told_not_to_be_replaced(
    work: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("clip.mp4", "--seconds", "1", "--output", "new/%d.png")
    assert call(*words) == 0
    before = {path: path.stat().st_mtime_ns for path in Path("new").iterdir()}
    capsys.readouterr()
    for overwrite in ((), ("--overwrite",)):
        assert call(*words, *overwrite) == 0
        (line,) = capsys.readouterr().out.splitlines()
        assert line.startswith("new was painted with these settings already")
        assert "folder of frames is not replaced: give another --output" in line
        assert "--overwrite" not in line
        with pytest.raises(InputError, match="is not replaced: give another --output"):
            call(*words, "--strength", "0.5", *overwrite)
    assert {path: path.stat().st_mtime_ns for path in Path("new").iterdir()} == before


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--codec", "foo"], "foo.*can't encode"),
        (["--codec", "vp8"], "can't hold"),
        (["--crf", "99"], "from 0 to 51"),
        (["--rate", "10"], "--rate.*folders"),
        (["--start", "99"], "nothing starts at 99"),
    ],
)
def test_options_that_can_not_be_are_told_before_what_is_there(
    work: Path, words: list[str], said: str
) -> None:
    Path("clip-tiny.mp4").write_bytes(b"mine")
    with pytest.raises(InputError, match=said):
        call("clip.mp4", *words)
    with pytest.raises(InputError, match="is there already"):
        call("clip.mp4", "--codec", "hevc")
    assert Path("clip-tiny.mp4").read_bytes() == b"mine"


def test_stopped_before_the_first_frame_nothing_is_painted(
    work: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stopped(*_: Any) -> None:
        raise KeyboardInterrupt

    for place, name in ((video, "find_styles"), (video, "the_way"), (clips, "open_source")):
        with monkeypatch.context() as patched:
            patched.setattr(place, name, stopped)
            assert call("clip.mp4") == 130
        (line,) = capsys.readouterr().err.splitlines()
        assert line.startswith("interrupted: nothing was painted")
    stops_after(monkeypatch, 0, KeyboardInterrupt())
    assert call("clip.mp4") == 130
    assert "nothing was painted" in capsys.readouterr().err
    assert names() == []


def test_a_request_to_stop_that_became_another_error_is_one(
    work: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: Any) -> None:
        raise RuntimeError("as of C code in which the signal came")

    monkeypatch.setattr(video, "find_styles", broken)
    with pytest.raises(RuntimeError):
        call("clip.mp4")
    monkeypatch.setattr(video, "asked", lambda: signal.SIGINT)
    assert call("clip.mp4") == 130
    assert "nothing was painted" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words", [["--method", "optimize"], ["--method=optimize"], ["--refine", "3"]]
)
def test_what_is_for_photos_is_told_to_be(
    capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        parser().parse_args(["clip.mp4", "--style", "monet", *words])
    assert left.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "clips are painted in one pass" in line
    assert words[0].partition("=")[0] in line
    assert "fst stylize" in line
    assert "did you mean" not in line


def test_a_painting_s_hint_names_only_what_clips_can_have(
    work: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make_photo(80, 66).save("painting.png")
    save_any(work / "nets")
    words = ["clip.mp4", "--style", "painting.png", "--checkpoints", "nets", "--seconds", "0.5"]
    assert video.main(parser().parse_args([*words, "--device", "cpu"])) == 0
    said = capsys.readouterr().out
    assert "any-painting net" in said
    assert "fst train style=painting.png" in said
    assert "--method" not in said


def test_a_word_that_is_nearly_an_option_is_still_told(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit):
        parser().parse_args(["clip.mp4", "--style", "monet", "--memmory", "2GB"])
    assert "did you mean --memory" in capsys.readouterr().err


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
    capsys.readouterr()
    assert call("clip.mp4", "--strength", "0.5") == 0
    first, second, *others = capsys.readouterr().out.splitlines()
    assert "20 frames" in first  # at the beginning, and once
    assert "clip-tiny.mp4.parts has what was painted with other settings" in second
    assert [line for line in others if ".parts" in line] == []
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

"""``fst live`` with a file as the camera and no screen, or one that is made by hand."""

import re
from pathlib import Path

import numpy as np
import pytest
from many_files import write_many
from PIL import Image
from support import make_photo
from tiny_runs import save_style

from fst.errors import InputError
from fst.image.record import read_record
from fst.inference.video import camera
from fst.inference.video.live import Report
from fst.inference.video.live_settings import Pixels
from fst.interfaces import cli
from fst.interfaces.commands import live as command

pytest.importorskip("cv2")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A clip of six frames in a second and a half, and a file of three styles."""
    for name in ("CACHE", "DATA"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / name.lower()))
    monkeypatch.delenv("FST_ASSETS", raising=False)
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    first, *others = [make_photo(48, 40, number) for number in range(6)]
    first.save("clip.gif", save_all=True, append_images=others, duration=250)
    write_many(Path("nets/gallery.safetensors"), ("a", "b", "c"))
    return Path()


def fst(*words: str) -> int:
    with pytest.raises(SystemExit) as end:
        cli.main(
            ["live", "--camera", "clip.gif", "--checkpoints", "nets", "--backend", "eager", *words]
        )
    return int(end.value.code or 0)


def test_without_a_window_it_tells_how_fast_it_is(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert fst("--no-window", "--style", "b", "--size", "32") == 0
    output, errors = capsys.readouterr()
    assert errors == ""
    begin, told = output.splitlines()
    assert begin == "b at 32 pixels"
    found = re.fullmatch(
        r"painted (\d+) frames in .* (\d+) of (\d+) left out; .* ms \(median\)", told
    )
    assert found is not None
    painted, left_out, given = map(int, found.groups())
    assert given == painted + left_out == 6


def test_it_ends_when_the_time_is_over(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert fst("--no-window", "--seconds", "0.3") == 0
    (*_, told) = capsys.readouterr().out.splitlines()
    found = re.search(r"of (\d) left out", told)
    assert found is not None
    assert int(found[1]) < 6


class Typed:
    """A screen on which somebody types a key at every picture."""

    def __init__(self, title: str) -> None:
        self.keys = ["s", "n", "s", "-", "s", "q"]
        self.shown: list[Pixels] = []

    def show(self, pixels: Pixels, full: bool) -> list[str]:
        self.shown.append(pixels)
        return [self.keys.pop(0)]

    def close(self) -> None:
        assert self.keys == []


def test_keys_change_what_is_painted_and_snapshots_are_kept(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "Window", Typed)
    monkeypatch.setattr(command, "check_screen", lambda: None)
    Path("shots").mkdir()
    Path("shots/live-b.png").write_text("mine")
    assert fst("--style", "b", "--size", "32", "--snapshots", "shots") == 0
    assert Path("shots/live-b.png").read_text() == "mine"
    names = ["live-b-2.png", "live-a.png", "live-a-2.png"]
    output = capsys.readouterr().out
    assert [f"wrote shots/{name}" in output for name in names] == [True] * 3
    pictures = []
    for name, strength in zip(names, (1.0, 1.0, 0.9), strict=True):
        with Image.open(Path("shots", name)) as picture:
            assert picture.size == (32, 27)
            pictures.append(np.asarray(picture).astype(int))
        record = read_record(Path("shots", name))
        assert record is not None
        assert record["styles"][0]["name"] == name[5]
        assert record["settings"]["strength"] == strength
        assert record["photo"] == {"name": "clip.gif"}
    assert np.abs(pictures[0] - pictures[1]).mean() > 1


class Unplugged:
    """A capture of OpenCV's that gives two frames more, and then none."""

    left = 2

    def read(self) -> tuple[bool, Pixels | None]:
        self.left -= 1
        return (False, None) if self.left < 0 else (True, np.asarray(make_photo(48, 40)))

    def release(self) -> None:
        pass


def test_a_camera_that_is_unplugged_is_one_line(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    unplugged = camera.Camera(Unplugged(), np.asarray(make_photo(48, 40)), None)
    monkeypatch.setattr(command, "open_camera", lambda name: unplugged)
    assert fst("--no-window", "--style", "b", "--size", "32") == 1
    output, errors = capsys.readouterr()
    assert "painted" in output.splitlines()[-1]
    assert errors == "error: the camera gives no further picture\n"


def test_a_snapshot_of_a_stream_does_not_have_its_address(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "Window", Typed)
    monkeypatch.setattr(command, "check_screen", lambda: None)
    monkeypatch.setattr(command, "open_camera", lambda name: camera.open_camera("clip.gif"))
    assert fst("--style", "b", "--size", "32", "--camera", "rtsp://me:secret@host") == 0
    assert b"secret" not in Path("live-b.png").read_bytes()
    record = read_record(Path("live-b.png"))
    assert record is not None
    assert record["photo"] == {"name": "a stream"}


def test_a_snapshot_that_cannot_be_written_is_said_and_all_goes_on(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(*words: object, **options: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(command, "Window", Typed)
    monkeypatch.setattr(command, "check_screen", lambda: None)
    monkeypatch.setattr(command, "save_image", full)
    assert fst("--style", "b", "--size", "32") == 0
    output = capsys.readouterr().out
    assert output.count("error: no snapshot in .: No space left") == 3


def test_a_slow_machine_gets_a_smaller_size_and_is_told(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    first, *others = [make_photo(400, 300, number) for number in range(2)]
    first.save("clip.gif", save_all=True, append_images=others, duration=100)
    clock = iter(range(100))
    monkeypatch.setattr(command.time, "perf_counter", lambda: next(clock) / 3)
    assert fst("--no-window", "--style", "a") == 0
    output = capsys.readouterr().out
    assert "384 pixels take 0.33 s a frame here: painted at 192 (--size sets it)" in output
    assert "a at 192 pixels" in output


def test_ctrl_c_tells_what_there_was(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(*words: object) -> None:
        (report,) = [word for word in words if isinstance(word, Report)]
        report.painted, report.given, report.seconds, report.ages = 3, 4, 1.0, [0.1] * 3
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "run", run)
    assert fst("--no-window") == 130
    assert "painted 3 frames" in capsys.readouterr().out


def test_all_styles_that_have_a_net_follow_those_that_were_named(here: Path) -> None:
    def words(*named: str) -> list[str]:
        return [one.word for one in command.styles_to_show(named, Path("nets"))]

    assert words() == ["a", "b", "c"]
    assert words("c") == ["c", "a", "b"]
    assert words("b", "a") == ["b", "a", "c"]


def test_what_cannot_be_shown_is_one_line(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    make_photo(300, 260).save("painting.png")  # and no any-painting net
    assert fst("--no-window", "--style", "painting.png") == 1
    assert "no net" in capsys.readouterr().err

    def need(*words: str) -> None:
        raise InputError("fst live needs the package cv2: pip install av opencv-python")

    monkeypatch.setattr(camera, "need", need)
    for more in ([], ["--no-window"]):
        assert fst("--style", "a", *more) == 1
        (line,) = capsys.readouterr().err.splitlines()
        assert "pip install av opencv-python" in line


def slow(monkeypatch: pytest.MonkeyPatch, seconds: list[float]) -> None:
    """A clock on which the frames that are timed take so long, one after the other."""
    times = [time for second in seconds for time in (0.0, second)]
    monkeypatch.setattr(command.time, "perf_counter", lambda: times.pop(0))


@pytest.mark.parametrize(
    ("seconds", "size", "painted"),
    [([0.01], 384, "b"), ([0.2, 0.01], 384, "b_small"), ([0.4, 0.2], 240, "b_small")],
)
def test_a_slow_machine_takes_the_small_net_before_a_smaller_size(
    here: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    seconds: list[float],
    size: int,
    painted: str,
) -> None:
    first, *others = [make_photo(400, 300, number) for number in range(4)]
    first.save("clip.gif", save_all=True, append_images=others, duration=400)
    save_style(Path("nets/b.safetensors"), 1)
    save_style(Path("nets/b_small.safetensors"), 2, width=2)
    slow(monkeypatch, seconds)
    monkeypatch.setattr(command, "Window", Typed)
    monkeypatch.setattr(command, "check_screen", lambda: None)
    monkeypatch.setattr(Typed, "__init__", lambda self, title: vars(self).update(keys=["s", "q"]))
    monkeypatch.setattr(Typed, "show", lambda self, pixels, full: [self.keys.pop(0)])
    assert fst("--style", "b") == 0
    output = capsys.readouterr().out
    assert ("b_small is taken" in output) == (painted == "b_small")
    (snapshot,) = Path().glob("live-*.png")
    with Image.open(snapshot) as picture:
        assert max(picture.size) == size
    record = read_record(snapshot)
    assert record is not None
    assert record["styles"][0]["name"] == painted

"""``fst stylize`` with a stylizer that takes no time: streams, iterates, interruptions."""

import io
import os
import sys
from pathlib import Path

import numpy as np
import pytest
import quick_stylize
from PIL import Image
from quick_stylize import Negative, make_quick
from support import encoded, make_photo

from fst.errors import InputError
from fst.system.streams import SteadyOutput


@pytest.fixture(autouse=True)
def quick(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The test's own folder; nothing takes time."""
    monkeypatch.chdir(tmp_path)
    make_quick(monkeypatch)


def call(*words: str) -> int:
    return quick_stylize.call(*words, "--style", "m")


def pixels(path: str | Path | io.BytesIO) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image)


def tree() -> list[str]:
    return sorted(path.as_posix() for path in Path().rglob("*") if path.is_file())


class Stream(io.TextIOWrapper):
    """stdin or stdout, a terminal or not."""

    def __init__(self, content: bytes = b"", terminal: bool = False) -> None:
        super().__init__(io.BytesIO(content))
        self.terminal = terminal

    def isatty(self) -> bool:
        """As it was said."""
        return self.terminal


# --- stdin and stdout ----------------------------------------------------------------------------


@pytest.mark.parametrize("words", [["--output", "-"], []])
@pytest.mark.parametrize(
    ("kind", "name"), [(None, "PNG"), ("jpg", "JPEG"), ("webp", "WEBP"), ("tif", "TIFF")]
)
def test_a_picture_goes_through(
    words: list[str], kind: str | None, name: str, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """From a pipe into a pipe: its bytes and nothing else, also where nothing says --output."""
    monkeypatch.setattr(sys, "stdin", Stream(encoded(make_photo(24, 20))))
    monkeypatch.setattr(sys, "stdout", stdout := Stream())
    assert call("-", *words, *(["--format", kind] if kind else [])) == 0
    sent = stdout.buffer.getvalue()  # type: ignore[attr-defined]
    with Image.open(io.BytesIO(sent)) as image:
        assert image.format == name
    difference = pixels(io.BytesIO(sent)).astype(int) - (255 - np.asarray(make_photo(24, 20)))
    assert np.abs(difference).mean() < (8 if name in ("JPEG", "WEBP") else 0.001)
    assert tree() == []
    assert "wrote 1 of 1" in capsys.readouterr().err


def test_a_file_goes_to_stdout_and_stdin_into_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    make_photo().save("cat.png")
    monkeypatch.setattr(sys, "stdout", stdout := Stream())
    assert call("cat.png", "--output", "-") == 0
    np.testing.assert_array_equal(
        pixels(io.BytesIO(stdout.buffer.getvalue())),
        255 - pixels("cat.png"),  # type: ignore[attr-defined]
    )
    monkeypatch.setattr(sys, "stdout", Stream())
    for output, target in [("out.png", "out.png"), ("out/", "out/stdin-m.png")]:
        monkeypatch.setattr(sys, "stdin", Stream(Path("cat.png").read_bytes()))
        assert call("-", "--output", output) == 0
        np.testing.assert_array_equal(pixels(target), 255 - pixels("cat.png"))


def test_a_file_that_is_called_like_a_stream_is_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("-").write_bytes(encoded(make_photo()))
    monkeypatch.setattr(sys, "stdin", Stream(terminal=True))
    assert call("./-", "--output", "a.png") == 0
    assert tree() == ["-", "a.png"]


@pytest.mark.parametrize(
    ("words", "stdin", "stdout", "says"),
    [
        (["-"], Stream(terminal=True), Stream(), "stdin"),
        (["-"], None, Stream(), "stdin"),
        (["-"], Stream(), Stream(terminal=True), "terminal"),
        (["cat.png", "--output", "-"], None, Stream(terminal=True), "terminal"),
        (["cat.png", "--output", "-"], None, None, "closed"),
        (["cat.png", "dog.png", "--output", "-"], None, Stream(), "one picture"),
        (["photos", "--output", "-"], None, Stream(), "one picture"),
        (["cat.png", "-"], Stream(), Stream(), "--output"),
        (["cat.png", "--format", "jpg"], None, Stream(), "--format"),
        (["cat.png", "--output", "a.png", "--format", "jpg"], None, Stream(), "--format"),
        (["cat.png", "--output", "-", "--save-every", "2"], None, Stream(), "--output"),
    ],
)
def test_what_no_stream_can_do_is_said_in_a_line(
    words: list[str], stdin: Stream | None, stdout: Stream | None, says: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    for name in ("cat.png", "dog.png"):
        make_photo().save(name)
    Path("photos").mkdir()
    make_photo().save("photos/a.png")
    monkeypatch.setattr(sys, "stdin", stdin)
    monkeypatch.setattr(sys, "stdout", stdout)
    with pytest.raises(InputError) as caught:
        call(*words)
    assert says in str(caught.value)
    assert tree() == ["cat.png", "dog.png", "photos/a.png"]


def test_without_a_stdout_a_file_is_painted_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    make_photo().save("cat.png")
    monkeypatch.setattr(sys, "stdout", None)
    assert call("cat.png") == 0
    assert tree() == ["cat-m.png", "cat.png"]


def test_a_stream_without_a_picture_is_an_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", Stream())
    monkeypatch.setattr(sys, "stdout", stdout := Stream())
    assert call("-") == 1
    assert stdout.buffer.getvalue() == b""  # type: ignore[attr-defined]
    assert "error: stdin is empty" in capsys.readouterr().err


# --- iterates ------------------------------------------------------------------------------------


def test_iterates_replace_no_photo() -> None:
    """One that is called as an iterate was once: beside the result, with a number."""
    Path("in").mkdir()
    photo = make_photo()
    photo.save("in/shot_00002.png")
    before = Path("in/shot_00002.png").read_bytes()
    assert call("in/shot_00002.png", "--save-every", "2", "--output", "in/shot.png") == 0
    assert Path("in/shot_00002.png").read_bytes() == before
    folder = "in/shot.png.iterates"
    names = [f"{folder}/0000{i}.png" for i in (0, 2, 4)]
    assert tree() == ["in/shot.png", *names, "in/shot_00002.png"]
    np.testing.assert_array_equal(pixels(names[0]), np.asarray(photo))
    np.testing.assert_array_equal(pixels(names[2]), 255 - np.asarray(photo))


def test_iterates_that_are_there_are_refused_before_the_work() -> None:
    make_photo().save("cat.png")
    Path("cat-m.png.iterates").mkdir()
    Path("cat-m.png.iterates/00002.png").write_bytes(b"of somebody")
    with pytest.raises(InputError, match=r"cat-m\.png\.iterates.*--overwrite"):
        call("cat.png", "--save-every", "2")
    assert tree() == ["cat-m.png.iterates/00002.png", "cat.png"]
    assert call("cat.png", "--save-every", "2", "--overwrite") == 0
    assert pixels("cat-m.png.iterates/00002.png").shape == (40, 48, 3)


def test_the_same_command_goes_on_where_iterates_of_its_own_are() -> None:
    make_photo().save("cat.png")
    Negative.stops = 3
    command = ["cat.png", "--save-every", "1"]
    assert call(*command) == 130
    folder = Path("cat-m.png.iterates")
    before = {path: path.read_bytes() for path in folder.iterdir()}
    assert len(before) == 3
    Negative.stops = None
    assert call(*command) == 0
    assert {path: path.read_bytes() for path in before} == before
    assert len(list(folder.iterdir())) == 5


@pytest.mark.parametrize("change", ["photo", "quality", "style", "no record"])
def test_iterates_of_another_painting_are_refused(change: str) -> None:
    make_photo().save("cat.jpg")
    Negative.stops = 3
    command = ["cat.jpg", "--save-every", "1", "--output", "out.jpg"]
    assert call(*command) == 130
    Negative.stops = None
    if change == "photo":
        make_photo(seed=5).save("cat.jpg")
    command += {"quality": ["--quality", "50"], "no record": ["--no-record"]}.get(change, [])
    before = tree()
    with pytest.raises(InputError, match=r"out\.jpg\.iterates/00000\.jpg.*--overwrite"):
        quick_stylize.call(*command, "--style", "n" if change == "style" else "m")
    assert tree() == before


def test_iterates_are_neither_results_nor_photos(capsys: pytest.CaptureFixture[str]) -> None:
    Path("in").mkdir()
    for name in "ab":
        make_photo().save(f"in/{name}.png")
    Negative.stops = 3
    assert call("in", "--output", "in", "--save-every", "1") == 130
    assert tree() == [
        "in/a-m.interrupted-00002.png", *(f"in/a-m.png.iterates/0000{i}.png" for i in range(3)),
        "in/a.png", "in/b.png",
    ]  # fmt: skip
    Negative.stops = None
    capsys.readouterr()
    assert call("in", "--output", "in") == 0
    assert "wrote 2 of 2" in capsys.readouterr().out
    assert len(list(Path("in").glob("*-m.png"))) == 2
    assert len([name for name in tree() if "interrupted" in name]) == 1


# --- interrupted ---------------------------------------------------------------------------------


def test_who_interrupts_is_told_what_there_is_and_how_it_goes_on(
    capsys: pytest.CaptureFixture[str],
) -> None:
    make_photo().save("cat.png")
    Negative.stops = 3
    assert call("cat.png") == 130
    assert tree() == ["cat-m.interrupted-00002.png", "cat.png"]
    photo = np.asarray(make_photo()).astype(float)
    difference = pixels("cat-m.interrupted-00002.png") - (photo + 255 - photo) / 2
    assert np.abs(difference).max() <= 1
    said = capsys.readouterr().err
    assert all(
        fact in said for fact in ("wrote 0 of 1", "iterate 2", "cat-m.interrupted-00002.png")
    )
    assert "same command" in said
    before = Path("cat-m.interrupted-00002.png").read_bytes()
    assert call("cat.png") == 130
    assert Path("cat-m.interrupted-00002.png").read_bytes() == before
    assert Path("cat-m.interrupted-00002-2.png").exists()
    Negative.stops = None
    assert call("cat.png") == 0


def test_who_interrupts_before_the_first_step_finds_nothing() -> None:
    make_photo().save("cat.png")
    Negative.stops = 1  # what there is is the photo
    assert call("cat.png", "--output", "new/cat.png") == 130
    assert tree() == ["cat.png"]
    assert os.listdir() == ["cat.png"]


def test_what_was_written_is_told_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    make_photo().save("me.png")
    assert call("me.png", "--output", "a\nb.png") == 0
    (line,) = [line for line in capsys.readouterr().out.splitlines() if "wrote" in line]
    assert "a\\nb.png" in line


def test_a_reader_that_has_left_gets_no_picture(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    make_photo().save("me.png")
    reading, writing = os.pipe()
    os.close(reading)
    raw = SteadyOutput(writing)
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BufferedWriter(raw)))  # type: ignore[type-var]
    assert call("me.png", "--output", "-") == 1
    os.close(writing)
    said = capsys.readouterr().err
    assert "stdout" in said
    assert "wrote" not in said


# --- regions -------------------------------------------------------------------------------------


def test_labels_belong_to_one_photo_and_are_never_replaced() -> None:
    Path("photos").mkdir()
    for name in ("photos/a.png", "photos/b.png", "photo.png", "labels.png"):
        make_photo().save(name)
    regions = ["--labels", "labels.png", "--style-labels", "labels.png"]
    before = Path("labels.png").read_bytes()
    with pytest.raises(InputError, match="one photo"):
        call("photos", "--output", "painted/", *regions)
    with pytest.raises(InputError, match=r"labels\.png"):
        call("photo.png", "--output", "labels.png", "--overwrite", *regions)
    assert Path("labels.png").read_bytes() == before
    assert not Path("painted").exists()

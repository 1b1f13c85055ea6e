"""fst.image.decoding: what goes wrong on the way from a file to its pixels is one line."""

import os
from pathlib import Path

import pytest
from PIL.PngImagePlugin import PngImageFile
from support import make_photo

from fst.errors import InputError
from fst.image.decoding import decoded
from fst.image.io import load_image, load_pixels


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    if not hasattr(os, "mkfifo"):
        pytest.skip("no named pipes here")
    os.mkfifo(tmp_path / "a.png")
    for read in (load_image, load_pixels):
        with pytest.raises(InputError, match=r"a\.png is no file, but a pipe or a device"):
            read(tmp_path / "a.png")


@pytest.mark.parametrize(
    ("problem", "says"),
    [
        (MemoryError(), "can't be decoded: there is too little memory for it"),
        (IndexError("index out of range"), "can't be decoded: index out of range"),
        (KeyError(7), "can't be decoded: 7"),
        (OverflowError(), "can't be decoded: OverflowError"),
        (OSError(5, "Input/output error"), "can't be read: Input/output error"),
        (ValueError("two\nlines" + 1000 * "x"), "can't be decoded: two lines"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_whatever_a_decoder_raises_is_one_line(
    problem: Exception, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(image: PngImageFile) -> object:
        raise problem

    make_photo().save(tmp_path / "a.png")
    monkeypatch.setattr(PngImageFile, "load", fail)
    for read in (load_image, load_pixels):
        with pytest.raises(InputError) as caught:
            read(tmp_path / "a.png")
        message = str(caught.value)
        assert message.startswith(f"{tmp_path / 'a.png'} {says}")
        assert "\n" not in message
        assert len(message) < 400


def test_a_bug_of_ours_keeps_its_traceback(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class OurBugError(Exception):
        pass

    def fail(image: PngImageFile) -> object:
        raise OurBugError

    make_photo().save(tmp_path / "a.png")
    monkeypatch.setattr(PngImageFile, "load", fail)
    with pytest.raises(OurBugError):
        load_image(tmp_path / "a.png")


def test_the_file_is_closed_and_named(tmp_path: Path) -> None:
    make_photo(48, 40).save(tmp_path / "a.png")
    with decoded(tmp_path / "a.png", 10**6, 16, None) as (image, tags, name):
        assert (image.size, tags, name) == ((48, 40), {}, str(tmp_path / "a.png"))
    with (tmp_path / "a.png").open("rb") as file, decoded(file, 10**6, 16, "b") as found:
        assert found[2] == "b"

"""``fst sheet``: one photo in every style, written by the rules of all results."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from many_files import write_many, write_paintings
from PIL import Image
from support import make_photo
from tiny_any import save_any

from fst.image.record import fits, read_record
from fst.inference import sheet
from fst.inference.sheet import Wanted
from fst.interfaces import cli
from fst.interfaces.arguments import sheet as arguments
from fst.interfaces.commands import sheet as command

Told = tuple[int, str, str]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A photo, five styles in one file, the any-painting net, three paintings of which one is no
    picture."""
    for name in ("CACHE", "DATA"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / name.lower()))
    monkeypatch.delenv("FST_ASSETS", raising=False)
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    make_photo(64, 48).save("photo.jpg")
    write_many(Path("nets/gallery.safetensors"), ("a", "b", "c", "d", "e"))
    save_any(Path("nets"))
    write_paintings(Path("paintings"), "one", "two")
    Path("paintings/broken.jpg").write_bytes(b"no picture")
    return Path()


@pytest.fixture
def call(here: Path, capsys: pytest.CaptureFixture[str]) -> object:
    """``call("photo.jpg", …)``: status, what was printed, and errors."""

    def run(*words: str) -> Told:
        with pytest.raises(SystemExit) as end:
            cli.main(["sheet", *words, "--checkpoints", "nets", "--device", "cpu"])
        output, errors = capsys.readouterr()
        return int(end.value.code or 0), output, errors

    return run


def test_every_style_is_on_the_sheet_beside_the_photo(call: object) -> None:
    status, output, errors = call("photo.jpg", "--size", "120", "--columns", "3")  # type: ignore[operator]
    assert (status, errors) == (0, "")
    assert "photo-sheet.jpg: 5 styles" in output
    with Image.open("photo-sheet.jpg") as image:
        array = np.asarray(image).astype(int)
    assert array.shape[1] == 3 * 128 + 8
    first = array[8 : 8 + 90, 8 : 8 + 120]  # the photo itself
    photo = np.asarray(make_photo(64, 48).resize((120, 90), Image.Resampling.BICUBIC)).astype(int)
    assert np.abs(first - photo).mean() < 4
    record = read_record("photo-sheet.jpg")
    assert record is not None
    assert [style["name"] for style in record["styles"]] == ["a", "b", "c", "d", "e"]


def test_what_is_there_stays_there(call: object) -> None:
    words = ("photo.jpg", "--styles", "a", "b", "--size", "32")
    assert call(*words)[0] == 0  # type: ignore[operator]
    before = Path("photo-sheet.jpg").read_bytes()
    status, output, errors = call(*words)  # type: ignore[operator]
    assert (status, errors) == (0, "")
    assert "already" in output
    for other in (("--size", "48"), ("--styles", "a", "c"), ("--columns", "1"), ("--no-record",)):
        status, _, errors = call(*words, *other)  # type: ignore[operator]
        assert status == 1
        assert "there already" in errors
        assert len(errors.splitlines()) == 1
    assert Path("photo-sheet.jpg").read_bytes() == before
    assert call(*words, "--size", "48", "--overwrite")[0] == 0  # type: ignore[operator]
    assert Path("photo-sheet.jpg").read_bytes() != before


def test_a_sheet_replaces_nothing_that_is_read(call: object) -> None:
    painting = Path("paintings/one.jpg")
    before = painting.read_bytes()
    words = ("photo.jpg", "--styles", "paintings", "--output", str(painting), "--overwrite")
    status, _, errors = call(*words)  # type: ignore[operator]
    assert status == 1
    assert "one of the files to work with" in errors
    assert painting.read_bytes() == before


def test_broken_paintings_are_named_and_the_rest_is_shown(call: object) -> None:
    status, output, errors = call("photo.jpg", "--styles", "paintings", "--output", "out/s.png")  # type: ignore[operator]
    assert status == 1
    assert "out/s.png: 2 styles" in output
    (line,) = errors.splitlines()
    assert "broken.jpg" in line
    status, output, errors = call(
        "photo.jpg", "--styles", "paintings/broken.jpg", "--output", "x.png"
    )  # type: ignore[operator]
    assert status == 1
    assert len(errors.splitlines()) == 1
    assert not Path("x.png").exists()


def test_a_second_photo_is_one_line(call: object) -> None:
    status, _, errors = call("photo.jpg", "photo.jpg", "--size", "32")  # type: ignore[operator]
    assert status == 1
    assert "one photo, not 2" in errors


def test_interrupted_it_leaves_no_file(
    call: object, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = sorted(here.rglob("*"))
    count = 0

    def cell(*_: object) -> object:
        nonlocal count
        count += 1
        if count == 3:
            raise KeyboardInterrupt(2)
        return whole(*_)  # type: ignore[arg-type]

    whole = sheet.SheetPainter.cell
    monkeypatch.setattr(sheet.SheetPainter, "cell", cell)
    status, _, errors = call("photo.jpg", "--size", "32")  # type: ignore[operator]
    assert status == 130
    assert errors.splitlines() == ["stopped"]
    assert sorted(here.rglob("*")) == before
    assert count == 3


def test_a_sheet_too_large_for_its_format_is_refused_before_the_work(call: object) -> None:
    words = ("photo.jpg", "--output", "s.webp", "--size", "3000", "--columns", "6")
    status, _, errors = call(*words)  # type: ignore[operator]
    assert status == 1
    assert "WEBP" in errors
    status, _, errors = call("photo.jpg", "--size", "50000")  # type: ignore[operator]
    assert status == 1
    assert "smaller --size" in errors


def test_so_many_styles_that_no_file_could_tell_them_are_one_checksum(here: Path) -> None:
    def said(count: int, name: str = "style") -> dict[str, Any]:
        words = ["photo.jpg", "--size", "32"]
        options = arguments.parser().parse_args(words)
        wanted = [Wanted(f"{name}_{i}", f"{name}_{i}") for i in range(count)]
        return command.settings_of(options, wanted, "torch.float32", "cpu")

    assert len(said(250)["styles"]) == 250
    (together,) = said(2000)["styles"]
    assert together["name"] == "2000 styles"
    assert said(2000) == said(2000) != said(2000, "other")
    assert fits(said(2000))

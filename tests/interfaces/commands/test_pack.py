"""``fst pack``: a file of many styles, written whole or not at all, and painted with."""

from pathlib import Path

import pytest
from many_files import write_many, write_paintings
from support import make_photo
from tiny_any import save_any

from fst.interfaces import cli
from fst.styles.headers import names_in


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two paintings, the any-painting net, and a file of two styles."""
    for name in ("CACHE", "DATA"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / name.lower()))
    monkeypatch.delenv("FST_ASSETS", raising=False)
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    make_photo(64, 48).save("photo.jpg")
    write_many(Path("nets/gallery.safetensors"), ("kiss", "irises"))
    save_any(Path("nets"))
    write_paintings(Path(), "one", "two")
    return Path()


def fst(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as end:
        cli.main([*words, "--checkpoints", "nets"])
    output, errors = capsys.readouterr()
    return int(end.value.code or 0), output, errors


def test_styles_are_packed_and_painted_with(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("pack", "one.jpg", "gallery:irises", "two.jpg", "--output", "mine.safetensors")
    status, output, errors = fst(capsys, *words)
    assert (status, errors) == (0, "")
    assert "3 styles" in output
    assert "KB a style" in output
    assert names_in(Path("mine.safetensors")) == ["one", "irises", "two"]
    style = "mine.safetensors:two"
    assert style.rpartition(":")[0] in output
    status, output, errors = fst(
        capsys, "stylize", "photo.jpg", "--style", style, "--backend", "eager", "--output", "x.png"
    )
    assert (status, errors) == (0, "")
    assert Path("x.png").is_file()


def test_nothing_is_replaced_unless_it_is_said(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("pack", "one.jpg", "--output", "mine.safetensors")
    assert fst(capsys, *words)[0] == 0
    before = Path("mine.safetensors").read_bytes()
    status, _, errors = fst(capsys, *words)
    assert status == 1
    assert "there already" in errors
    assert Path("mine.safetensors").read_bytes() == before
    more = ("pack", "one.jpg", "two.jpg", "--output", "mine.safetensors", "--overwrite")
    assert fst(capsys, *more)[0] == 0
    assert names_in(Path("mine.safetensors")) == ["one", "two"]


@pytest.mark.parametrize("word", ["gallery", "gallery:kiss", "kiss", "./nets/gallery.safetensors"])
def test_a_file_that_is_read_is_not_replaced(
    word: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("pack", word, "--output", "nets/gallery.safetensors", "--overwrite")
    status, _, errors = fst(capsys, *words)
    assert status == 1
    assert "one of the files to pack" in errors
    assert names_in(Path("nets/gallery.safetensors")) == ["kiss", "irises"]


def test_no_folder_of_the_users_is_told(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (path,) = write_paintings(Path("private/folder"), "three")
    assert fst(capsys, "pack", str(path.absolute()), "--output", "mine.safetensors")[0] == 0
    content = Path("mine.safetensors").read_bytes()
    assert b"three.jpg" in content
    assert b"private" not in content


def test_a_folder_is_packed_without_what_is_no_painting(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_paintings(Path("mine"), "a", "b=c")
    Path("mine/broken.jpg").write_bytes(b"broken")
    status, output, errors = fst(capsys, "pack", "mine", "--output", "mine.safetensors")
    assert status == 1
    assert "2 styles" in output
    renamed, left_out = errors.splitlines()
    assert "mine/b=c.jpg is called b-c" in renamed
    assert left_out.startswith("error: mine/broken.jpg")
    assert names_in(Path("mine.safetensors")) == ["a", "b-c"]

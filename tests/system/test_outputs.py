"""Whether results can be written somewhere is known before the work, and asking makes nothing."""

from pathlib import Path

import pytest

from fst.errors import InputError
from fst.system.outputs import check_file, check_folder


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "folder").mkdir()
    (tmp_path / "there.json").write_text("mine")
    (tmp_path / "link.json").symlink_to("nowhere")
    return tmp_path


def everything(place: Path) -> set[str]:
    return {str(path.relative_to(place)) for path in place.rglob("*")}


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("folder", "is a folder"),
        ("there.json", "--overwrite"),
        ("link.json", "no file"),
        ("new.txt", ".json"),
        ("nowhere/new.json", "nowhere"),
        ("there.json/new.json", "there.json"),
        (f"{'x' * 300}.json", "too long"),
    ],
)
def test_a_file_that_cannot_or_may_not_be_written_is_named(
    name: str, says: str, place: Path
) -> None:
    before = everything(place)
    with pytest.raises(InputError) as caught:
        check_file("--json", place / name, overwrite=False, suffix=".json")
    assert says in str(caught.value)
    assert str(place) in str(caught.value)
    assert everything(place) == before
    assert (place / "there.json").read_text() == "mine"


def test_a_new_file_is_fine_and_with_overwrite_one_that_is_there(place: Path) -> None:
    before = everything(place)
    check_file("--json", place / "new.json", overwrite=False, suffix=".json")
    check_file("--json", place / "there.json", overwrite=True)
    assert everything(place) == before
    assert (place / "there.json").read_text() == "mine"


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("there.json", "is a file"),
        ("there.json/below", "is a file"),
        ("link.json", "leads nowhere"),
        ("link.json/below", "leads nowhere"),
        ("x" * 300, "too long"),
    ],
)
def test_a_folder_that_cannot_be_made_is_named(name: str, says: str, place: Path) -> None:
    before = everything(place)
    with pytest.raises(InputError) as caught:
        check_folder("--output", place / name)
    assert says in str(caught.value)
    assert everything(place) == before


@pytest.mark.parametrize("name", ["folder", "folder/new", "new/newer/newest", "."])
def test_a_folder_that_can_be_made_is_fine_and_not_made(name: str, place: Path) -> None:
    before = everything(place)
    check_folder("--output", place / name)
    assert everything(place) == before


def test_a_write_protected_file_is_not_replaced(tmp_path: Path) -> None:
    """Not by root either, who may write to it."""
    path = tmp_path / "a.png"
    path.touch()
    check_file("--output", path, overwrite=True)
    path.chmod(0o444)
    with pytest.raises(InputError, match="is write-protected"):
        check_file("--output", path, overwrite=True)

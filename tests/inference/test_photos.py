"""fst.inference.photos: which photos are painted, each once, and what is said of the rest."""

import os
from pathlib import Path

import pytest
from support import make_photo

from fst import assets
from fst.errors import InputError
from fst.inference.photos import gather


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Paths are relative to the test's own folder."""
    monkeypatch.chdir(tmp_path)


def photo(path: str | Path) -> Path:
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    make_photo(24, 20).save(path)
    return path


def paths(inputs: list[str]) -> list[str]:
    return [str(one.path) for one in gather([Path(path) for path in inputs], None).photos]


def test_a_photo_that_is_not_there_is_named() -> None:
    photo("a.jpg")
    with pytest.raises(InputError, match=r"gone\.jpg: no such file"):
        paths(["a.jpg", "gone.jpg"])
    Path("lost.jpg").symlink_to("gone.jpg")
    with pytest.raises(InputError, match=r"lost\.jpg leads nowhere"):
        paths(["a.jpg", "lost.jpg"])


def test_a_pipe_is_not_waited_for() -> None:
    os.mkfifo("a.jpg")
    with pytest.raises(InputError, match=r"a\.jpg is neither a file nor a folder"):
        paths(["a.jpg"])


def test_a_folder_without_photos_is_named() -> None:
    Path("bare").mkdir()
    with pytest.raises(InputError, match="no photos in 'bare'"):
        paths(["bare"])


@pytest.mark.parametrize(
    ("inputs", "expected"),
    [
        (["a.jpg", "a.jpg"], ["a.jpg"]),
        (["a.jpg", "./a.jpg"], ["a.jpg"]),
        (["in/../a.jpg", "a.jpg"], ["in/../a.jpg"]),
        (["link.jpg", "a.jpg"], ["a.jpg"]),
        (["a.jpg", "link.jpg"], ["a.jpg"]),
        (["a.jpg", "hard.jpg"], ["a.jpg"]),
        (["in", "in"], ["in/b.jpg"]),
        (["in", "in/b.jpg", "linked"], ["in/b.jpg"]),
        (["link.jpg"], ["link.jpg"]),
        (["linked"], ["linked/b.jpg"]),
    ],
)
def test_a_photo_that_is_given_twice_is_painted_once(
    inputs: list[str], expected: list[str]
) -> None:
    photo("a.jpg")
    photo("in/b.jpg")
    Path("link.jpg").symlink_to("a.jpg")
    Path("linked").symlink_to("in")
    os.link("a.jpg", "hard.jpg")
    found = gather([Path(path) for path in inputs], None)
    assert [str(one.path) for one in found.photos] == expected
    assert len([note for note in found.notes if "painted once" in note]) == (len(inputs) > 1)


def test_links_to_folders_are_followed_and_loops_are_not() -> None:
    photo("outside/deep/b.jpg")
    photo("in/a.jpg")
    photo("in/z/c.jpg")
    for name, to in [
        ("in/album", "../outside"), ("in/loop", "."), ("in/up", ".."), ("in/a_first", "z"),
        ("in/z/again", "../z"), ("in/itself", "itself"), ("outside/deep/in", "../../in"),
        ("outside/deep/up", "../.."),
    ]:  # fmt: skip
        Path(name).symlink_to(to)
    assert paths(["in"]) == ["in/a.jpg", "in/album/deep/b.jpg", "in/z/c.jpg"]


def test_what_is_passed_over_is_counted_by_its_kind() -> None:
    photo("in/a.jpg")
    for name in ("b.txt", "c.txt", "x/d.TXT", "e.nef", "README", ".hidden"):
        Path("in", name).parent.mkdir(exist_ok=True)
        Path("in", name).touch()
    (note,) = gather([Path("in")], None).notes
    assert all(fact in note for fact in ("in", "3 .txt", "1 .nef", "1 without a suffix"))
    assert "hidden" not in note


def test_what_is_hidden_is_passed_over_and_counted() -> None:
    photo("in/a.jpg")
    photo("in/._a.jpg")
    photo("in/x/.Trash/b.jpg")
    found = gather([Path("in")], None)
    assert [str(one.path) for one in found.photos] == ["in/a.jpg"]
    (note,) = found.notes
    assert all(fact in note for fact in ("in", "hidden", "1 picture", "1 folder"))


def test_iterates_are_no_photos() -> None:
    photo("in/a.jpg")
    photo("in/x/a-monet.jpg.iterates/00050.jpg")
    assert paths(["in"]) == ["in/a.jpg"]
    assert len(paths(["in/x/a-monet.jpg.iterates"])) == 1  # asked for by its name


def test_what_cannot_be_read_is_named_and_the_rest_is_painted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    photo("in/a.jpg")
    photo("in/closed/b.jpg")
    Path("in/lost.jpg").symlink_to("nowhere.jpg")
    scan = os.scandir

    def scandir(place: Path) -> object:
        if Path(place).name == "closed":
            raise PermissionError(13, "Permission denied", str(place))
        return scan(place)

    monkeypatch.setattr(os, "scandir", scandir)
    found = gather([Path("in")], None)
    assert [str(one.path) for one in found.photos] == ["in/a.jpg"]
    assert len(found.errors) == 2
    assert "in/closed: Permission denied" in found.errors[0]
    assert "in/lost.jpg is a link that leads nowhere" in found.errors[1]
    assert gather([Path("in/closed")], None).photos == []


def test_heic_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assets, "has_heif", lambda: False)
    photo("in/a.jpg")
    Path("in/b.heic").touch()
    found = gather([Path("in")], None)
    assert len(found.photos) == 1
    (line,) = found.warnings
    assert "1 of 2 pictures" in line
    assert "pip install pillow-heif" in line
    Path("in/a.jpg").unlink()
    with pytest.raises(InputError, match="pip install pillow-heif"):
        gather([Path("in")], None)

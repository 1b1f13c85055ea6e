"""Photos are found in folders, one by one and by name; what can't be one is named."""

import os
from pathlib import Path

import pytest
from PIL import Image
from support import make_photo

from fst.errors import AssetError, InputError
from fst.evaluation.photos import file_stem, find_photos, read_photo, read_photos, shown_name
from fst.evaluation.report_folder import begin_report


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two photos in a folder, one in the assets, and a report among the photos."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FST_ASSETS", "assets")
    for name in ("photos/a.png", "photos/b.png", "assets/photos/eval/c.png"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        make_photo(40, 32).save(name)
    begin_report(Path("photos/report"))
    for name in ("a_fast.png", "painting.png"):
        make_photo(40, 32).save(f"photos/report/pictures/{name}")
    return tmp_path


@pytest.mark.usefixtures("place")
@pytest.mark.parametrize(
    ("places", "found"),
    [
        (["photos"], ["a.png", "b.png"]),
        (["photos/b.png"], ["b.png"]),
        (["photos/b.png", "photos/a.png"], ["b.png", "a.png"]),
        (["photos/b.png", "photos"], ["b.png", "a.png"]),
        (["eval"], ["c.png"]),
        (["photos", "photos", "photos/../photos/a.png"], ["a.png", "b.png"]),
        (["photos", "eval"], ["a.png", "b.png", "c.png"]),
        (["."], ["c.png", "a.png", "b.png"]),
    ],
    ids=str,
)
def test_what_is_found(places: list[str], found: list[str]) -> None:
    assert [photo.name for photo in find_photos(*places)] == found
    assert len(find_photos(*places, limit=1)) == 1


@pytest.mark.usefixtures("place")
def test_pictures_of_a_report_are_passed_over_and_that_is_told(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert len(find_photos("photos")) == 2
    assert "2 pictures" in capsys.readouterr().out
    for places in (["photos/report"], ["photos/report/pictures"]):
        with pytest.raises(InputError, match="report"):
            find_photos(*places)


@pytest.mark.usefixtures("place")
@pytest.mark.parametrize(("places", "says"), [(["nowhere"], "nowhere"), (["nowhere.jpg"], "FST")])
def test_a_place_that_is_not_there_is_named(places: list[str], says: str) -> None:
    with pytest.raises(AssetError, match=says):
        find_photos(*places)


def test_one_photo_under_two_names_is_one(place: Path) -> None:
    (place / "photos" / "z.png").symlink_to("a.png")
    assert [photo.name for photo in find_photos("photos")] == ["a.png", "b.png"]


def test_a_photo_is_read_at_the_size(place: Path) -> None:
    assert read_photo(place / "photos" / "a.png", 20).size == (20, 16)


def test_what_cannot_be_read_is_named(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Image.new("RGB", (400, 16)).save(place / "thin.png")
    (place / "broken.jpg").write_bytes(b"no picture")
    for name, says in (("thin.png", "too thin: 64x3"), ("broken.jpg", "not a picture"),
                       ("nowhere.jpg", "no such file"), ("photos", "folder")):  # fmt: skip
        with pytest.raises(InputError, match=says) as caught:
            read_photo(place / name, 64)
        assert name in str(caught.value)
    paths = [place / name for name in ("thin.png", "photos/a.png", "broken.jpg")]
    assert len(read_photos(paths, 64)) == 1
    first, second = capsys.readouterr().err.splitlines()
    assert ("thin.png" in first, "broken.jpg" in second) == (True, True)
    with pytest.raises(InputError, match="none of 2 photos"):
        read_photos([paths[0], paths[2]], 64)
    assert capsys.readouterr().err.count("\n") == 2
    with pytest.raises(InputError, match=r"broken\.jpg"):
        read_photos([paths[2]], 64)
    assert capsys.readouterr().err == ""


def test_names_are_shown_in_one_line_of_utf_8() -> None:
    assert shown_name(os.fsdecode(b"caf\xe9.jpg")) == r"caf\xe9.jpg"
    assert shown_name("a\nb\x1b.jpg") == r"a\nb\x1b.jpg"
    assert shown_name("Müller 100 %.jpg") == "Müller 100 %.jpg"


def test_files_named_after_a_photo_have_names_that_fit() -> None:
    assert file_stem(Path(os.fsdecode(b"caf\xe9.jpg"))) == "caf_"
    assert file_stem(Path("sea.two.jpg")) == "sea.two"
    assert file_stem(Path("ü" * 120 + ".jpg")) == "ü" * 75

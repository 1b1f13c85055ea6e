"""fst.styles.paintings: a name is sought among the assets, a path where it says."""

import hashlib
import warnings
from pathlib import Path

import pytest
from support import make_photo

from fst.errors import AssetError, FstWarning
from fst.styles.paintings import as_path, find_painting, is_shipped
from fst.system.checksum import checksum


@pytest.fixture
def assets(offline: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the assets' paintings, with two; the current folder is another, and empty."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    folder = tmp_path / "assets" / "styles"
    folder.mkdir(parents=True)
    for seed, name in enumerate(("monet_woman_with_a_parasol.jpg", "sea.png")):
        make_photo(seed=seed).save(folder / name)
    monkeypatch.setenv("FST_ASSETS", str(folder.parent))
    return folder


def quietly(image: str, sha256: str | None = None) -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return find_painting(image, sha256)


def test_a_shipped_painting_is_not_the_file_of_that_name_here(assets: Path) -> None:
    make_photo(seed=5).save("monet_woman_with_a_parasol.jpg")
    with pytest.warns(FstWarning, match=r"parasol\.jpg") as said:
        assert (
            find_painting("monet_woman_with_a_parasol.jpg")
            == assets / "monet_woman_with_a_parasol.jpg"
        )
    assert "./monet_woman_with_a_parasol.jpg" in str(said[0].message)
    assert str(assets / "monet_woman_with_a_parasol.jpg") in str(said[0].message)
    assert quietly("./monet_woman_with_a_parasol.jpg") == Path("monet_woman_with_a_parasol.jpg")
    (assets / "monet_woman_with_a_parasol.jpg").unlink()
    with (
        pytest.warns(FstWarning, match=r"\./monet_woman_with_a_parasol\.jpg"),
        pytest.raises(AssetError),
    ):
        find_painting("monet_woman_with_a_parasol.jpg")


def test_other_names_are_sought_here_first(assets: Path) -> None:
    assert quietly("sea.png") == assets / "sea.png"
    make_photo(seed=5).save("sea.png")
    assert quietly("sea.png") == Path("sea.png")
    # without a suffix it is a name
    make_photo(seed=5).save("sea", "PNG")
    assert quietly("sea") == assets / "sea.png"


def test_the_checksum_tells_which_file_is_meant(assets: Path) -> None:
    make_photo(seed=5).save("sea.png")
    theirs = hashlib.sha256((assets / "sea.png").read_bytes()).hexdigest()
    assert checksum(assets / "sea.png") == theirs
    assert quietly("sea.png", theirs) == assets / "sea.png"
    make_photo(seed=6).save("monet_woman_with_a_parasol.jpg")
    own = hashlib.sha256(Path("monet_woman_with_a_parasol.jpg").read_bytes()).hexdigest()
    assert quietly("monet_woman_with_a_parasol.jpg", own) == Path("monet_woman_with_a_parasol.jpg")
    with pytest.warns(FstWarning, match="checksum"):
        assert find_painting("sea.png", "0" * 64) == Path("sea.png")


@pytest.mark.parametrize("image", ["lake.jpg", "./sea.png", "sub/sea.png", "/nowhere/sea.png"])
def test_what_is_nowhere_is_one_line(assets: Path, image: str) -> None:
    with pytest.raises(AssetError) as caught:
        find_painting(image)
    assert image in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_is_typed_is_a_path_where_it_is_a_file(assets: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert (
            as_path("monet_woman_with_a_parasol.jpg") == "monet_woman_with_a_parasol.jpg"
        )  # nothing here
        make_photo().save("cat.jpg")
        assert [as_path(p) for p in ("cat.jpg", "a/monet_woman_with_a_parasol.jpg")] == [
            "cat.jpg",
            "a/monet_woman_with_a_parasol.jpg",
        ]
    make_photo().save("monet_woman_with_a_parasol.jpg")
    with pytest.warns(FstWarning, match="this folder"):
        assert as_path("monet_woman_with_a_parasol.jpg") == "./monet_woman_with_a_parasol.jpg"


def test_the_shipped_paintings_are_known_by_file_and_style() -> None:
    assert all(
        map(is_shipped, ("monet_woman_with_a_parasol.jpg", "monet", "poppies_small.jpg", "poppies"))
    )
    assert not any(
        map(is_shipped, ("./monet_woman_with_a_parasol.jpg", "mine.jpg", "monet.png", ""))
    )


def test_a_folder_is_no_painting(tmp_path: Path) -> None:
    with pytest.raises(AssetError, match="is a folder"):
        find_painting(str(tmp_path))

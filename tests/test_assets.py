"""fst.assets: where a name is looked for, in which order, and what is said if it is nowhere."""

import hashlib
from pathlib import Path

import pytest
import yaml

from fst.assets import (
    IMAGE_SUFFIXES,
    check_sha256,
    find,
    find_images,
    list_images,
    search_path,
)
from fst.errors import AssetError, FstWarning, InputError
from fst.styles.catalog import read_style, style_names

STYLES = Path(__file__).parents[1] / "configs" / "style"


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """An empty FST_ASSETS folder and an empty cache; the working directory is empty as well."""
    assets, cache, here = tmp_path / "assets", tmp_path / "cache", tmp_path / "here"
    for folder in (assets, cache, here):
        folder.mkdir()
    monkeypatch.setenv("FST_ASSETS", str(assets))
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
    monkeypatch.chdir(here)
    return assets, cache / "fst"


def put(folder: Path, name: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(b"content")
    return folder / name


def test_a_path_comes_before_everything(places: tuple[Path, Path], tmp_path: Path) -> None:
    assets, _ = places
    put(assets / "weights", "vgg.bin")
    mine = put(tmp_path / "elsewhere", "vgg.bin")
    assert find("weights", str(mine)) == mine
    local = put(Path("."), "vgg.bin")
    assert find("weights", "vgg.bin").resolve() == local.resolve()


def test_the_assets_folder_comes_before_the_cache(places: tuple[Path, Path]) -> None:
    assets, cache = places
    cached = put(cache / "weights", "vgg.bin")
    assert find("weights", "vgg.bin") == cached
    given = put(assets / "weights", "vgg.bin")
    assert find("weights", "vgg.bin") == given
    given.unlink()
    assert find("weights", "vgg.bin") == cached


@pytest.mark.parametrize("kind", ["weights", "styles", "photos"])
def test_every_kind_has_its_folder(kind: str, places: tuple[Path, Path]) -> None:
    assets, cache = places
    among = (
        [assets / "paintings"] if kind == "styles" else []
    )  # where a style's painting may lie, too
    assert search_path(kind) == [assets / kind, *among, cache / kind]
    mine = assets / kind / "mine"
    mine.parent.mkdir(parents=True)
    mine.mkdir() if kind == "photos" else mine.touch()  # photos are folders, the others files
    assert find(kind, "mine") == mine


def test_without_the_variable_only_the_cache_is_left(
    places: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("FST_ASSETS")
    assert search_path("styles") == [places[1] / "styles"]


def test_the_variable_may_begin_with_the_home_folder(
    places: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("FST_ASSETS", "~/assets")
    assert find("styles", put(places[0] / "styles", "a.jpg").name) == places[0] / "styles/a.jpg"


@pytest.mark.parametrize("suffix", IMAGE_SUFFIXES)
def test_a_painting_needs_no_suffix(suffix: str, places: tuple[Path, Path]) -> None:
    painting = put(places[0] / "styles", f"monet{suffix}")
    assert find("styles", "monet") == find("styles", f"monet{suffix}") == painting


def test_weights_need_their_whole_name(places: tuple[Path, Path]) -> None:
    put(places[0] / "weights", "vgg.png")
    with pytest.raises(AssetError, match="no weights 'vgg'"):
        find("weights", "vgg")


def test_what_is_nowhere_is_an_error_that_names_the_four_places(places: tuple[Path, Path]) -> None:
    assets, cache = places
    with pytest.raises(AssetError) as caught:
        find("weights", "vgg.bin", download="tried, and failed: no route to host")
    message = str(caught.value)
    assert "no weights 'vgg.bin'" in message
    assert "(1) that path" in message
    assert f"(2) the FST_ASSETS folder: {assets / 'weights' / 'vgg.bin'}" in message
    assert f"(3) the cache: {cache / 'weights' / 'vgg.bin'}" in message
    assert "(4) a download: tried, and failed: no route to host" in message
    assert "set FST_ASSETS to a folder that holds weights/vgg.bin" in message
    assert "\n" not in message


def test_the_error_says_if_the_variable_is_not_set(
    places: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("FST_ASSETS")
    with pytest.raises(AssetError, match=r"\(2\) the FST_ASSETS folder: FST_ASSETS is not set"):
        find("styles", "monet")


def test_a_checksum_is_the_digest_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    # FIPS 180-2, appendix B.1
    digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert check_sha256(tmp_path / "a", (digest,)) == digest
    assert check_sha256(tmp_path / "a", ("0000", "ba7816bf")) == digest
    content = bytes(range(256)) * 1000
    (tmp_path / "b").write_bytes(content)
    assert check_sha256(tmp_path / "b", ("",)) == hashlib.sha256(content).hexdigest()


def test_another_checksum_is_refused_and_both_are_named(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abd")
    got = hashlib.sha256(b"abd").hexdigest()
    with pytest.raises(AssetError) as caught:
        check_sha256(tmp_path / "a", ("ba7816bf8f01cfea", "dcbb9e9d"))
    message = str(caught.value)
    assert str(tmp_path / "a") in message
    assert got[:16] in message
    assert "ba7816bf8f01cfea" in message
    assert "dcbb9e9d" in message


def test_list_images_finds_every_picture_below_a_folder_sorted(tmp_path: Path) -> None:
    wanted = [
        put(tmp_path / folder, name)
        for folder, name in [("b", "2.JPG"), (".", "a.png"), ("b/c", "1.webp"), ("a", "z.tiff")]
    ]
    put(tmp_path, "notes.txt")
    put(tmp_path, "vector.svg")
    put(tmp_path, ".hidden.jpg")
    put(tmp_path / "b", "._2.JPG")
    put(tmp_path / "b" / ".thumbnails", "2.jpg")
    put(tmp_path, ".notes.txt")
    assert list_images(tmp_path) == sorted(wanted)
    found = find_images(tmp_path)
    assert (found.hidden, found.hidden_folders) == (2, 1)
    assert list_images(tmp_path / "b" / ".thumbnails") == [tmp_path / "b" / ".thumbnails" / "2.jpg"]


def test_a_folder_called_like_a_picture_is_not_one(tmp_path: Path) -> None:
    inside = put(tmp_path / "album.jpg", "a.png")
    assert list_images(tmp_path) == [inside]


def test_folders_of_iterates_are_passed_over_and_links_are_followed(tmp_path: Path) -> None:
    wanted = [put(tmp_path / "in", "a.png"), put(tmp_path / "in" / "x", "b.png")]
    put(tmp_path / "in" / "a-monet.png.iterates", "00050.png")
    put(tmp_path / "out", "c.png")
    (tmp_path / "in" / "linked").symlink_to(tmp_path / "out")
    (tmp_path / "in" / "loop").symlink_to(tmp_path / "in")
    wanted.append(tmp_path / "in" / "linked" / "c.png")
    assert list_images(tmp_path / "in") == sorted(wanted)


def test_what_cannot_be_read_in_a_folder_is_said(tmp_path: Path) -> None:
    put(tmp_path, "a.png")
    (tmp_path / "b.png").symlink_to("nowhere.png")
    put(tmp_path, "notes.TXT")
    with pytest.warns(FstWarning, match=r"b\.png is a link that leads nowhere"):
        assert list_images(tmp_path) == [tmp_path / "a.png"]
    assert find_images(tmp_path).others == {".txt": 1}


def test_list_images_says_what_it_looked_for(tmp_path: Path) -> None:
    put(tmp_path, "notes.txt")
    with pytest.raises(InputError) as caught:
        list_images(tmp_path)
    assert str(tmp_path) in str(caught.value)
    assert all(suffix in str(caught.value) for suffix in IMAGE_SUFFIXES)


@pytest.mark.parametrize("name", ["missing", "notes.txt"])
def test_list_images_refuses_what_is_no_folder(name: str, tmp_path: Path) -> None:
    put(tmp_path, "notes.txt")
    with pytest.raises(InputError, match="no folder"):
        list_images(tmp_path / name)


def test_a_style_is_what_its_file_says(tmp_path: Path) -> None:
    content = {"name": "mine", "image": "mine.jpg", "painter": "Käthe", "size": 300}
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(content, allow_unicode=True), "utf-8")
    assert read_style("mine", tmp_path) == content


def test_an_unknown_style_names_the_ones_there_are(tmp_path: Path) -> None:
    for name in ("zorn", "monet"):
        (tmp_path / f"{name}.yaml").write_text(f"name: {name}")
    (tmp_path / "readme.md").touch()
    assert style_names(tmp_path) == ["monet", "zorn"]
    with pytest.raises(InputError, match="no style 'manet': there are monet, zorn"):
        read_style("manet", tmp_path)
    with pytest.raises(InputError, match="no style 'manet': there are none"):
        read_style("manet", tmp_path / "nowhere")


@pytest.mark.parametrize("content", ["name: [mine", "name: 'mine\n\tsize: 3", "", "- mine"])
def test_a_damaged_style_file_is_the_users_mistake(content: str, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(content)
    with pytest.raises(InputError, match=r"mine\.yaml"):
        read_style("mine", tmp_path)


def test_every_style_of_the_project_is_complete() -> None:
    assert {"monet", "starry_night"} <= set(style_names(STYLES))
    for name in style_names(STYLES):
        style = read_style(name, STYLES)
        assert style["name"] == name
        assert Path(style["image"]).suffix in IMAGE_SUFFIXES
        assert style["title"]
        assert style["painter"]


def test_every_style_has_its_painting(
    assets_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FST_ASSETS", str(assets_folder))
    monkeypatch.chdir(tmp_path)
    for name in style_names(STYLES):
        image = read_style(name, STYLES)["image"]
        assert find("styles", image) in (
            assets_folder / kind / image for kind in ("styles", "paintings")
        )

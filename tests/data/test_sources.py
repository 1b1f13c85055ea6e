"""fst.data.sources: where photos come from, and what a record decodes to."""

import hashlib
import importlib.resources
import logging
import os
from pathlib import Path

import datasets
import numpy as np
import pytest
import torch
from PIL import Image
from support import encoded, make_photo, one_color

from fst.data.sources import (
    SAMPLE_PHOTOS,
    Record,
    as_path,
    as_text,
    decode,
    name_of,
    open_folder,
    open_hub,
    open_sample,
    shrink,
)
from fst.errors import AssetError, FstError, InputError

pytestmark = pytest.mark.usefixtures("offline")


@pytest.fixture
def parquet_folder(tmp_path: Path) -> Path:
    """A data set as the hub has them: three PNG photos and their labels in a parquet file."""
    folder = tmp_path / "parquet"
    folder.mkdir()
    features = datasets.Features({"photo": datasets.Image(), "label": datasets.Value("int64")})
    rows = {
        "photo": [{"bytes": encoded(make_photo(seed=i)), "path": f"{i}.png"} for i in range(3)],
        "label": [0, 1, 2],
    }
    data = datasets.Dataset.from_dict(rows, features=features)
    data.to_parquet(str(folder / "train-00000-of-00001.parquet"))
    return folder


def in_memory(image: Image.Image, **options: object) -> Record:
    return {"path": None, "bytes": encoded(image, **options)}


def pixels(photo: torch.Tensor) -> np.ndarray:
    return photo.permute(1, 2, 0).numpy()


# --- folders -------------------------------------------------------------------------------------


def test_a_folder_gives_every_photo_below_it_and_nothing_else(photo_folder: Path) -> None:
    nested = photo_folder / "deeper" / "still"
    nested.mkdir(parents=True)
    make_photo().save(nested / "UPPER.PNG")
    (photo_folder / "notes.txt").write_text("not a photo")
    (photo_folder / ".hidden.jpg").write_bytes(b"")
    expected = {photo_folder / f"photo_{i:02d}.jpg" for i in range(12)} | {nested / "UPPER.PNG"}
    opened = open_folder(str(photo_folder))
    assert opened.column_names == ["image"]
    assert {Path(row["image"]["path"]) for row in opened} == expected
    assert len(opened) == len(expected)


def test_links_to_a_photo_are_that_photo(photo_folder: Path) -> None:
    before = [row["image"]["path"] for row in open_folder(str(photo_folder))]
    (photo_folder / "zz_link.jpg").symlink_to(photo_folder / "photo_03.jpg")
    (photo_folder / "zz_twin.jpg").hardlink_to(photo_folder / "photo_04.jpg")
    (photo_folder / "zz_loop").symlink_to(photo_folder)
    assert [row["image"]["path"] for row in open_folder(str(photo_folder))] == before


def test_photos_behind_a_link_to_a_folder_are_found(photo_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "linked").mkdir()
    (tmp_path / "linked" / "there").symlink_to(photo_folder)
    assert len(open_folder(str(tmp_path / "linked"))) == 12


def test_a_folder_lists_its_photos_in_the_same_order_whatever_the_disk_says(
    photo_folder: Path,
) -> None:
    paths = [row["image"]["path"] for row in open_folder(str(photo_folder))]
    assert paths == sorted(paths)


def test_a_folder_is_found_by_name_in_the_assets(
    photo_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "assets" / "photos").mkdir(parents=True)
    photo_folder.rename(tmp_path / "assets" / "photos" / "mine")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FST_ASSETS", str(tmp_path / "assets"))
    assert len(open_folder("mine")) == 12


def test_a_folder_without_photos_is_refused_by_name(tmp_path: Path) -> None:
    folder = tmp_path / "nothing_here"
    folder.mkdir()
    (folder / "readme.txt").write_text("no photo")
    with pytest.raises(InputError, match="nothing_here"):
        open_folder(str(folder))


def test_a_folder_that_is_not_there_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(FstError, match="no_such_folder"):
        open_folder(str(tmp_path / "no_such_folder"))


def test_a_file_in_place_of_a_folder_is_refused(photo_folder: Path) -> None:
    with pytest.raises(InputError, match="photo_00"):
        open_folder(str(photo_folder / "photo_00.jpg"))


# --- the samples ---------------------------------------------------------------------------------


def test_the_samples_are_scikit_images_color_photos() -> None:
    opened = open_sample()
    assert [Path(row["image"]["path"]).name for row in opened] == list(SAMPLE_PHOTOS)
    for row in opened:
        with Image.open(row["image"]["path"]) as image:
            assert image.mode == "RGB"
            np.testing.assert_array_equal(pixels(decode(row["image"])), np.asarray(image))


def test_without_scikit_image_the_error_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(package: str) -> Path:
        raise ModuleNotFoundError(package)

    monkeypatch.setattr(importlib.resources, "files", missing)
    with pytest.raises(AssetError, match="pip install scikit-image"):
        open_sample()


def test_a_scikit_image_without_its_photos_is_an_asset_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.resources, "files", lambda package: tmp_path)
    with pytest.raises(AssetError, match="no photos"):
        open_sample()


# --- the hub -------------------------------------------------------------------------------------


@pytest.mark.parametrize("streaming", [True, False])
def test_a_data_set_gives_the_photos_of_its_column(parquet_folder: Path, streaming: bool) -> None:
    opened = open_hub(str(parquet_folder), streaming=streaming, column="photo")
    assert isinstance(opened, datasets.IterableDataset) == streaming
    rows = list(opened)
    assert [list(row) for row in rows] == [["photo"]] * 3
    for i, row in enumerate(rows):
        np.testing.assert_array_equal(
            pixels(decode(row["photo"])), np.asarray(make_photo(seed=i)), err_msg=f"row {i}"
        )


@pytest.mark.parametrize("streaming", [True, False])
def test_a_wrong_column_names_those_there_are(parquet_folder: Path, streaming: bool) -> None:
    with pytest.raises(InputError, match=r"'picture'.*photo, label"):
        open_hub(str(parquet_folder), streaming=streaming, column="picture")


@pytest.mark.parametrize("streaming", [True, False])
def test_a_column_that_holds_no_photos_is_refused(parquet_folder: Path, streaming: bool) -> None:
    with pytest.raises(InputError, match="label"):
        open_hub(str(parquet_folder), streaming=streaming, column="label")


@pytest.mark.parametrize("streaming", [True, False])
def test_a_wrong_split_is_named(parquet_folder: Path, streaming: bool) -> None:
    with pytest.raises(FstError, match="dusk"):
        open_hub(str(parquet_folder), split="dusk", streaming=streaming, column="photo")


def test_a_hub_out_of_reach_is_one_line_that_points_to_a_folder() -> None:
    with pytest.raises(AssetError, match=r"owner/nowhere.*data=folder data\.path=") as caught:
        open_hub("owner/nowhere")
    assert "\n" not in str(caught.value)


def test_attempts_to_reach_the_hub_are_not_told_one_by_one(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    client = logging.getLogger("huggingface_hub.utils._http")

    def fail(*args: object, **kwargs: object) -> None:
        client.warning("Retrying in 1s [Retry 1/5].")
        raise ConnectionError("no route to host")

    monkeypatch.setattr(datasets, "load_dataset", fail)
    with pytest.raises(AssetError, match="no route to host"):
        open_hub("owner/name")
    assert caplog.records == []
    client.warning("of another's")
    assert len(caplog.records) == 1


@pytest.mark.parametrize(
    "reason",
    [
        ConnectionError("no route to host\nsecond line"),
        ConnectionError(),  # an exception without a text, as sockets raise them
        TimeoutError(),
        datasets.exceptions.DatasetNotFoundError("not there"),
        datasets.exceptions.DatasetGenerationError("damaged"),
        ValueError("unknown split"),
        RuntimeError("Dataset scripts are no longer supported"),
        KeyError("train"),
        Exception("of a network library"),
    ],
    ids=["two lines", "no text", "timeout", "not found", "damaged", "value", "run", "key", "any"],
)
def test_whatever_the_hub_fails_with_is_an_asset_error(
    reason: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: object, **kwargs: object) -> None:
        raise reason

    monkeypatch.setattr(datasets, "load_dataset", fail)
    with pytest.raises(AssetError, match="owner/name") as caught:
        open_hub("owner/name")
    assert "\n" not in str(caught.value)


# --- records -------------------------------------------------------------------------------------


def test_a_photo_decodes_to_its_own_pixels() -> None:
    photo = make_photo(33, 21)
    decoded = decode(in_memory(photo))
    assert decoded.shape == (3, 21, 33)
    assert decoded.dtype == torch.uint8
    np.testing.assert_array_equal(pixels(decoded), np.asarray(photo))


@pytest.mark.parametrize("mode", ["L", "1", "P", "RGBA", "LA"])
def test_any_mode_decodes_to_rgb(mode: str) -> None:
    photo = make_photo().convert(mode)
    decoded = decode(in_memory(photo))
    np.testing.assert_array_equal(pixels(decoded), np.asarray(photo.convert("RGB")))


def test_transparency_is_dropped_and_leaves_the_colors() -> None:
    opaque = make_photo()
    photo = opaque.copy()
    photo.putalpha(Image.linear_gradient("L").resize(photo.size))
    np.testing.assert_array_equal(pixels(decode(in_memory(photo))), np.asarray(opaque))


@pytest.mark.parametrize(("orientation", "quarter_turns"), [(1, 0), (3, 2), (6, -1), (8, 1)])
def test_a_rotated_photo_comes_out_upright(orientation: int, quarter_turns: int) -> None:
    stored = make_photo(40, 24)
    exif = Image.Exif()
    exif[0x0112] = orientation
    upright = np.rot90(np.asarray(stored), quarter_turns)
    np.testing.assert_array_equal(pixels(decode(in_memory(stored, exif=exif))), upright)


def test_a_photo_of_one_pixel_is_a_photo() -> None:
    decoded = decode(in_memory(Image.new("RGB", (1, 1), (1, 2, 3))))
    assert decoded.flatten().tolist() == [1, 2, 3]


@pytest.mark.parametrize("folder", ["photos", "my pictures"])
@pytest.mark.parametrize(
    ("content", "complaint"),
    [(b"not at all", "not a picture"), (b"", "empty"), ("cut", "decoded"), (None, "no such file")],
)
def test_a_file_that_cannot_be_decoded_is_named_once_in_a_sentence(
    tmp_path: Path, folder: str, content: bytes | str | None, complaint: str
) -> None:
    path = tmp_path / folder / "broken.png"
    path.parent.mkdir()
    if content is not None:
        path.write_bytes(encoded(make_photo())[:500] if isinstance(content, str) else content)
    with pytest.raises(InputError) as caught:
        decode({"path": str(path), "bytes": None})
    message = str(caught.value)
    assert message.count("broken.png") == 1, message
    assert message.startswith(str(path))
    assert complaint in message


def test_bytes_that_cannot_be_decoded_are_named_by_their_path() -> None:
    with pytest.raises(InputError, match=r"^coco/000001\.jpg is not a picture"):
        decode({"path": "coco/000001.jpg", "bytes": b"not at all"})


NOT_AT_ALL = hashlib.sha256(b"not at all").hexdigest()


@pytest.mark.parametrize(
    ("record", "facts"),
    [
        ({"path": None, "bytes": b"not at all"}, [NOT_AT_ALL[:12], "not a picture"]),
        ({"path": None, "bytes": b""}, ["without a name", "empty"]),
        (None, ["without a name", "empty"]),
    ],
    ids=["junk", "empty", "null"],
)
def test_a_nameless_record_without_a_photo_is_an_input_error(
    record: Record, facts: list[str]
) -> None:
    with pytest.raises(InputError) as caught:
        decode(record)
    assert all(fact in str(caught.value) for fact in facts)
    assert "\n" not in str(caught.value)


# --- smaller than stored -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("at_least", "expected"),
    [
        (None, (1000, 800)),
        (2000, (1000, 800)),
        (401, (1000, 800)),
        (400, (500, 400)),
        (201, (500, 400)),
        (200, (250, 200)),
        (100, (125, 100)),
        (1, (125, 100)),  # an eighth is the smallest that a JPEG gives
    ],
)
def test_a_jpeg_comes_as_small_as_it_may(at_least: int | None, expected: tuple[int, int]) -> None:
    photo = make_photo(1000, 800)
    decoded = decode({"path": None, "bytes": encoded(photo, "JPEG", quality=95)}, at_least)
    assert (decoded.shape[2], decoded.shape[1]) == expected
    resized = np.asarray(photo.resize(expected, Image.Resampling.BOX)).astype(int)
    assert np.abs(pixels(decoded) - resized).mean() < 2


@pytest.mark.parametrize("size", [(1001, 803), (803, 1001), (333, 1000)])
@pytest.mark.parametrize("at_least", [41, 100, 101])
def test_no_side_of_a_jpeg_gets_too_short(size: tuple[int, int], at_least: int) -> None:
    decoded = decode({"path": None, "bytes": encoded(make_photo(*size), "JPEG")}, at_least)
    assert at_least <= min(decoded.shape[1:]) <= min(size)


def test_a_jpeg_turned_by_exif_is_upright_when_it_comes_small() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    content = encoded(make_photo(400, 240), "JPEG", exif=exif)
    assert decode({"path": None, "bytes": content}, 100).shape == (3, 200, 120)


def test_other_kinds_come_as_they_are() -> None:
    for kind in ("PNG", "WEBP", "TIFF"):
        content = encoded(make_photo(300, 200), kind)
        assert decode({"path": None, "bytes": content}, 20).shape == (3, 200, 300)


def test_a_cut_jpeg_is_broken_also_when_it_would_come_small() -> None:
    content = encoded(make_photo(400, 300), "JPEG")
    with pytest.raises(InputError, match="truncated"):
        decode({"path": None, "bytes": content[: len(content) // 2]}, 20)


def test_pixels_that_were_decoded_are_returned_as_they_are() -> None:
    photo = torch.zeros(3, 5, 7, dtype=torch.uint8)
    assert decode({"path": "gone.jpg", "pixels": photo}) is photo
    assert decode({"path": "gone.jpg", "pixels": photo}, 2) is photo


@pytest.mark.parametrize(
    ("size", "side", "expected"),
    [((100, 80), 40, (50, 40)), ((80, 100), 40, (40, 50)), ((301, 90), 30, (100, 30))],
)
def test_shrinking_keeps_the_aspect_and_equals_pils_bilinear(
    size: tuple[int, int], side: int, expected: tuple[int, int]
) -> None:
    photo = make_photo(*size)
    smaller = shrink(torch.from_numpy(np.array(photo)).permute(2, 0, 1).contiguous(), side)
    assert smaller.dtype == torch.uint8
    resized = np.asarray(photo.resize(expected, Image.Resampling.BILINEAR)).astype(int)
    assert np.abs(pixels(smaller) - resized).max() <= 1


@pytest.mark.parametrize("side", [80, 81, 1000])
def test_what_is_small_enough_is_not_touched(side: int) -> None:
    photo = torch.zeros(3, 80, 100, dtype=torch.uint8)
    assert shrink(photo, side) is photo


# --- names ---------------------------------------------------------------------------------------


def test_a_photo_is_called_by_its_path() -> None:
    assert name_of({"path": "a/b.jpg", "bytes": b"x"}) == "a/b.jpg"


def test_a_photo_without_a_path_is_called_by_its_digest() -> None:
    content = encoded(make_photo())
    name = name_of({"path": None, "bytes": content})
    digest = hashlib.sha256(content).hexdigest()
    assert digest.startswith(name.rpartition(" ")[2])
    assert name != name_of({"path": None, "bytes": content + b"."})
    assert name_of({"path": None, "bytes": None}) == name_of({}) == "a photo without a name"


def test_photos_whose_names_are_no_utf8_are_photos(tmp_path: Path) -> None:
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/ph\xf6tos"))
    folder.mkdir()
    path = folder / os.fsdecode(b"caf\xe9.png")
    one_color(3).save(path)
    (record,) = (row["image"] for row in open_folder(str(folder)))
    assert name_of(record) == str(path)
    assert tuple(decode(record).shape) == (3, 20, 24)
    assert os.fsencode(as_path(as_text(str(path)))) == os.fsencode(path)
    as_text(str(path)).encode("utf-8")  # can be
    assert as_text("Müller/日本.jpg") == "Müller/日本.jpg"


def test_one_photo_is_no_folder_to_train_on(tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").write_bytes(b"a photo")
    with pytest.raises(InputError, match="but a file"):
        open_folder(str(tmp_path / "photo.jpg"))
    with pytest.raises(AssetError, match="no folder 'nowhere', "):
        open_folder("nowhere")

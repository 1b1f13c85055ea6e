"""fst.photos: where photos come from, and what a record decodes to."""

import importlib.resources
import io
from pathlib import Path

import datasets
import huggingface_hub.constants
import numpy as np
import pytest
import torch
from PIL import Image
from support import make_photo

from fst.errors import AssetError, FstError, InputError
from fst.photos import SAMPLE_PHOTOS, Record, decode, open_folder, open_hub, open_sample


@pytest.fixture(autouse=True)
def offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No network, no assets, and every cache in the test's own folder."""
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "hf")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("FST_ASSETS", raising=False)


@pytest.fixture
def parquet_folder(tmp_path: Path) -> Path:
    """A data set as the hub has them: three PNG photos and their labels in a parquet file."""
    folder = tmp_path / "parquet"
    folder.mkdir()
    features = datasets.Features({"photo": datasets.Image(), "label": datasets.Value("int64")})
    rows = {
        "photo": [{"bytes": png(make_photo(seed=i)), "path": f"{i}.png"} for i in range(3)],
        "label": [0, 1, 2],
    }
    data = datasets.Dataset.from_dict(rows, features=features)
    data.to_parquet(str(folder / "train-00000-of-00001.parquet"))
    return folder


def png(image: Image.Image, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG", **options)
    return buffer.getvalue()


def in_memory(image: Image.Image, **options: object) -> Record:
    return {"path": None, "bytes": png(image, **options)}


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


@pytest.mark.parametrize(
    "reason",
    [
        ConnectionError("no route to host\nsecond line"),
        ConnectionError(),  # an exception without a text, as sockets raise them
        TimeoutError(),
        datasets.exceptions.DatasetNotFoundError("not there"),
        datasets.exceptions.DatasetGenerationError("damaged"),
        ValueError("unknown split"),
    ],
    ids=["two lines", "no text", "timeout", "not found", "damaged", "value"],
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
        path.write_bytes(png(make_photo())[:500] if isinstance(content, str) else content)
    with pytest.raises(InputError) as caught:
        decode({"path": str(path), "bytes": None})
    message = str(caught.value)
    assert message.count("broken.png") == 1, message
    assert message.startswith(str(path))
    assert complaint in message


def test_bytes_that_cannot_be_decoded_are_named_by_their_path() -> None:
    with pytest.raises(InputError, match=r"^coco/000001\.jpg is not a picture"):
        decode({"path": "coco/000001.jpg", "bytes": b"not at all"})


@pytest.mark.parametrize(
    "record",
    [{"path": None, "bytes": b"not at all"}, {"path": None, "bytes": b""}, None],
    ids=["junk", "empty", "null"],
)
def test_a_nameless_record_without_a_photo_is_an_input_error(record: Record) -> None:
    with pytest.raises(InputError):
        decode(record)

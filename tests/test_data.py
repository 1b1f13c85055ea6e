"""fst.data: the order of the photos, their crops, and what becomes of photos that are broken.

Most photos here are of one color each, so that a crop tells which photo it was cut from.
"""

import io
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from types import SimpleNamespace

import datasets
import huggingface_hub.constants
import numpy as np
import pytest
import torch
from PIL import Image
from support import make_photo
from torch import Tensor
from torch.utils.data import DataLoader

from fst.data import CropAndFlip, EndlessPhotos, HeldOutPhotos, PhotoDataModule
from fst.errors import AssetError, FstError, InputError
from fst.photos import open_folder, open_hub

RED_STEP = 10
"""Photo number ``i`` has the color ``(10 i, 60, 90)``."""


@pytest.fixture(autouse=True)
def offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No network, no assets, and every cache in the test's own folder."""
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "hf")
    # datasets waits five seconds whenever a stream is left or ends
    monkeypatch.setattr(datasets.config, "SLEEP_TIME_ON_THREADS_SHUTDOWN", 0)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("FST_ASSETS", raising=False)


def one_color(number: int) -> Image.Image:
    return Image.new("RGB", (24, 20), (RED_STEP * number, 60, 90))


def numbers(crops: Tensor) -> list[int]:
    """Which photos the crops ``(N, 3, H, W)`` were cut from."""
    return [round(red * 255 / RED_STEP) for red in crops[:, 0].flatten(1).mean(1).tolist()]


@pytest.fixture
def colors(tmp_path: Path) -> Path:
    """Ten photos of one color each."""
    folder = tmp_path / "colors"
    folder.mkdir()
    for i in range(10):
        one_color(i).save(folder / f"{i:02d}.png")
    return folder


def write_parquet(folder: Path, count: int, column: str = "image") -> Path:
    rows = []
    for i in range(count):
        buffer = io.BytesIO()
        one_color(i).save(buffer, "PNG")
        rows.append({"bytes": buffer.getvalue(), "path": f"{i}.png"})
    folder.mkdir(parents=True)
    features = datasets.Features({column: datasets.Image()})
    data = datasets.Dataset.from_dict({column: rows}, features=features)
    data.to_parquet(str(folder / "train.parquet"))
    return folder


@pytest.fixture
def parquet(tmp_path: Path) -> Path:
    """The same ten photos, as the hub has them."""
    return write_parquet(tmp_path / "parquet", 10)


def endless(folder: Path, batch_size: int = 1, seed: int = 0, start: int = 0) -> EndlessPhotos:
    photos = open_folder(str(folder))
    return EndlessPhotos(photos, CropAndFlip(16, 0.25, seed), batch_size, seed, start)


def order(photos: EndlessPhotos, count: int) -> list[int]:
    return numbers(torch.stack(list(islice(photos, count))))


def batches(data: PhotoDataModule, count: int, step: int = 0) -> list[Tensor]:
    """The batches of a run that stands at ``step``."""
    data.setup()
    data.trainer = SimpleNamespace(global_step=step)  # type: ignore[assignment]
    return list(islice(data.train_dataloader(), count))


# --- order ---------------------------------------------------------------------------------------


def test_every_photo_appears_once_in_each_epoch(colors: Path) -> None:
    seen = order(endless(colors), 30)
    for epoch in range(3):
        assert sorted(seen[10 * epoch : 10 * epoch + 10]) == list(range(10))


def test_a_new_epoch_has_another_order(colors: Path) -> None:
    seen = order(endless(colors), 30)
    assert len({tuple(seen[:10]), tuple(seen[10:20]), tuple(seen[20:])}) == 3


def test_another_seed_has_another_order(colors: Path) -> None:
    assert order(endless(colors, seed=0), 10) != order(endless(colors, seed=1), 10)


@pytest.mark.parametrize("streaming", [True, False])
def test_a_data_set_of_the_hub_is_shuffled_anew_every_epoch(parquet: Path, streaming: bool) -> None:
    photos = open_hub(str(parquet), streaming=streaming)
    seen = order(EndlessPhotos(photos, CropAndFlip(16, 0.25, 0), 1, 0), 30)
    epochs = [tuple(seen[:10]), tuple(seen[10:20]), tuple(seen[20:])]
    assert all(sorted(epoch) == list(range(10)) for epoch in epochs)
    assert len(set(epochs)) == 3


@pytest.mark.parametrize("step", [1, 4, 9])
def test_a_resumed_run_sees_the_crops_that_were_to_come(photo_folder: Path, step: int) -> None:
    def data() -> PhotoDataModule:
        return PhotoDataModule("folder", str(photo_folder), 16, batch_size=2, val_photos=2)

    whole = batches(data(), step + 3)
    resumed = batches(data(), 3, step)
    assert torch.equal(torch.stack(resumed), torch.stack(whole[step:]))


def test_a_resumed_stream_sees_the_photos_that_were_to_come(parquet: Path) -> None:
    def data() -> PhotoDataModule:
        return PhotoDataModule("hub", str(parquet), 16, batch_size=2, val_photos=2)

    whole = batches(data(), 8)
    resumed = batches(data(), 3, step=5)
    assert torch.equal(torch.stack(resumed), torch.stack(whole[5:]))


@pytest.mark.parametrize("step", [0, 1])
def test_workers_change_nothing_whether_from_the_start_or_resumed(
    photo_folder: Path, step: int
) -> None:
    def data(workers: int) -> PhotoDataModule:
        return PhotoDataModule(
            "folder", str(photo_folder), 16, batch_size=2, val_photos=2, num_workers=workers
        )

    alone = batches(data(0), 6 + step)[step:]
    dealt = batches(data(2), 6, step)
    assert torch.equal(torch.stack(dealt), torch.stack(alone))


def test_workers_change_nothing_in_a_stream_either(parquet: Path) -> None:
    def data(workers: int) -> PhotoDataModule:
        return PhotoDataModule(
            "hub", str(parquet), 16, batch_size=2, val_photos=2, num_workers=workers
        )

    assert torch.equal(torch.stack(batches(data(2), 6)), torch.stack(batches(data(0), 6)))


# --- crops ---------------------------------------------------------------------------------------


def as_tensor(image: Image.Image) -> Tensor:
    return torch.from_numpy(np.array(image)).permute(2, 0, 1).contiguous()


def test_crops_are_float32_squares_between_0_and_1(photo_folder: Path) -> None:
    crops = torch.stack(list(islice(endless(photo_folder), 24)))
    assert crops.shape == (24, 3, 16, 16)
    assert crops.dtype == torch.float32
    assert 0 <= crops.min() < 0.1
    assert 0.9 < crops.max() <= 1


def test_a_crop_follows_from_seed_and_place_alone() -> None:
    photo = as_tensor(make_photo())
    torch.manual_seed(1)
    first = CropAndFlip(16, 0.25, seed=3)(photo, 7)
    torch.manual_seed(2)
    assert torch.equal(CropAndFlip(16, 0.25, seed=3)(photo, 7), first)
    assert not torch.equal(CropAndFlip(16, 0.25, seed=4)(photo, 7), first)


def test_crops_of_one_photo_differ_between_places() -> None:
    crop = CropAndFlip(16, 0.25, seed=0)
    photo = as_tensor(make_photo())
    crops = [crop(photo, place) for place in range(20)]
    assert len({tuple(c.flatten().tolist()) for c in crops}) == 20


def test_a_crop_leaves_the_global_random_state_alone() -> None:
    torch.manual_seed(5)
    before = torch.get_rng_state()
    CropAndFlip(16, 0.25, seed=0)(as_tensor(make_photo()), 3)
    assert torch.equal(torch.get_rng_state(), before)


def ramps(side: int) -> Tensor:
    """A photo whose red tells the column, and whose green tells the row."""
    ramp = torch.linspace(0, 255, side).round().byte()
    across, down = ramp.expand(side, side), ramp[:, None].expand(side, side)
    return torch.stack([across, down, torch.zeros_like(across)])


def shares(crop: Tensor) -> tuple[float, float]:
    """Which share of the ramps' width (negative: mirrored) and height a crop shows."""
    size = crop.shape[2]
    across = float(crop[0, :, -1].mean() - crop[0, :, 0].mean())
    down = float(crop[1, -1].mean() - crop[1, 0].mean())
    return across * size / (size - 1), down * size / (size - 1)


def test_half_of_the_crops_are_mirrored_and_none_is_upside_down() -> None:
    crop, photo = CropAndFlip(16, 0.25, seed=0), ramps(64)
    found = [shares(crop(photo, place)) for place in range(200)]
    assert 70 < sum(across < 0 for across, _ in found) < 130
    assert all(down > 0 for _, down in found)


@pytest.mark.parametrize("min_scale", [0.25, 0.7])
def test_a_crop_shows_at_least_the_smallest_share_of_the_area(min_scale: float) -> None:
    crop, photo = CropAndFlip(16, min_scale, seed=0), ramps(128)
    areas = [abs(across) * down for across, down in (shares(crop(photo, k)) for k in range(200))]
    assert min(areas) > min_scale - 0.06  # of which the rounding to whole pixels is most
    assert min(areas) < min_scale + 0.1
    assert max(areas) > 0.85


# --- broken photos -------------------------------------------------------------------------------


@pytest.fixture
def partly_broken(colors: Path) -> Path:
    """Ten good photos, one that is none, one cut in half and one empty."""
    (colors / "corrupt.jpg").write_bytes(b"this is no picture")
    buffer = io.BytesIO()
    make_photo().save(buffer, "JPEG")
    (colors / "cut.jpg").write_bytes(buffer.getvalue()[: len(buffer.getvalue()) // 2])
    (colors / "empty.png").write_bytes(b"")
    return colors


BROKEN = ("corrupt.jpg", "cut.jpg", "empty.png")


def test_broken_photos_are_skipped_counted_and_named_once(partly_broken: Path) -> None:
    said: list[str] = []
    photos = endless(partly_broken, batch_size=4)
    photos.on_skip = said.append
    epochs = list(islice(DataLoader(photos, 4, drop_last=True), 13))  # 52 crops: four epochs
    assert [batch.shape for batch in epochs] == [(4, 3, 16, 16)] * 13
    assert set(numbers(torch.cat(epochs))) == set(range(10))
    assert len(said) == len(photos.skipped) == 3
    for count, message in enumerate(said, 1):
        assert str(count) in message.partition(":")[0]
        assert "\n" not in message
    for name in BROKEN:
        assert sum(name in message for message in said) == 1


def test_a_message_about_a_broken_photo_reads_as_a_sentence(partly_broken: Path) -> None:
    said: list[str] = []
    photos = endless(partly_broken)
    photos.on_skip = said.append
    list(islice(photos, 13))
    for name in BROKEN:
        assert sum(message.count(name) for message in said) == 1
    corrupt = next(message for message in said if "corrupt" in message)
    assert corrupt.endswith("corrupt.jpg is not a picture")


def test_what_stands_in_for_a_broken_photo_is_the_same_after_a_resume(partly_broken: Path) -> None:
    whole = order(endless(partly_broken), 39)
    assert order(endless(partly_broken, start=20), 19) == whole[20:]


def test_a_stream_goes_on_past_broken_photos(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    one_color(3).save(buffer, "PNG")
    rows = [{"bytes": buffer.getvalue(), "path": "good.png"}, {"bytes": b"no", "path": "bad.png"}]
    (tmp_path / "mixed").mkdir()
    features = datasets.Features({"image": datasets.Image()})
    data = datasets.Dataset.from_dict({"image": rows}, features=features)
    data.to_parquet(str(tmp_path / "mixed" / "train.parquet"))
    said: list[str] = []
    photos = EndlessPhotos(
        open_hub(str(tmp_path / "mixed")), CropAndFlip(16, 0.25, 0), 2, 0, on_skip=said.append
    )
    assert order(photos, 8) == [3] * 8
    assert len(said) == 1
    assert "bad.png" in said[0]


def test_photos_that_are_all_broken_are_an_input_error(tmp_path: Path) -> None:
    for i in range(5):
        (tmp_path / f"{i}.jpg").write_bytes(b"no picture")
    said: list[str] = []
    photos = endless(tmp_path)
    photos.on_skip = said.append
    with pytest.raises(InputError, match="decoded"):
        next(iter(photos))
    assert len(said) == 5
    with pytest.raises(InputError, match="decoded"):
        PhotoDataModule("folder", str(tmp_path), 16).setup()


def test_a_worker_that_finds_no_photo_says_so_in_one_line(colors: Path, tmp_path: Path) -> None:
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "a.jpg").write_bytes(b"no picture")
    data = PhotoDataModule(
        "folder", str(tmp_path / "broken"), 16, 2, val_path=str(colors), num_workers=1
    )
    with pytest.raises(InputError, match="decoded") as caught:
        batches(data, 1)
    assert "\n" not in str(caught.value)


# --- held-out photos -----------------------------------------------------------------------------


def val_numbers(data: PhotoDataModule) -> list[int]:
    return numbers(torch.cat(list(data.val_dataloader())))


@pytest.mark.parametrize("kind", ["folder", "stream", "downloaded"])
def test_held_out_photos_are_not_among_the_training_photos(
    colors: Path, parquet: Path, kind: str
) -> None:
    if kind == "folder":
        data = PhotoDataModule("folder", str(colors), 16, batch_size=2, val_photos=2)
    else:
        streaming = kind == "stream"
        data = PhotoDataModule("hub", str(parquet), 16, 2, val_photos=2, streaming=streaming)
    trained = set(numbers(torch.cat(batches(data, 12))))
    held_out = val_numbers(data)
    assert len(held_out) == len(set(held_out)) == 2
    assert trained.isdisjoint(held_out)
    assert trained | set(held_out) == set(range(10))


def test_at_most_a_fifth_of_a_folder_is_held_out(colors: Path) -> None:
    data = PhotoDataModule("folder", str(colors), 16, val_photos=16)
    data.setup()
    assert len(val_numbers(data)) == 2


def test_of_very_few_photos_none_is_set_apart(tmp_path: Path) -> None:
    for i in range(3):
        one_color(i).save(tmp_path / f"{i}.png")
    data = PhotoDataModule("folder", str(tmp_path), 16, batch_size=3)
    assert sorted(numbers(batches(data, 1)[0])) == [0, 1, 2]
    assert val_numbers(data) == [0, 1, 2]


def test_a_stream_that_validation_uses_up_is_not_called_empty(tmp_path: Path) -> None:
    data = PhotoDataModule(
        "hub", str(write_parquet(tmp_path / "few", 4)), 16, batch_size=2, val_photos=4
    )
    try:
        crops = torch.cat(batches(data, 2))
    except InputError as error:
        assert "val_photos" in str(error)  # noqa: PT017 (either is right: to train, or to say why)
    else:
        assert set(numbers(crops)) <= set(range(4))


def test_a_folder_for_validation_leaves_all_photos_to_training(
    colors: Path, tmp_path: Path
) -> None:
    (tmp_path / "val").mkdir()
    for i in (20, 21, 22):
        one_color(i).save(tmp_path / "val" / f"{i}.png")
    data = PhotoDataModule(
        "folder", str(colors), 16, batch_size=2, val_path=str(tmp_path / "val"), val_photos=2
    )
    assert set(numbers(torch.cat(batches(data, 5)))) == set(range(10))
    assert val_numbers(data) == [20, 21]


def test_a_held_out_photo_is_cropped_at_its_center(tmp_path: Path) -> None:
    photo = make_photo(30, 20)
    photo.save(tmp_path / "wide.png")
    held_out = HeldOutPhotos([{"path": str(tmp_path / "wide.png"), "bytes": None}], 20)
    assert len(held_out) == 1
    expected = np.asarray(photo)[:, 5:25] / 255
    np.testing.assert_allclose(held_out[0].permute(1, 2, 0).numpy(), expected, atol=1e-6)


def test_broken_photos_among_the_held_out_are_left_out(partly_broken: Path) -> None:
    names = ("corrupt.jpg", "03.png", "empty.png")
    held_out = HeldOutPhotos(
        [{"path": str(partly_broken / name), "bytes": None} for name in names], 16
    )
    assert numbers(torch.stack([held_out[i] for i in range(len(held_out))])) == [3]


# --- the module ----------------------------------------------------------------------------------


@pytest.fixture
def assets_with_photos(colors: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "assets" / "photos").mkdir(parents=True)
    colors.rename(tmp_path / "assets" / "photos" / "train")
    monkeypatch.setenv("FST_ASSETS", str(tmp_path / "assets"))
    monkeypatch.chdir(tmp_path)


@pytest.mark.usefixtures("assets_with_photos")
def test_auto_takes_the_folder_of_the_assets_and_says_so(
    capsys: pytest.CaptureFixture[str],
) -> None:
    data = PhotoDataModule("auto", "train", 16, batch_size=2, val_photos=2)
    assert set(numbers(torch.cat(batches(data, 4)))) < set(range(10))
    assert "folder train" in capsys.readouterr().out
    assert data.describe()["source"] == "folder"


def test_auto_without_the_folder_takes_coco_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[str] = []

    def fail(name: str, **kwargs: object) -> None:
        asked.append(name)
        raise ConnectionError("no network")

    monkeypatch.setattr(datasets, "load_dataset", fail)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(AssetError, match=r"data\.path"):
        PhotoDataModule("auto", "train", 16).setup()
    assert asked == ["detection-datasets/coco"]
    assert "hub detection-datasets/coco" in capsys.readouterr().out


def test_the_real_photos_give_batches(
    assets_folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FST_ASSETS", str(assets_folder))
    data = PhotoDataModule("auto", "train", 32, batch_size=4, val_photos=2)
    (batch,) = batches(data, 1)
    assert batch.shape == (4, 3, 32, 32)
    assert batch.std() > 0.1
    assert "folder train" in capsys.readouterr().out
    files = len([*(assets_folder / "photos" / "train").rglob("*.jpg")])
    assert data.describe()["photos"] == files - 2


def test_the_samples_give_batches() -> None:
    (batch,) = batches(PhotoDataModule("sample", size=16, batch_size=2), 1)
    assert batch.shape == (2, 3, 16, 16)
    assert batch.std() > 0.05


def test_a_second_setup_changes_nothing(colors: Path) -> None:
    data = PhotoDataModule("folder", str(colors), 16)
    data.setup("fit")
    first = data.train
    data.setup("validate")
    assert data.train is first


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"source": "cloud", "path": "x"}, "cloud"),
        ({"source": "folder"}, "data.path"),
        ({"source": "hub", "path": ""}, "data.path"),
        ({"source": "sample", "size": 15}, "data.size"),
        ({"source": "sample", "batch_size": 0}, "batch_size"),
        ({"source": "sample", "val_photos": 0}, "val_photos"),
    ],
)
def test_what_cannot_be_used_is_refused_by_name(arguments: dict[str, object], named: str) -> None:
    with pytest.raises(InputError, match=named):
        PhotoDataModule(**arguments)  # type: ignore[arg-type]


@pytest.mark.parametrize("min_scale", [-0.5, 1.5])
def test_a_smallest_share_that_is_none_is_refused(min_scale: float) -> None:
    with pytest.raises(InputError, match="min_scale"):
        PhotoDataModule("sample", min_scale=min_scale)


def test_a_folder_without_photos_is_refused(tmp_path: Path) -> None:
    (tmp_path / "bare").mkdir()
    with pytest.raises(FstError, match="bare"):
        PhotoDataModule("folder", str(tmp_path / "bare"), 16).setup()


def test_the_description_tells_what_was_trained_on(colors: Path) -> None:
    data = PhotoDataModule("folder", str(colors), 16, batch_size=3, val_photos=2)
    data.setup()
    about = data.describe()
    assert about["name"] == "colors"  # and not where it lay on this machine
    expected = {"source": "folder", "photos": 8, "size": 16, "batch_size": 3}
    assert expected.items() <= about.items()


def test_loaders_before_the_setup_are_a_mistake_of_the_caller() -> None:
    data = PhotoDataModule("sample")
    with pytest.raises(RuntimeError, match="setup"):
        data.train_dataloader()
    with pytest.raises(RuntimeError, match="setup"):
        data.val_dataloader()


def test_the_endless_photos_begin_anew_each_time_they_are_iterated(colors: Path) -> None:
    photos = endless(colors)

    def first_five(source: Iterator[Tensor]) -> list[int]:
        return numbers(torch.stack(list(islice(source, 5))))

    assert first_five(iter(photos)) == first_five(iter(photos))

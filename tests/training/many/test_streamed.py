"""fst.training.many.streamed: a data set's pictures, streamed once and kept as files."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import datasets
import fsspec
import pytest
from support import encoded, make_photo, one_color, write_parquet

from fst.errors import AssetError, InputError
from fst.training.many import streamed
from fst.training.many.streamed import streamed_files

pytestmark = pytest.mark.usefixtures("offline")


def files(path: Path | str, cache: Path, limit: int | None = None) -> list[tuple[str, Path]]:
    return streamed_files(str(path), "train", "image", limit, cache)


def fail(*arguments: Any) -> Any:
    raise AssertionError("the data set is opened once more")


def test_every_picture_is_kept_as_it_is(tmp_path: Path) -> None:
    found = files(write_parquet(tmp_path / "hub", [2, 3]), tmp_path / "kept")
    assert [name for name, _ in found] == ["0", "1", "2", "3", "4"]
    assert [file.read_bytes() for _, file in found] == [encoded(one_color(i)) for i in range(5)]


def test_a_limit_reads_no_further(tmp_path: Path) -> None:
    found = files(write_parquet(tmp_path / "hub", [5]), tmp_path / "kept", limit=2)
    assert [name for name, _ in found] == ["0", "1"]


def test_later_runs_need_the_data_set_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = write_parquet(tmp_path / "hub", [2])
    first = files(hub, tmp_path / "kept")
    monkeypatch.setattr(streamed, "open_hub", fail)
    assert files(hub, tmp_path / "kept") == first
    (tmp_path / "hub" / "more.txt").write_text("changed")
    with pytest.raises(AssertionError, match="once more"):
        files(hub, tmp_path / "kept")


@pytest.mark.parametrize("damage", ["a file is gone", "the listing is damaged"])
def test_what_is_gone_is_streamed_anew(tmp_path: Path, damage: str) -> None:
    hub, kept = write_parquet(tmp_path / "hub", [2]), tmp_path / "kept"
    first = files(hub, kept)
    if damage == "a file is gone":
        first[1][1].unlink()
    else:
        (listing,) = kept.glob("*.json")
        listing.write_text('{"paintings": [1')
    assert files(hub, kept) == first
    assert first[1][1].read_bytes() == encoded(one_color(1))


def test_a_folder_of_pictures_in_the_hub_s_format_is_streamed_too(tmp_path: Path) -> None:
    (tmp_path / "hub" / "train").mkdir(parents=True)
    make_photo(seed=1).save(tmp_path / "hub" / "train" / "lilies.png")
    ((name, file),) = files(tmp_path / "hub", tmp_path / "kept")
    assert name == "lilies"
    assert file.read_bytes() == (tmp_path / "hub" / "train" / "lilies.png").read_bytes()


def test_a_data_set_that_can_not_be_had_points_to_a_folder(tmp_path: Path) -> None:
    with pytest.raises(AssetError, match=r"owner/nowhere.*paintings\.source=folder") as caught:
        files("owner/nowhere", tmp_path)
    assert "data=folder" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_stream_that_breaks_off_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Broken(list[Any]):
        def __iter__(self) -> Iterator[Any]:
            yield {"image": {"bytes": b"first", "path": None}}
            raise ConnectionError("no route\nto the host")

    monkeypatch.setattr(streamed, "open_hub", lambda *_: Broken())
    with pytest.raises(AssetError, match=r"owner/name.*broke off \(no route\)") as caught:
        files("owner/name", tmp_path)
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.glob("*.json"))


def test_pictures_without_a_name_or_bytes_have_a_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [{"image": {"bytes": b"first", "path": None}}, {"image": None}]
    monkeypatch.setattr(streamed, "open_hub", lambda *_: rows)
    found = files("owner/name", tmp_path)
    assert [(name, file.read_bytes()) for name, file in found] == [("0", b"first"), ("1", b"")]


def test_files_that_lie_on_the_hub_are_read_from_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with fsspec.open("memory://owner/lilies.png", "wb") as file:
        file.write(b"lilies")
    places = ("memory://owner/lilies.png", "memory://owner/gone.png")
    rows = [{"image": {"bytes": None, "path": place}} for place in places]
    monkeypatch.setattr(streamed, "open_hub", lambda *_: rows)
    found = files("owner/name", tmp_path)
    assert [(name, file.read_bytes()) for name, file in found] == [
        ("lilies", b"lilies"),
        ("gone", b""),
    ]


def test_a_full_disk_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hub = write_parquet(tmp_path / "hub", [2])

    def full(self: Path, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(InputError, match=r"No space left.*paintings\.cache=") as caught:
        files(hub, tmp_path / "kept")
    assert "\n" not in str(caught.value)


def test_a_cache_below_a_file_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    hub = write_parquet(tmp_path / "hub", [2])
    with pytest.raises(InputError, match=str(tmp_path / "file")):
        files(hub, tmp_path / "file" / "kept")


def test_a_data_set_is_read_by_its_split(tmp_path: Path) -> None:
    features = datasets.Features({"image": datasets.Image()})
    (tmp_path / "hub").mkdir()
    for split in ("train", "test"):
        rows = [{"bytes": split.encode(), "path": f"{split}.png"}]
        datasets.Dataset.from_dict({"image": rows}, features=features).to_parquet(
            str(tmp_path / "hub" / f"{split}-00000-of-00001.parquet")
        )
    for split in ("train", "test"):
        found = streamed_files(str(tmp_path / "hub"), split, "image", None, tmp_path / "kept")
        assert [name for name, _ in found] == [split]

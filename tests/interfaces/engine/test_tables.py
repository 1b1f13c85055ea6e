"""Tables painted into Parquet files: what is in them, and how it goes on after a crash."""

import io
import json
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pyarrow
import pytest
from fake_ray import Died, FakeRay
from PIL import Image
from pyarrow import parquet
from support import encoded, make_photo

import fst
from fst.errors import InputError
from fst.interfaces.arguments.stylize import parser
from fst.interfaces.commands import stylize
from fst.interfaces.engine import rows, tables
from fst.interfaces.engine.manifest import FAILURES, NAME

STYLE = ("--style", "monet_small", "--size", "48", "--precision", "fp32")
BROKEN = {3: b"no picture", 7: None}


@pytest.fixture(autouse=True)
def ray(engine_here: FakeRay, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeRay:
    """The test's own folder, and parts of five rows."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(tables, "ROWS", 5)
    return engine_here


def photos() -> list[bytes | None]:
    return [BROKEN.get(i, encoded(make_photo(56, 44, seed=i))) for i in range(12)]


def call(*words: str) -> int:
    given = [*words, *STYLE, "--engine", "ray", "--output", "out", "--batch", "2"]
    return stylize.main(parser().parse_args(given))


def results() -> list[Path]:
    return sorted(Path("out").rglob("*.parquet"))


def failed() -> list[str]:
    return Path("out", FAILURES).read_text().splitlines()[1:]


def test_a_parquet_file(capsys: pytest.CaptureFixture[str]) -> None:
    columns = {"id": pyarrow.array(range(12), pyarrow.int16()), "bytes": photos()}
    parquet.write_table(pyarrow.table(columns), "many.parquet", row_group_size=7)
    assert call("many.parquet") == 1
    assert "painted 10 of 12" in capsys.readouterr().out
    assert [path.name for path in results()] == [
        f"many-monet_small-00000-{first:09d}.parquet" for first in (0, 5, 10)
    ]
    whole = pyarrow.concat_tables([parquet.read_table(path) for path in results()])
    assert whole.column_names == ["id", "bytes", "error"]
    assert whole.schema.field("id").type == pyarrow.int16()
    assert whole.column("id").to_pylist() == list(range(12))
    errors = whole.column("error").to_pylist()
    assert [row for row, error in enumerate(errors) if error] == list(BROKEN)
    assert len(failed()) == 2
    # the pictures are those of fst.Painter, which has tests of its own
    painter = fst.Painter("monet_small", size=48, precision="fp32", threads=1)
    expected = painter({"bytes": photos()})["bytes"]
    for painted, one in zip(whole.column("bytes").to_pylist(), expected, strict=True):
        assert (painted is None) == (one is None)
        if painted is not None:
            pixels, wanted = (np.asarray(Image.open(io.BytesIO(x)), int) for x in (painted, one))
            assert np.abs(pixels - wanted).max() <= 2  # batches round otherwise
    said = json.loads(parquet.read_schema(results()[0]).metadata[b"fst"])
    assert said["styles"][0]["name"] == "monet_small"


def test_a_data_set_stays_one(offline: None) -> None:
    """Painted, it is a data set again: with pictures, and none where there is none."""
    cells = [None if one is None else {"bytes": one, "path": None} for one in photos()]
    data = datasets.Dataset.from_dict({"image": cells, "label": ["a"] * 12})
    data.cast_column("image", datasets.Image()).to_parquet("set/data/train.parquet")
    assert call("hub:set") == 1
    assert next(path.name for path in results()) == "set-monet_small-00000-000000000.parquet"
    painted = datasets.load_dataset(
        "parquet", data_files=[str(path) for path in results()], split="train", streaming=True
    )
    assert isinstance(painted.features["image"], datasets.Image)
    found = list(painted)
    assert [row for row, one in enumerate(found) if one["image"] is None] == list(BROKEN)
    assert found[0]["image"].size == (48, 38)
    assert found[0]["label"] == "a"


def test_what_is_there_is_not_read_again(
    ray: FakeRay, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    parquet.write_table(pyarrow.table({"bytes": photos()}), "many.parquet")
    call("many.parquet")
    before = {path: path.stat().st_mtime_ns for path in results()}
    lines = Path("out", NAME).read_bytes()
    capsys.readouterr()
    workers = len(ray.actors)
    assert call("many.parquet") == 1  # two are broken
    assert len(ray.actors) == workers
    # without the last lines of the manifest: parts say themselves what they are
    Path("out", NAME).write_bytes(lines[: lines.index(b"\n") + 1])
    assert call("many.parquet") == 1
    assert len(ray.actors) == workers
    assert len(failed()) == 2
    assert "painted already: 12" in capsys.readouterr().out
    assert before == {path: path.stat().st_mtime_ns for path in results()}
    # a part that is missing is painted again, and no other
    results()[1].unlink()
    assert call("many.parquet", "--overwrite") == 1
    assert len(results()) == 3


@pytest.mark.parametrize("ended", [True, False], ids=["read to its end", "not so"])
def test_a_part_that_is_missing(ended: bool, ray: FakeRay) -> None:
    """The manifest's word is not enough, whether its shard was read to the end or not."""
    parquet.write_table(pyarrow.table({"bytes": photos()}), "many.parquet")
    call("many.parquet")
    first, second, third = results()
    before = first.stat().st_mtime_ns
    content = second.read_bytes()
    second.unlink()
    lines = Path("out", NAME).read_text().splitlines(keepends=True)
    kept = [line for line in lines if ended or tables.SHARD not in line]
    assert ended or len(kept) == len(lines) - 1
    Path("out", NAME).write_text("".join(kept))
    call("many.parquet")
    assert results() == [first, second, third]
    assert first.stat().st_mtime_ns == before
    assert second.read_bytes() == content


def test_a_table_that_was_changed_is_not_taken_for_painted() -> None:
    parquet.write_table(pyarrow.table({"bytes": photos()[:2]}), "many.parquet")
    assert call("many.parquet") == 0
    parquet.write_table(pyarrow.table({"bytes": photos()}), "many.parquet")
    with pytest.raises(InputError, match="overwrite"):
        call("many.parquet")
    assert call("many.parquet", "--overwrite") == 1
    assert sum(parquet.read_table(path).num_rows for path in results()) == 12


def test_another_size_is_another_result() -> None:
    parquet.write_table(pyarrow.table({"bytes": photos()[:2]}), "many.parquet")
    assert call("many.parquet") == 0
    with pytest.raises(InputError, match="painted otherwise"):
        call("many.parquet", "--quality", "50")


def test_an_interruption_leaves_whole_parts(
    ray: FakeRay, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    parquet.write_table(pyarrow.table({"bytes": photos()}), "many.parquet")
    write, written = tables.Reading.write, []

    def stopping(reading: tables.Reading, *given: Any) -> None:
        write(reading, *given)
        written.append(1)
        if len(written) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(tables.Reading, "write", stopping)
    assert call("many.parquet") == 130
    assert "goes on" in capsys.readouterr().err
    assert len(results()) == 2
    assert call("many.parquet") == 1
    assert len(results()) == 3
    assert len(failed()) == 2
    assert len(written) == 3


def test_a_photo_that_kills_is_a_row_with_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    content = photos()
    paint = rows.RowWorker.paint

    def dying(worker: rows.RowWorker, given: Any) -> Any:
        if any(cell == content[4] for _, _, cell in given):
            raise Died
        return paint(worker, given)

    monkeypatch.setattr(rows.RowWorker, "paint", dying)
    parquet.write_table(pyarrow.table({"bytes": content}), "many.parquet")
    assert call("many.parquet") == 1
    errors = parquet.read_table(results()[0]).column("error").to_pylist()
    assert [row for row, error in enumerate(errors) if error] == [3, 4]
    assert "worker died" in errors[4]


def test_a_mistake_of_ours_is_a_row_with_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    content = photos()
    paint = fst.Painter.__call__

    def failing(painter: fst.Painter, columns: Any) -> Any:
        if content[1] in columns["bytes"]:
            raise RuntimeError("of ours")
        return paint(painter, columns)

    monkeypatch.setattr(fst.Painter, "__call__", failing)
    parquet.write_table(pyarrow.table({"bytes": content[:3]}), "many.parquet")
    assert call("many.parquet") == 1
    errors = parquet.read_table(results()[0]).column("error").to_pylist()
    assert errors == [None, "RuntimeError: of ours", None]


def test_a_folder_of_tables_keeps_its_shape() -> None:
    for name in ("in/a.parquet", "in/deep/a.parquet"):
        Path(name).parent.mkdir(exist_ok=True)
        parquet.write_table(pyarrow.table({"bytes": photos()[:1]}), name)
    assert call("in") == 0
    assert [path.as_posix() for path in results()] == [
        "out/a-monet_small-00000-000000000.parquet",
        "out/deep/a-monet_small-00000-000000000.parquet",
    ]

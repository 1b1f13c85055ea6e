"""Cells of pictures, whatever hands them over."""

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest
import torch
from support import encoded, make_photo

from fst.errors import InputError
from fst.interfaces.columns import cells_of, picture_of, with_columns


def test_a_path_without_bytes_is_read_and_a_pil_picture_taken(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(encoded(make_photo()))
    expected = picture_of(make_photo(), 10**6).rgb
    for cell in (
        {"bytes": None, "path": str(tmp_path / "a.png")},
        memoryview(encoded(make_photo())),
        bytearray(encoded(make_photo())),
    ):
        assert torch.equal(picture_of(cell, 10**6).rgb, expected)
    with pytest.raises(InputError, match=r"gone\.png"):
        picture_of({"bytes": None, "path": str(tmp_path / "gone.png")}, 10**6)


@pytest.mark.parametrize(
    "cell", [None, float("nan"), pd.NA, pd.NaT, {"bytes": None, "path": None}, {}]
)
def test_nothing_is_said_to_be_nothing(cell: object) -> None:
    with pytest.raises(InputError, match="empty"):
        picture_of(cell, 10**6)


@pytest.mark.parametrize("cell", [3, "photo.jpg", [b"a"], {"bytes": "text", "path": "a"}, 2.5])
def test_what_is_no_picture_is_named(cell: object) -> None:
    with pytest.raises(InputError, match="expected the bytes"):
        picture_of(cell, 10**6)


def test_a_table_of_pyarrow_keeps_its_types() -> None:
    table = pa.table({"bytes": pa.array([b"a", b"b"], pa.large_binary()), "id": [1, 2]})
    new = with_columns(table, {"bytes": [None, None], "error": [None, None]})
    assert new.schema == pa.schema(
        {"bytes": pa.large_binary(), "id": pa.int64(), "error": pa.string()}
    )
    assert cells_of(new, "bytes") == [None, None]
    assert cells_of(table, "bytes") == [b"a", b"b"]


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"bytes": b"abc"}, "a list.*bytes"),
        ({"bytes": "photo.jpg"}, "a list.*str"),
        ({"bytes": None}, "a list.*NoneType"),
        ({"bytes": [b"a", b"b"], "id": [1]}, "one length.*2 cells.*'id' 1"),
    ],
)
def test_what_is_no_column_or_of_another_length_is_refused(
    columns: dict[str, object], words: str
) -> None:
    with pytest.raises(InputError, match=words):
        cells_of(columns, "bytes")

"""Columns of pictures, as data frameworks hand them over, and the same columns painted."""

import math
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image

from fst.errors import InputError
from fst.image.io import load_image
from fst.image.picture import Picture
from fst.interfaces.conversion import to_picture
from fst.system.checks import shown

ERROR = "error"
"""The column that says why a picture was not painted."""


def cells_of(columns: Any, name: str) -> list[Any]:
    """The cells of a column, as Python's own values.

    Args:
        columns: a mapping of names to columns, a pandas DataFrame, or a table of pyarrow's.
        name: of the column.

    Raises:
        InputError: there is no such column, or it is no column, or of another length than others.
    """
    if not has_column(columns, name):
        names = list(getattr(columns, "column_names", columns))
        there = ", ".join(map(str, names)) or "none"
        raise InputError(f"no column {name!r} here: there are {there} (column= names another)")
    column = columns[name]
    if isinstance(columns, dict):  # others see to it themselves, and may be lazy
        _check_lengths(columns, name)
    to_list = getattr(column, "to_pylist", getattr(column, "tolist", None))
    return list(column) if to_list is None else list(to_list())


def _check_lengths(columns: Mapping[str, Any], name: str) -> None:
    """That columns in a mapping have a cell for each picture."""
    column = columns[name]
    if isinstance(column, str | bytes | Mapping) or not hasattr(column, "__len__"):
        raise InputError(
            f"a column is a list with a cell for each photo, not {type(column).__name__}: "
            f"{{{name!r}: [...]}}"
        )
    for other, cells in columns.items():
        if hasattr(cells, "__len__") and len(cells) != len(column):
            raise InputError(
                f"columns are of one length: {name!r} has {len(column)} cells, {other!r} "
                f"{len(cells)}"
            )


def has_column(columns: Any, name: str) -> bool:
    """Whether there is such a column."""
    return name in list(getattr(columns, "column_names", columns))


def with_columns(columns: Any, new: Mapping[str, list[Any]]) -> Any:
    """The columns as they came, of the same kind, with some that are new or replaced.

    Args:
        columns: as for :func:`cells_of`.
        new: name -> cells.
    """
    if hasattr(columns, "column_names"):  # a pyarrow table
        for name, cells in new.items():
            place = columns.schema.get_field_index(name)
            if place < 0:
                columns = columns.append_column(name, _arrow(cells, None))
            else:
                kept = _arrow(cells, columns.schema.field(place).type)
                columns = columns.set_column(place, name, kept)
        return columns
    if hasattr(columns, "assign"):  # a pandas DataFrame
        return columns.assign(**new)
    return {**columns, **new}


def _arrow(cells: list[Any], kind: Any) -> Any:
    """Of a type; of a null type or None, texts: those on errors, of which there may be none."""
    import pyarrow  # there, since a table of its was given

    known = kind is not None and not pyarrow.types.is_null(kind)
    return pyarrow.array(cells, kind if known else pyarrow.string())


def picture_of(cell: Any, max_pixels: int) -> Picture:
    """The picture in a cell.

    Args:
        cell: the bytes of a picture's file; ``{"bytes": ..., "path": ...}`` as datasets' ``Image``
            feature has it, where the path is read if there are no bytes; a PIL picture.
        max_pixels: refuse larger ones.

    Raises:
        InputError: it is none, or can't be decoded.
    """
    name = "the photo"
    if isinstance(cell, Mapping):
        path = cell.get("path")
        name = str(path) if path else name
        cell = cell.get("bytes")
        cell = Path(path) if is_nothing(cell) and path else cell
    if is_nothing(cell):
        raise InputError("no photo: the cell is empty")
    if isinstance(cell, bytes | bytearray | memoryview):
        return load_image(BytesIO(cell), max_pixels, 1, name)
    if isinstance(cell, Path):
        return load_image(cell, max_pixels, 1)
    if isinstance(cell, Image.Image):
        return to_picture(cell, "photo")
    raise InputError(
        f"expected the bytes of a picture's file, not {shown(cell)} ({type(cell).__name__})"
    )


def is_nothing(cell: Any) -> bool:
    """None, or what pandas has in its place: NaN, or its own NA."""
    if isinstance(cell, float):
        return math.isnan(cell)
    return cell is None or type(cell).__name__ in ("NAType", "NaTType")

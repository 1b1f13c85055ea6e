"""A part of a table: some rows, on their way from a file into another one."""

import json
from typing import Any, NamedTuple

import pyarrow

from fst.data.tables import Table

ERROR = "error"
"""The column that says why a photo was not painted."""


class Source(NamedTuple):
    """A table, the beginning of its results' names, and what tells it from another one."""

    table: Table
    name: str
    stamp: str


class Part:
    """Some rows of a table, on their way.

    Args:
        target: the file to write, below the folder of results.
        shard: that they are of.
        source: the table.
        rows: as they were read, a table of pyarrow's.
    """

    def __init__(self, target: str, shard: str, source: Source, rows: Any) -> None:
        self.target, self.shard, self.source, self.rows = target, shard, source, rows
        self.cells: list[Any] = rows.column(source.table.column).to_pylist()
        self.painted: dict[int, tuple[bytes | None, str | None]] = {}
        """Row -> the painted picture, or why there is none."""

    def failed(self) -> dict[str, str]:
        """The photos that were not painted, by result and row, and why."""
        return {
            f"{self.target} row {row}": reason
            for row, (_, reason) in sorted(self.painted.items())
            if reason is not None
        }

    def result(self, said: dict[bytes, bytes]) -> Any:
        """The rows with painted pictures and a column of errors.

        Args:
            said: of how they were painted, for the metadata.
        """
        contents, errors = zip(*(self.painted[row] for row in range(len(self.cells))), strict=True)
        cells = [  # datasets takes None for no picture, and a cell of nothing for a mistake
            {**cell, "bytes": content} if isinstance(cell, dict) and content else content
            for cell, content in zip(self.cells, contents, strict=True)
        ]
        place = self.rows.schema.get_field_index(self.source.table.column)
        kind = self.rows.schema.field(place)
        rows = self.rows.set_column(place, kind, pyarrow.array(cells, kind.type))
        rows = rows.append_column(ERROR, pyarrow.array(errors, pyarrow.string()))
        return rows.replace_schema_metadata(_metadata(self.rows.schema.metadata or {}) | said)


def _metadata(given: dict[bytes, bytes]) -> dict[bytes, bytes]:
    """A schema's metadata, where that of ``datasets`` knows the column of errors, too."""
    said = given.get(b"huggingface")
    if said is None:
        return dict(given)
    about = json.loads(said)
    features = about.get("info", {}).get("features")
    if isinstance(features, dict):
        features[ERROR] = {"dtype": "string", "_type": "Value"}
    return {**given, b"huggingface": json.dumps(about).encode()}

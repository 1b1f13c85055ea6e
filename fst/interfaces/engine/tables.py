"""Photos in tables, painted into Parquet files by many workers.

This process reads the tables and writes the results, so that a cluster needs no common disk for
them. A *part* is so many rows of a shard: it is written whole, once all of its photos are back.
"""

import argparse
import sys
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import chain
from typing import Any, TextIO

from pyarrow import parquet

from fst.errors import InputError, in_a_line
from fst.image.record import record_text
from fst.interfaces.engine.manifest import Line, Manifest, digest_of
from fst.interfaces.engine.parts import ERROR, Part, Source
from fst.interfaces.engine.pool import Lost, Pool
from fst.interfaces.engine.progress import Display
from fst.interfaces.engine.rows import RowWorker, row_painter
from fst.interfaces.engine.session import session
from fst.interfaces.engine.worker import Painting
from fst.system.files import atomic_file

ROWS = 512
"""Of a part. Other parts would be other files, so this is no option."""

BATCH = 16
"""Photos that a worker is given at a time."""

RECORD, DIGEST = b"fst", b"fst.settings"
"""Of a result's metadata: how it was painted, in full, and as digits to compare."""

SHARD = "read to its end"
"""In the stamp of a shard whose parts are all written, before the number of its rows."""


class Reading:
    """What is read of tables, batch by batch, and waits for its results.

    Args:
        sources: the tables.
        manifest: of the folder of results.
        settings: digest of how it is painted.
        options: of ``fst stylize``.
        display: is told of what is there already.
    """

    def __init__(
        self,
        sources: Sequence[Source],
        manifest: Manifest,
        settings: str,
        options: argparse.Namespace,
        display: Display,
    ) -> None:
        self.sources, self.manifest, self.settings = sources, manifest, settings
        self.options, self.display = options, display
        self.open: dict[str, Part] = {}
        """The parts that wait for results."""
        self._ended: dict[str, str] = {}

    def batches(self) -> Iterator[list[tuple[str, int, Any]]]:
        """Photos that are to be painted: part, row, cell."""
        size = self.options.batch or BATCH
        for part in self._parts():
            self.open[part.target] = part
            for first in range(0, len(part.cells), size):
                cells = enumerate(part.cells[first : first + size], first)
                yield [(part.target, row, cell) for row, cell in cells]

    def _parts(self) -> Iterator[Part]:
        """All that are not there."""
        for source in self.sources:
            for number in range(source.table.shards):
                shard = f"{source.name}-{number:05d}"
                if count := self._ended_rows(shard, source):
                    self.display.already(count)
                    continue
                first = 0
                for rows in source.table.read(number, ROWS):
                    target = _target(shard, first)
                    first += rows.num_rows
                    if self._is_there(target, source.stamp):
                        self.display.already(rows.num_rows)
                    else:
                        yield Part(target, shard, source, rows)
                self._ended[shard] = f"{source.stamp} {SHARD} {first}"
                self.note_ended()

    def _ended_rows(self, shard: str, source: Source) -> int:
        """Of a shard that need not be read again, since its parts are all there; else 0."""
        line = self.manifest.last(shard)
        if self.options.overwrite or line is None or line.settings != self.settings:
            return 0
        said, _, rows = line.stamp.rpartition(" ")
        if said != f"{source.stamp} {SHARD}" or not rows.isdecimal():
            return 0
        parts = (_target(shard, first) for first in range(0, int(rows), ROWS))
        return int(rows) if all((self.manifest.folder / part).exists() for part in parts) else 0

    def _done(self, key: str, stamp: str) -> bool:
        return self.manifest.done(key, stamp, self.settings)

    def _is_there(self, target: str, stamp: str) -> bool:
        """Whether a part was written, also by a process that had no time to note it.

        Raises:
            InputError: something else is there, and nothing was said of overwriting.
        """
        path = self.manifest.folder / target
        if self.options.overwrite or not path.exists():
            return False
        if self._done(target, stamp):
            return True
        try:
            said = (parquet.read_schema(path).metadata or {}).get(DIGEST, b"").decode()
        except Exception:  # any file may be there
            said = ""
        if said != _digest(self.settings, stamp):
            raise InputError(
                f"{path} is there already, painted otherwise: --overwrite replaces what is there, "
                "another --output leaves it"
            )
        errors = parquet.read_table(path, columns=[ERROR]).column(ERROR).to_pylist()
        failed = {f"{target} row {row}": why for row, why in enumerate(errors) if why}
        self.manifest.note([Line(target, stamp, self.settings, failed)])
        return True

    def write(self, part: Part, common: dict[str, Any] | None) -> None:
        """Writes a part whose photos are all back, and notes it.

        Args:
            part: of :attr:`open`.
            common: of records; None where results say nothing.
        """
        said = {DIGEST: _digest(self.settings, part.source.stamp).encode()}
        if common is not None:
            said[RECORD] = record_text(common).encode()
        path = self.manifest.folder / part.target
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_file(path) as temporary:
            parquet.write_table(part.result(said), temporary)
        line = Line(part.target, part.source.stamp, self.settings, part.failed())
        self.manifest.note([line])
        del self.open[part.target]
        self.note_ended()

    def note_ended(self) -> None:
        """Notes the shards whose parts are all there: they need not be read again."""
        waiting = {part.shard for part in self.open.values()}
        ended = {shard: stamp for shard, stamp in self._ended.items() if shard not in waiting}
        self.manifest.note([Line(shard, stamp, self.settings) for shard, stamp in ended.items()])
        self._ended = {shard: self._ended[shard] for shard in self._ended if shard in waiting}


def paint_tables(
    options: argparse.Namespace,
    painting: Painting,
    sources: Sequence[Source],
    manifest: Manifest,
    out: TextIO,
) -> int:
    """Paints tables; returns 130 where somebody interrupts it, else 0.

    Args:
        options: of ``fst stylize``.
        painting: how.
        sources: the tables.
        manifest: of the folder of results.
        out: where to print.
    """
    settings = digest_of({"picture": painting.settings, "kind": options.format})
    known = [source.table.rows for source in sources]
    display = Display(None if None in known else sum(count or 0 for count in known), out)
    reading = Reading(sources, manifest, settings, options, display)
    batches = reading.batches()
    first, died = next(batches, None), 0
    try:
        if first is not None:  # else there is no need of workers
            died = _paint_all(options, painting, reading, chain([first], batches))
    except KeyboardInterrupt:
        said = f"interrupted: painted {display.painted} photos; the same command goes on"
        print(in_a_line(said), file=sys.stderr)
        return 130
    display.end(manifest.folder, died)
    return 0


def _paint_all(
    options: argparse.Namespace, painting: Painting, reading: Reading, batches: Iterable[list[Any]]
) -> int:
    """Hands the photos out, and writes what comes back; returns how many workers died."""
    common = None if options.no_record else painting.common
    with session(options) as (ray, share, _), reading.display as display:
        worker = partial(RowWorker, row_painter(options, painting, share))
        pool = Pool(ray, worker, share, "paint", display.ready)
        try:
            for (target, row, _), result in pool.paint(batches):
                part = reading.open[target]
                part.painted[row] = (None, result.reason) if isinstance(result, Lost) else result
                if len(part.painted) == len(part.cells):
                    reading.write(part, common)
                    failed = part.failed()
                    display.add(failed, len(part.cells) - len(failed))
        finally:
            pool.close()
    return pool.died


def _target(shard: str, first: int) -> str:
    """The file of the part that begins with a row."""
    return f"{shard}-{first:09d}.parquet"


def _digest(settings: str, stamp: str) -> str:
    """What tells a part from one of other settings, or of another table."""
    return digest_of({"settings": settings, "stamp": stamp})

"""What a worker does for tables: bytes in, bytes out, by :class:`fst.Painter`."""

import argparse
from collections.abc import Sequence
from typing import Any

from fst.errors import FstError
from fst.inference.painter import ENOUGH
from fst.interfaces.engine.cluster import Share
from fst.interfaces.engine.worker import Painting
from fst.interfaces.pipeline import Painter
from fst.system.device import pick_device
from fst.system.memory import free_memory, keep_freed_memory

KINDS = {None: "jpeg", "jpg": "jpeg", "png": "png", "webp": "webp"}
"""``--format`` -> as a painter calls it."""


def row_painter(options: argparse.Namespace, painting: Painting, share: Share) -> Painter:
    """The painter that all workers get a copy of.

    Args:
        options: of ``fst stylize``.
        painting: what these mean.
        share: what a worker has.
    """
    memory = options.memory
    if memory is None and options.address is None:
        free = free_memory(pick_device(options.device))
        memory = max(1, min(ENOUGH, free * 3 // 4 // share.beside))
    (style,) = painting.styles
    return Painter(
        style.asked, size=options.size, strength=options.strength,
        preserve_color=options.preserve_color, upsample=options.upsample,
        seamless=options.seamless, format=KINDS[options.format], quality=options.quality,
        max_pixels=options.max_pixels, keep_location=options.keep_location,
        threads=share.threads, device=options.device, precision=options.precision, memory=memory,
        backend=options.backend, margin=options.margin, checkpoints=options.checkpoints,
        stroke_size=options.style_size, style_weight=options.style_weight,
    )  # fmt: skip


class RowWorker:
    """Paints batches of a table's photos.

    Args:
        painter: with its net.
    """

    def __init__(self, painter: Painter) -> None:
        self.painter = painter

    def ready(self) -> str | None:
        """Builds the net; returns why that can't be, in a line, or None."""
        keep_freed_memory()
        try:
            self.painter({"bytes": []})
        except FstError as error:
            return str(error)
        return None

    def paint(self, rows: Sequence[tuple[str, int, Any]]) -> list[tuple[bytes | None, str | None]]:
        """Paints photos.

        Args:
            rows: part, number, and the photo's cell: bytes, or ``{"bytes", "path"}``.

        Returns:
            For each the picture's bytes, or None and why there are none, in a line.
        """
        cells = [cell for _, _, cell in rows]
        try:
            return self._painted(cells)
        except Exception:  # of a million photos, one may find a mistake of ours: which one?
            return [self._alone(cell) for cell in cells]

    def _alone(self, cell: Any) -> tuple[bytes | None, str | None]:
        try:
            return self._painted([cell])[0]
        except Exception as error:
            return None, f"{type(error).__name__}: {error}"

    def _painted(self, cells: list[Any]) -> list[tuple[bytes | None, str | None]]:
        done = self.painter({"bytes": cells})
        contents = [one["bytes"] if isinstance(one, dict) else one for one in done["bytes"]]
        return list(zip(contents, done["error"], strict=True))

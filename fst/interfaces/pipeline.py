"""A style for pipelines: columns of encoded pictures in, the same columns painted out."""

import os
from collections.abc import Mapping
from typing import Any

import torch

from fst.choices import MAX_PIXELS
from fst.errors import InputError
from fst.image.io import encode_image
from fst.image.picture import Picture
from fst.inference.control import Control
from fst.inference.encoded import paint_encoded
from fst.inference.options import check_names
from fst.interfaces.columns import ERROR, cells_of, has_column, is_nothing, picture_of, with_columns
from fst.interfaces.conversion import Given
from fst.interfaces.loaded_once import Running, loaded, source_of
from fst.interfaces.own_modes import own_modes
from fst.system.checks import one_of, optional, switch, text, whole_number

FORMATS = {"jpeg": "JPEG", "png": "PNG", "webp": "WEBP"}
"""What is written: as it is asked for -> PIL's name."""


class Painter:
    """Paints the pictures of a pipeline, a batch of rows at a time.

    It can be pickled, and holds plain values only: the style's net travels with it, as bytes, and
    is built at the first call in a process, once for all painters of that style.

    ::

        painter = fst.Painter("monet", size=512)
        painter({"id": [7], "bytes": [photo]})  # {"id": [7], "bytes": [painted], "error": [None]}

    The style is found, and what is wrong with the options said, when a painter is made.

    Args:
        style: as for :func:`fst.load`; painted in one pass.
        size: long side in pixels to paint at; None is the photo's own.
        strength: from 0, the photo, to 1.
        preserve_color: ``"luma"``, ``"lab"`` or ``"histogram"``.
        upsample: ``"guided"`` or ``"bicubic"``: back to the photo's size.
        seamless: make the results tile the plane.
        column: the pictures' name among the columns.
        format: of the results, one of :data:`FORMATS`.
        quality: of JPEG and WebP, 1 to 100.
        max_pixels: refuse larger photos.
        keep_location: results tell where the photo was taken.
        threads: that torch computes with in the process that paints; None leaves them.
        device: as for :func:`fst.load`, on the computer that paints; so are the next ones.
        precision: of convolutions.
        memory: that a pass may take.
        backend: that runs the net.
        margin: beyond the photo's border.
        checkpoints: the folder of trained styles.
        stroke_size: pixels, or a word.
        style_weight: of a painting.
        carry: pickle the net with the painter. Without, the style is looked for where it is
            painted, by the same name or path. A painting whose strokes fit each photo's size
            is not carried: ``size`` or ``stroke_size`` makes one net of it.
        others: nothing; a name that is no option is told with those that come close.

    Raises:
        FstError: no such style or option, a value out of its range, a style without a net.
    """

    def __init__(
        self,
        style: str | os.PathLike[str] | Given,
        *,
        size: int | None = None,
        strength: float = 1.0,
        preserve_color: str | None = None,
        upsample: str | None = None,
        seamless: bool = False,
        column: str = "bytes",
        format: str = "jpeg",
        quality: int = 95,
        max_pixels: int = MAX_PIXELS,
        keep_location: bool = False,
        threads: int | None = None,
        device: str = "auto",
        precision: str = "auto",
        memory: int | str | None = None,
        backend: str = "auto",
        margin: int | None = None,
        checkpoints: str | os.PathLike[str] | None = None,
        stroke_size: int | str | None = None,
        style_weight: float | None = None,
        carry: bool = True,
        **others: Any,
    ) -> None:
        check_names(others, OPTIONS)
        self.control = Control(strength, preserve_color, size, upsample, seamless=seamless)
        self.column = text("column", column)
        if column == ERROR:
            raise InputError(f"column {ERROR!r} says why a photo was not painted: name another")
        self.kind = FORMATS[one_of("format", format, tuple(FORMATS))]
        self.quality = whole_number("quality", quality, 1, 100)
        self.max_pixels = whole_number("max_pixels", max_pixels, 1)
        self.keep_location = switch("keep_location", keep_location)
        self.threads = optional(whole_number, "threads", threads, 1)
        self.running = Running(
            str(device), precision, memory, backend, margin, self.control.seamless, stroke_size,
            style_weight,
        )  # fmt: skip
        carry = switch("carry", carry)
        self.source = source_of(style, checkpoints, self.running, self.control.size, carry)

    def __call__(self, columns: Any) -> Any:
        """The columns with the pictures painted, and why those that are not could not be.

        Args:
            columns: name -> column (a list, array or series), a pandas DataFrame or a table of
                pyarrow's. The cells of :attr:`column` are the bytes of pictures' files, or what
                :func:`~fst.interfaces.columns.picture_of` takes.

        Returns:
            The same kind, the other columns as they came. Pictures are encoded; one that could not
            be painted is None, with a line on it in the column ``"error"``, where others are None.

        Raises:
            InputError: there is no such column.
            FstError: the style or an option can't be used on this computer.
        """
        cells = cells_of(columns, self.column)
        if self.threads is not None and torch.get_num_threads() != self.threads:
            torch.set_num_threads(self.threads)
        stylizer = loaded(self.source, self.running)
        with own_modes(stylizer.device):
            made = paint_encoded(cells, stylizer, self.control, self._decoded, self._encoded)
        painted = [
            {**cell, "bytes": one.content} if isinstance(cell, Mapping) else one.content
            for cell, one in zip(cells, made, strict=True)
        ]
        errors = [one.error for one in made]
        if has_column(columns, ERROR):  # an earlier painter's: why there is no photo
            before = cells_of(columns, ERROR)
            errors = [
                why if error and isinstance(why, str) and is_nothing(cell) else error
                for cell, why, error in zip(cells, before, errors, strict=True)
            ]
        return with_columns(columns, {self.column: painted, ERROR: errors})

    def _decoded(self, cell: Any) -> Picture:
        return picture_of(cell, self.max_pixels)

    def _encoded(self, picture: Picture) -> bytes:
        return encode_image(picture, self.kind, self.quality, self.keep_location)


OPTIONS = tuple(
    name for name in Painter.__init__.__annotations__ if name not in ("others", "return")
)

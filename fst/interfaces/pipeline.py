"""A style for pipelines: columns of encoded pictures in, the same columns painted out."""

import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch

from fst.choices import MAX_PIXELS
from fst.errors import FstError, InputError, in_a_line
from fst.image.io import encode_image
from fst.image.limits import LARGEST
from fst.inference.control import Control, Layer, paint
from fst.inference.options import PassOptions, check_names
from fst.inference.pixel_options import PixelOptions
from fst.inference.stylizers import Stylizer, make_stylizer
from fst.inference.ways import asked_of_painting, check_used, way_of
from fst.interfaces.api import found_style
from fst.interfaces.columns import ERROR, cells_of, picture_of, with_columns
from fst.interfaces.conversion import PICTURES, Given, to_path
from fst.interfaces.own_modes import own_modes
from fst.styles.carried import CarriedStyle, carried, unpacked
from fst.styles.style import Style
from fst.system.checks import one_of, optional, switch, text, whole_number
from fst.system.device import pick_device, pick_precision
from fst.system.memory import is_out_of_memory, parse_memory

FORMATS = {"jpeg": "JPEG", "png": "PNG", "webp": "WEBP"}
"""What is written: as it is asked for -> PIL's name."""


class Painter:
    """Paints the pictures of a pipeline, a batch of rows at a time.

    It can be pickled, and holds plain values only: the style's net travels with it, as bytes, and
    is built at the first call in a process, once for all painters of that style.

    ::

        painter = fst.Painter("monet", size=512)
        painter({"id": [7], "bytes": [photo]})  # {"id": [7], "bytes": [painted], "error": [None]}
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
        """Finds the style; what is wrong with the options is said here.

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
        check_names(others, OPTIONS)
        self.control = Control(strength, preserve_color, size, upsample, seamless=seamless)
        self.column = text("column", column)
        self.kind = FORMATS[one_of("format", format, tuple(FORMATS))]
        self.quality = whole_number("quality", quality, 1, 100)
        self.max_pixels = whole_number("max_pixels", max_pixels, 1)
        self.keep_location = switch("keep_location", keep_location)
        self.threads = optional(whole_number, "threads", threads, 1)
        limit = parse_memory(memory) if isinstance(memory, str) else memory
        self.how = _How(
            str(device), one_of("precision", precision, ("auto", "fp32", "bf16")), limit, backend,
            margin, self.control.seamless, stroke_size, style_weight,
        )  # fmt: skip
        self.source = _source(style, checkpoints, self.how, self.control, switch("carry", carry))

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
        stylizer = self._stylizer()
        painted: list[Any] = []
        errors: list[str | None] = []
        with own_modes(stylizer.device):
            for cell in cells:
                content, error = self._painted(cell, stylizer)
                painted.append({**cell, "bytes": content} if isinstance(cell, Mapping) else content)
                errors.append(error)
        return with_columns(columns, {self.column: painted, ERROR: errors})

    def _painted(self, cell: Any, stylizer: Stylizer) -> tuple[bytes | None, str | None]:
        """One cell's picture, encoded; or why there is none."""
        try:
            photo = picture_of(cell, self.max_pixels)
            result = paint(photo, [Layer(stylizer)], self.control)
            return encode_image(result, self.kind, self.quality, self.keep_location), None
        except (FstError, OSError, RuntimeError, MemoryError) as problem:
            return None, _said(problem)

    def _stylizer(self) -> Stylizer:
        """The net of this process, ready to paint."""
        if self.threads is not None and torch.get_num_threads() != self.threads:
            torch.set_num_threads(self.threads)
        with _LOADING:
            return _loaded(self.source, self.how)


@dataclass(frozen=True)
class _How:
    """How a net is run; by these values nets are told apart in a process."""

    device: str
    precision: str
    memory: int | None
    backend: str
    margin: int | None
    seamless: bool
    stroke_size: int | str | None
    style_weight: float | None

    @property
    def of_pixels(self) -> PixelOptions:
        """What is asked of strokes."""
        return PixelOptions(style_size=self.stroke_size, style_weight=self.style_weight)  # type: ignore[arg-type]

    def of_pass(self, device: torch.device | None = None) -> PassOptions:
        """The options of a pass, on a device of this computer."""
        dtype = None if device is None else pick_precision(self.precision, device)
        seamless = self.seamless or None
        return PassOptions(device, dtype, self.memory, self.backend, self.margin, seamless)

    def asked(self) -> Mapping[str, Any]:
        """Of a net that is predicted from a painting."""
        return asked_of_painting("feedforward", 0, self.of_pixels.given()) or {}


@dataclass(frozen=True)
class _Source:
    """Where a process that paints has the style from.

    Attributes:
        key: what tells it from others.
        carried: its net.
        style: without: what it is found by.
        checkpoints: and in which folder.
    """

    key: str
    carried: CarriedStyle | None = None
    style: Any = None
    checkpoints: str | None = None

    def __hash__(self) -> int:
        return hash(self.key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Source) and self.key == other.key

    def found(self, how: _How, device: torch.device | str = "cpu") -> Style:
        """The style."""
        if self.carried is not None:
            return unpacked(self.carried, device)
        return _found(self.style, self.checkpoints, how, device)


def _source(given: Any, checkpoints: Any, how: _How, control: Control, carry: bool) -> _Source:
    """Finds the style, and checks that it takes the options."""
    style = given if isinstance(given, PICTURES) else to_path(given, "style")
    folder = None if checkpoints is None else to_path(checkpoints, "folder of checkpoints")
    if isinstance(style, str) and os.path.isfile(style):
        style = os.path.abspath(style)  # a process that paints may be in another folder
    folder = None if folder is None else os.path.abspath(folder)
    with own_modes(torch.device("cpu")):
        found = _found(style, folder, how)
        way, why = way_of(found, "feedforward")
        check_used([*how.of_pass().given(), *how.of_pixels.given()], {way: why})
        if carry and found.fitted is not None and control.size is not None:
            found = replace(found, trained=found.fitted(control.size), fitted=None)
        if carry and found.fitted is None:
            packed = carried(found)
            return _Source(packed.digest, packed)
    key = f"{style!r} {folder!r}" if isinstance(style, str) else os.urandom(8).hex()
    return _Source(key, None, style, folder)


def _found(
    style: Any, checkpoints: str | None, how: _How, device: torch.device | str = "cpu"
) -> Style:
    folder = None if checkpoints is None else Path(checkpoints)
    return found_style(style, folder, torch.device(device), how.asked(), "feedforward")


_LOADING = threading.Lock()


@lru_cache(maxsize=4)
def _loaded(source: _Source, how: _How) -> Stylizer:
    """Once per process, as long as few styles take turns."""
    device = pick_device(how.device)
    with own_modes(device):
        return make_stylizer(
            source.found(how, device), "feedforward", how.of_pass(device), how.of_pixels
        )


def _said(problem: Exception) -> str:
    """One line on a photo that failed; what is a mistake of ours is raised again."""
    if isinstance(problem, FstError):
        return in_a_line(problem)
    if isinstance(problem, OSError):
        return in_a_line(f"{problem.filename or 'the photo'}: {problem.strerror or problem}")
    if isinstance(problem, RuntimeError) and not is_out_of_memory(problem):
        raise problem
    return "out of memory: try a smaller size or memory"


OPTIONS = tuple(
    name for name in Painter.__init__.__annotations__ if name not in ("others", "return")
)

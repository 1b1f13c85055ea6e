"""What can be chosen of a file for another runtime."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from fst.choices import MARGIN
from fst.errors import InputError
from fst.inference.options import check_margin
from fst.styles.style import Style
from fst.system.checks import switch, whole_number


@dataclass(frozen=True)
class ExportOptions:
    """How a file is made; what a target has no use for is refused before it is asked to write.

    Attributes:
        name: of the file, without its suffix.
        margin: pixels by which a picture goes on beyond its border while it is painted.
        uint8: pictures come and go as bytes, ``(N, H, W, 3)``.
        half: half precision, in the way from which the runtime gains.
        int8: whole numbers of 8 bits, in the way from which the runtime gains.
        calibrate: photos that say how large the numbers inside of a net become; for ``int8``.
        size: width and height, for a target whose files are for pictures of one size, or of sizes
            up to one; None is the target's own.
        metadata: what the file says of itself, name -> text.
        runtime: for a page: ONNX Runtime for browsers, as npm packs it, or a folder with its files;
            None finds it, or fetches it once (:mod:`fst.inference.export.web_runtime`).

    Raises:
        InputError: a value out of its range, or two that don't go together.
    """

    name: str
    margin: int = MARGIN
    uint8: bool = False
    half: bool = False
    int8: bool = False
    calibrate: tuple[Path, ...] = ()
    size: tuple[int, int] | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    runtime: Path | None = None

    def __post_init__(self) -> None:
        check_margin("margin", self.margin)
        if self.size is not None:
            for side in self.size:
                whole_number("size", side, 1)
        for name in ("uint8", "half", "int8"):
            switch(name, getattr(self, name))
        if self.half and self.int8:
            raise InputError("half (--half) and int8 (--int8): give one of them")
        if self.calibrate and not self.int8:
            raise InputError("calibrate (--calibrate) is of no use without int8 (--int8)")

    @classmethod
    def of(cls, style: Style, margin: int | None = None, **chosen: Any) -> Self:
        """Those of a style: its name, and the margin that its net needs where none is given.

        Raises:
            InputError: as above.
            CheckpointError: the style has no net.
        """
        return cls(style.name, style.net().margin if margin is None else margin, **chosen)

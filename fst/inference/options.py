"""What can be chosen when photos are painted, as values that check themselves.

:class:`PassOptions` are a pass's; the optimization's are
:class:`~fst.inference.pixel_options.PixelOptions`. None is "not chosen": the method's own default.
An option that a method has no use for is an error (:func:`fst.inference.ways.check_used`), so that
nobody waits for what was asked and not done.

Torch is not imported here: a command line can be read, and refused, without it.
"""

import difflib
from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from fst.choices import BACKENDS, MARGINS, STROKES
from fst.errors import InputError
from fst.system.checks import one_of, stepped, switch, whole_number

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class PassOptions:
    """How a net is run over a photo.

    Attributes:
        device: to compute on, also for the optimization; None is the CPU.
        dtype: of convolutions, also for the optimization; None is float32.
        memory: how many bytes a pass may take besides photo and net; None takes what is free,
            within limits (:class:`~fst.inference.painter.NetPainter`).
        backend: what runs the net, one of :data:`fst.choices.BACKENDS`; None or ``"auto"`` picks.
        margin: pixels, a multiple of 4 up to 256, by which a photo goes on beyond its border while
            it is painted; None is what the style needs
            (:func:`fst.styles.description.margin_of`), and 0 for a pass that is refined or tiles.
        circular: paint so that the output tiles the plane; None is no.

    Raises:
        InputError: a value out of its range, or two that don't go together.
    """

    device: "torch.device | None" = None
    dtype: "torch.dtype | None" = None
    memory: int | None = None
    backend: str | None = None
    margin: int | None = None
    circular: bool | None = None

    def __post_init__(self) -> None:
        check_each(self, ("memory",), whole_number, 1)
        check_each(self, ("backend",), one_of, ("auto", *BACKENDS))
        check_each(self, ("circular",), switch)
        check_each(self, ("margin",), check_margin)
        if self.backend == "auto":
            set_value(self, "backend", None)
        set_value(self, "circular", self.circular or None)
        if self.circular and self.margin:
            raise InputError(
                "margin does not go with circular (--seamless): what tiles has no border"
            )
        if self.circular and self.backend not in (None, "eager"):
            raise InputError(
                f"backend {self.backend} does not go with circular (--seamless): only eager tiles"
            )

    def given(self) -> dict[str, Any]:
        """The options of a pass that were chosen, by name; device and dtype are for all."""
        return {name: value for name, value in given(self).items() if name in OF_PASS}


OF_PASS = ("memory", "backend", "margin", "circular")


def check_names(names: Iterable[str], known: Iterable[str]) -> None:
    """Refuses what is no option at all.

    Raises:
        InputError: names what comes close.
    """
    known = sorted(known)
    for name in names:
        if name not in known:
            close = difflib.get_close_matches(str(name), known) or known
            raise InputError(f"no option {str(name)!r}: there is {', '.join(close)}")


def check_margin(name: str, value: int) -> int:
    """``value``, once it is known to be a margin: the nets halve twice, so a multiple of 4 pixels.

    Raises:
        InputError: it is none.
    """
    return stepped(name, value, MARGINS)


def check_strokes(name: str, value: object) -> int | str:
    """``value``, once it is known to be a size of strokes: pixels, or a word.

    Raises:
        InputError: it is none.
    """
    name = name.replace("style_size", "stroke_size")  # as it is usually typed
    if isinstance(value, str):
        return one_of(name, value, tuple(STROKES))
    try:
        return whole_number(name, value, 16)
    except InputError as error:
        raise InputError(f"{error}, or one of {', '.join(STROKES)}") from error


def listed(given: Any) -> list[Any]:
    """What may be given once or several times, as a list; None is none."""
    if given is None:
        return []
    return list(given) if isinstance(given, list | tuple) else [given]


def check_each(options: object, names: tuple[str, ...], check: Any, *limits: Any) -> None:
    """Checks those that were chosen; a NumPy number becomes Python's."""
    for name in names:
        if (value := getattr(options, name)) is not None:
            set_value(options, name, check(name, value, *limits))


def set_value(options: object, name: str, value: object) -> None:
    """Sets a field while the value is made."""
    object.__setattr__(options, name, value)  # frozen for everybody else


def given(options: Any) -> dict[str, Any]:
    """The fields of a value of options that were chosen, by name."""
    values = {field.name: getattr(options, field.name) for field in fields(options)}
    return {name: value for name, value in values.items() if value is not None}

"""What can be chosen when photos are painted, as values that check themselves.

:class:`PassOptions` are a pass's, :class:`PixelOptions` the optimization's. None is "not chosen":
the method's own default. An option that a method has no use for is an error
(:func:`fst.inference.ways.check_used`), so that nobody waits for what was asked and not done.

Torch is not imported here: a command line can be read, and refused, without it.
"""

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from fst.choices import BACKENDS, INITS, OPTIMIZERS, POOLINGS, STROKES
from fst.errors import InputError
from fst.optimization.presets import PRESETS
from fst.system.checks import number, one_of, switch, text, whole_number

if TYPE_CHECKING:
    import torch
    from torch import Tensor

SEEDS = (-(2**63), 2**64 - 1)
"""The least and the greatest that torch's generators take."""


@dataclass(frozen=True)
class PassOptions:
    """How a net is run over a photo.

    Attributes:
        device: to compute on, also for the optimization; None is the CPU.
        dtype: of convolutions, also for the optimization; None is float32.
        memory: how many bytes a pass may take besides photo and net; None takes what is free,
            within limits (:class:`~fst.inference.painter.Painter`).
        backend: what runs the net, one of :data:`fst.choices.BACKENDS`; None or ``"auto"`` picks.
        margin: pixels, a multiple of 4 up to 256, by which a photo goes on beyond its border while
            it is painted; None is :data:`fst.choices.MARGIN`, and 0 for a pass that is refined or
            tiles.
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
        _check(self, ("memory",), whole_number, 1)
        _check(self, ("backend",), one_of, ("auto", *BACKENDS))
        _check(self, ("circular",), switch)
        _check(self, ("margin",), check_margin)
        if self.backend == "auto":
            _set(self, "backend", None)
        _set(self, "circular", self.circular or None)
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
        return {name: value for name, value in _given(self).items() if name in OF_PASS}


@dataclass(frozen=True)
class PixelOptions:
    """How the pixels of a photo are optimized, and for which loss.

    Attributes:
        preset: one of :data:`~fst.optimization.presets.PRESETS`; None is ``"gatys"``.
        iterations: at least 1; None is the preset's, or else 500.
        optimizer: ``"lbfgs"`` or ``"adam"``.
        learning_rate: above 0.
        init: ``"photo"``, ``"noise"``, ``"blend"``, or a picture of the photo's shape.
        seed: of the noise; a whole number.
        clamp: bring the pixels back to [0, 1] after every step; with adam.
        style_size: long side of the painting in pixels, at least 16: the size of the strokes; of a
            pass also a word, one of :data:`fst.choices.STROKES`.
        content_weight: at least 0, and so are ``style_weight`` and ``tv_weight``.
        pooling: of VGG-19, ``"max"`` or ``"avg"``.
        weights: of VGG-19, as for :class:`~fst.loss_networks.vgg.VGG19`.
        content_layers: layer name -> weight, and so are ``style_layers``.
        normalization: as for :class:`~fst.losses.perceptual.PerceptualLoss`.

    Raises:
        InputError: a value of another kind or out of its range, or two that don't go together.
    """

    preset: str | None = None
    iterations: int | None = None
    optimizer: str | None = None
    learning_rate: float | None = None
    init: "str | Tensor | None" = None
    seed: int | None = None
    clamp: bool | None = None
    style_size: int | str | None = None
    content_weight: float | None = None
    style_weight: float | None = None
    tv_weight: float | None = None
    pooling: str | None = None
    weights: str | None = None
    content_layers: Mapping[str, float] | None = None
    style_layers: Mapping[str, float] | None = None
    normalization: str | None = None

    def __post_init__(self) -> None:
        _check(self, ("preset",), one_of, tuple(PRESETS))
        _check(self, ("optimizer",), one_of, OPTIMIZERS)
        if not hasattr(self.init, "shape"):  # a picture's shape is checked with the photo
            _check(self, ("init",), one_of, INITS)
        _check(self, ("pooling",), one_of, POOLINGS)
        _check(self, ("clamp",), switch)
        _check(self, ("iterations",), whole_number, 1)
        _check(self, ("style_size",), check_strokes)
        _check(self, ("seed",), whole_number, *SEEDS)
        _check(self, ("content_weight", "style_weight", "tv_weight"), number, 0)
        _check(self, ("learning_rate",), number, None, None, 0)
        _check(self, ("weights", "normalization"), text)
        _check(self, ("content_layers", "style_layers"), _layers)
        if self.clamp and self.optimization()["optimizer"] != "adam":
            raise InputError("clamp goes with optimizer adam only")

    def given(self) -> dict[str, Any]:
        """The options that were chosen, by name."""
        return _given(self)

    def loss(self) -> dict[str, Any]:
        """Those of the loss, over the preset's: arguments of a ``PerceptualLoss``."""
        preset = PRESETS[self.preset or "gatys"].loss
        return {**preset, **{name: value for name, value in self.given().items() if name in LOSS}}

    def optimization(self) -> dict[str, Any]:
        """Those of the search, over the preset's: arguments of ``optimize``."""
        defaults = {"optimizer": OPTIMIZERS[0], **PRESETS[self.preset or "gatys"].optimize}
        chosen = {name: value for name, value in self.given().items() if name in SEARCH}
        if chosen.get("optimizer", defaults["optimizer"]) != defaults["optimizer"]:
            for name in ("learning_rate", "clamp"):  # another optimizer's
                defaults.pop(name, None)
        return {**defaults, **chosen}


LOSS = (
    "content_weight", "style_weight", "tv_weight", "pooling", "weights", "content_layers",
    "style_layers", "normalization",
)  # fmt: skip
SEARCH = ("iterations", "optimizer", "learning_rate", "init", "seed", "clamp")

OF_PASS = ("memory", "backend", "margin", "circular")
OF_PIXELS = tuple(field.name for field in fields(PixelOptions))


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
    if value not in range(0, 257, 4):
        raise InputError(f"a margin is 0, 4, 8 ... or 256 pixels, not {value!r}")
    return whole_number(name, value)


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


def _layers(name: str, value: object) -> Mapping[str, float]:
    if isinstance(value, Mapping):
        return value
    raise InputError(f"{name} must map layers to weights, not {value!r}")


def _check(options: object, names: tuple[str, ...], check: Any, *limits: Any) -> None:
    """Checks those that were chosen; a NumPy number becomes Python's."""
    for name in names:
        if (value := getattr(options, name)) is not None:
            _set(options, name, check(name, value, *limits))


def _set(options: object, name: str, value: object) -> None:
    object.__setattr__(options, name, value)  # frozen for everybody else


def _given(options: "PassOptions | PixelOptions") -> dict[str, Any]:
    values = {field.name: getattr(options, field.name) for field in fields(options)}
    return {name: value for name, value in values.items() if value is not None}

"""The front door: a photo and a style in, a painted picture out.

A style that has a net, trained or predicted from its painting, is painted in one pass; one that has
only a painting is optimized.
"""

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any

import torch
from torch import Tensor

from fst.assets import checkpoint_folders
from fst.errors import InputError
from fst.image.picture import MIN_SIDE
from fst.inference.backends import pick_backend
from fst.inference.optimizing import OnIterate, OptimizingStylizer, last, optimizing
from fst.inference.options import PassOptions
from fst.inference.painter import NetPainter
from fst.inference.pixel_options import SEARCH, PixelOptions
from fst.inference.small import at_least, within
from fst.inference.starts import Start
from fst.inference.strips.held import HeldMoments
from fst.inference.strokes import Strokes, learned_size
from fst.inference.ways import asked_of_painting, check_used, way_of
from fst.losses.perceptual import PerceptualLoss
from fst.nets.needs import has_stages
from fst.optimization.pixels import Iterate, optimize
from fst.styles.objective import load_objective
from fst.styles.predicted import fitting_size, with_prediction
from fst.styles.style import Style
from fst.styles.trained import TrainedStyle


@dataclass
class FeedForwardStylizer:
    """Paints in one pass with a trained net.

    The other attributes are those of :class:`~fst.inference.painter.NetPainter`.
    """

    style: TrainedStyle
    device: torch.device
    dtype: torch.dtype = torch.float32
    memory: int | None = None
    circular: bool = False
    backend: str = "eager"
    margin: int = 0
    strokes: Strokes | None = None
    """Another size of the strokes than the net has learned."""
    held: HeldMoments | None = None
    """Of a clip's frames; see :class:`~fst.inference.painter.NetPainter`."""

    def __post_init__(self) -> None:
        _ = self.painter  # what it can't do is told at once

    @cached_property
    def painter(self) -> NetPainter:
        """What runs the net."""
        return self._painter(self.style)

    def _painter(self, style: TrainedStyle) -> NetPainter:
        return NetPainter(
            style.net, self.dtype, self.memory, self.circular, self.backend, self.margin
        )

    @property
    def has_stages(self) -> bool:
        """Whether its net says them, so that it can tile, and be run by other backends."""
        return self.painter.stages is not None

    def several(self, height: int, width: int) -> int:
        """How many photos of a size are best painted in one call; 1 where that gains nothing."""
        return 1 if self.strokes else self.painter.several(height, width, self.device)

    @property
    def holds(self) -> bool:
        """Whether its norms can be held over the frames of a clip."""
        return self.has_stages and (self.backend == "eager" or self.circular)

    def __call__(self, photo: Tensor, on_iterate: OnIterate | None = None) -> Tensor:
        """``(N, 3, H, W)`` in [0, 1] to the same."""
        paint = partial(self.painter, held=self.held)
        if self.strokes is None:
            return paint(photo.to(self.device)).cpu()
        return self.strokes.painted(photo.to(self.device), paint, self.circular).cpu()


@dataclass
class FittingStylizer(FeedForwardStylizer):
    """Paints every photo with a net whose strokes fit its size, predicted when it is needed."""

    fitted: Callable[[int], TrainedStyle] = field(kw_only=True)
    """From the long side of a picture, in pixels, to its net."""

    def __post_init__(self) -> None:
        self._painters: dict[
            int, NetPainter
        ] = {}  # and none of the usual strokes, before it is asked

    @property
    def has_stages(self) -> bool:
        """Predicted nets are Johnson nets, and so is what is mixed with them."""
        return True

    def __call__(self, photo: Tensor, on_iterate: OnIterate | None = None) -> Tensor:
        """``(N, 3, H, W)`` in [0, 1] to the same."""
        return self._fitting(max(photo.shape[2:]))(photo.to(self.device), self.held).cpu()

    def several(self, height: int, width: int) -> int:
        """As :class:`FeedForwardStylizer` says, of photos of one size."""
        return self._fitting(max(height, width)).several(height, width, self.device)

    def _fitting(self, long_side: int) -> NetPainter:
        size = fitting_size(long_side)
        if size not in self._painters:
            self._painters[size] = self._painter(self.fitted(size))
        return self._painters[size]


@dataclass
class RefiningStylizer:
    """Paints in one pass, and then optimizes the pixels of that, for the loss the net learned."""

    fast: FeedForwardStylizer
    loss: PerceptualLoss
    settings: dict[str, Any]
    """Keyword arguments of :func:`~fst.optimization.pixels.optimize`."""
    state: Mapping[str, Any] | None = None
    """Of an iterate: the next photo goes on behind that."""

    @property
    def device(self) -> torch.device:
        """Where both compute."""
        return self.fast.device

    def iterates(self, photo: Tensor) -> Generator[Iterate, None, None]:
        """Of a photo ``(1, 3, H, W)``, computed while they are taken; the first is the pass."""
        photo = photo.to(self.fast.device)
        wide, inside = at_least(photo, MIN_SIDE)
        image = self.fast(wide).to(photo.device) if self.state is None else wide
        settings = {**self.settings, "by_layer": True, "state": self.state}
        yield from within(optimize(self.loss, wide, init=image, **settings), inside)

    def __call__(self, photo: Tensor, on_iterate: OnIterate | None = None) -> Tensor:
        """``(1, 3, H, W)`` in [0, 1] to the same; ``on_iterate`` sees every iterate."""
        return last(self.iterates(photo), on_iterate)


Stylizer = FeedForwardStylizer | OptimizingStylizer | RefiningStylizer


def make_stylizer(
    style: Style,
    method: str = "auto",
    pass_options: PassOptions | None = None,
    pixel_options: PixelOptions | None = None,
    refine: int = 0,
) -> Stylizer:
    """What paints in ``style``.

    Args:
        style: from :func:`~fst.styles.catalog.find_style`.
        method: ``"feedforward"``, ``"optimize"``, or ``"auto"``: the former where there is a
            checkpoint, else the latter.
        pass_options: of a pass; where it is made for a device, the style's net has to be there.
        pixel_options: of the optimization.
        refine: iterations of the optimization that follow a pass, under the loss that the net was
            trained with.

    Raises:
        InputError: an unknown method; an option that this way of painting has no use for; refining
            or tiling without a checkpoint.
        CheckpointError: ``"feedforward"``, and the style has no checkpoint.
        AssetError: the painting or VGG-19 can't be had.
    """
    of_pass, of_pixels = pass_options or PassOptions(), pixel_options or PixelOptions()
    way, why = way_of(style, method, refine)
    check_used([*of_pass.given(), *of_pixels.given()], {way: why})
    if way == "optimize":
        return optimizing(style, of_pass, of_pixels, lambda: _passed(style, of_pass, of_pixels))
    fast = _in_one_pass(style, of_pass, refine, of_pixels.style_size)
    if not refine:
        return fast
    weights = of_pixels.weights
    _, loss = load_objective(fast.style, fast.device, fast.dtype, style.picture, weights)
    search = {name: value for name, value in of_pixels.given().items() if name in SEARCH}
    return RefiningStylizer(fast, loss, {**search, "iterations": refine})


def _passed(style: Style, of_pass: PassOptions, of_pixels: PixelOptions) -> Start:
    """The start that the style's net paints, or the one that is predicted from its painting."""
    if style.paintings:
        raise InputError("init pass is painted for one painting: of several, take another start")
    # where a style was looked for in the usual folders, so is the any-painting net
    folder = None if style.searched == checkpoint_folders()[0] else style.searched
    size = of_pixels.style_size
    asked = asked_of_painting("feedforward", 0, {} if size is None else {"style_size": size})
    found = with_prediction(style, asked or {}, folder, of_pass.device or "cpu")
    if found.trained is None:
        raise InputError(
            f"init pass: {style.name!r} has no net, and there is no any-painting net "
            "(any.safetensors)"
        )
    fast = _in_one_pass(found, of_pass, 0, None)  # in the nearest strokes that the net has learned
    return Start(fast, passed=(found, fast))


def _in_one_pass(
    style: Style, options: PassOptions, refine: int, wanted: int | str | None
) -> FeedForwardStylizer:
    device, dtype = options.device or torch.device("cpu"), options.dtype or torch.float32
    trained = style.net()
    margin = 0 if refine else trained.margin
    fitted = None if refine else style.fitted  # what refines has one painting to compare with
    if options.circular:
        backend, margin = "eager", 0
    else:
        # other backends are given the net's stages, where it says them
        staged = fitted is not None or has_stages(trained.net)
        asked = options.backend or ("auto" if staged else "eager")
        backend = pick_backend(asked, device, dtype)
        margin = margin if options.margin is None else options.margin
    circular = bool(options.circular)
    how = (trained, device, dtype, options.memory, circular, backend, margin)
    if fitted is None:  # what refines paints in the strokes that it is going to be judged by
        learned = learned_size(style)
        as_learned = refine or wanted in (None, "small", learned)
        strokes = None if as_learned or wanted is None else Strokes(wanted, learned)
        return FeedForwardStylizer(*how, strokes)
    return FittingStylizer(*how, fitted=fitted)

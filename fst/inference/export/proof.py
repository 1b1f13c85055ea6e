"""Equal or refused: a written file paints what the net paints, or it is not kept."""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from torch import Tensor

from fst.errors import InputError
from fst.inference.export.pictures import photos_to_prove
from fst.inference.painter import NetPainter

SIZES = ((1, 256, 256), (1, 512, 384), (1, 1000, 704), (2, 332, 252))
"""Photos at a time, width and height."""

ODD = (2, 331, 250)
"""In place of the last, where sides may be of any length."""

FLOAT, WHOLE = 1.0, 2.0
"""Mean difference of a picture from the net's, of 255, that is still equal: of floats, of int8."""


@dataclass(frozen=True)
class Example:
    """Photos, and what the net makes of them.

    Attributes:
        photos: ``(N, 3, H, W)`` in [0, 1].
        painted: the same, by the net as it is.
    """

    photos: Tensor
    painted: Tensor

    @property
    def size(self) -> str:
        """As it is shown: ``512x384``, ``2 of 331x250``."""
        count, _, height, width = self.photos.shape
        return f"{width}x{height}" if count == 1 else f"{count} of {width}x{height}"


@dataclass(frozen=True)
class Check:
    """How a file did at a size.

    Attributes:
        size: as :attr:`Example.size` says it.
        difference: mean, of 255, from what the net paints.
        seconds: of a pass, after one before it.
    """

    size: str
    difference: float
    seconds: float


def examples(painter: NetPainter, sizes: Iterable[tuple[int, int, int]]) -> list[Example]:
    """What the net paints in float32, at every size.

    Args:
        painter: on a CPU, with the file's margin.
        sizes: photos at a time, width and height.
    """
    given = [photos_to_prove(count, height, width) for count, width, height in sizes]
    return [Example(photos, painter(photos)) for photos in given]


def prove(
    run: Callable[[Tensor], Tensor], known: Sequence[Example], bound: float, what: str
) -> list[Check]:
    """Runs a file on photos.

    Args:
        run: the file in its own runtime.
        known: what has to come of it.
        bound: mean difference of 255 that is allowed.
        what: is proved, for the message: ``"monet.onnx"``.

    Raises:
        InputError: it paints other pictures.
    """
    checks = []
    for example in known:
        run(example.photos)
        began = time.perf_counter()
        painted = run(example.photos)
        seconds = time.perf_counter() - began
        if painted.shape != example.painted.shape:
            raise InputError(
                f"{what} was not kept: at {example.size} it paints pictures of the shape "
                f"{tuple(painted.shape)}, expected {tuple(example.painted.shape)}"
            )
        apart = (painted.float() - example.painted).abs()  # of the worst of a batch
        difference = 255 * float(apart.mean((1, 2, 3)).max())
        if not difference <= bound:  # nor is what isn't finite
            raise InputError(
                f"{what} was not kept: at {example.size} its pictures differ from the net's by "
                f"{difference:.2f} of 255 in the mean, and {bound:g} is allowed"
            )
        checks.append(Check(example.size, difference, seconds))
    return checks

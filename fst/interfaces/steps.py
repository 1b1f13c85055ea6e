"""An optimization, step by step: how far it is, its losses, and the picture as it is by now."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Generic, NamedTuple, TypeVar

import torch

from fst.image.picture import Picture
from fst.inference.control import Control, Layer, prepared
from fst.inference.iterates import steps_of
from fst.inference.masks import Mask
from fst.inference.optimizing import (
    OptimizingStylizer,
    finished,
)
from fst.inference.stylizers import RefiningStylizer
from fst.interfaces.own_modes import in_memory, own_modes
from fst.optimization.pixels import Iterate

Photo = TypeVar("Photo")


class Losses(NamedTuple):
    """The weighted terms of the objective, as numbers."""

    content: float
    style: float
    tv: float

    @property
    def total(self) -> float:
        """Their sum, which is made small."""
        return self.content + self.style + self.tv


@dataclass(frozen=True)
class Step(Generic[Photo]):
    """Where an optimization is.

    Attributes:
        number: how many iterations are done; 0 is what it begins with: the photo, noise, a pass.
        of: how many there will be.
        losses: of the picture; None where nothing is painted, at strength 0 or under a black mask.
            Of averaged iterates they are those of the newest pixels, and at the end the average's.
        layers: every layer's part of them, by names as ``"content/relu4_2"``, ``"style/relu1_1"``.
        last: nothing follows, be it that a tolerance was reached before ``of`` iterations.
    """

    number: int
    of: int
    losses: Losses | None
    layers: Mapping[str, float]
    last: bool
    _make: Callable[[], Photo] = field(repr=False)

    @cached_property
    def picture(self) -> Photo:
        """As the result would be, were this the last iteration; made when it is first asked for."""
        return self._make()


def steps(
    picture: Picture,
    stylizer: OptimizingStylizer | RefiningStylizer,
    mask: Mask | None,
    control: Control,
    every: int,
    back: Callable[[Picture], Photo],
) -> Iterator[Step[Photo]]:
    """The steps of one photo, computed while they are taken.

    Args:
        picture: the photo.
        stylizer: that paints it.
        mask: where; None is everywhere.
        control: what is done with what was painted.
        every: so many iterations lie between two steps; the first and the last come in any case.
        back: makes the caller's kind of picture.
    """
    of = steps_of(stylizer)
    with _in_turn(stylizer.device):
        canvas = prepared(picture, [Layer(stylizer, mask)], control)
        iterates = stylizer.iterates(canvas.small)

    def step(iterate: Iterate) -> Step[Photo]:
        def made() -> Photo:
            with _in_turn(stylizer.device):
                rgb = canvas.mixed(canvas.photo, finished(iterate), canvas.parts[0])
                return back(replace(canvas.result, rgb=rgb))

        losses = Losses(*(float(term) for term in iterate.terms))
        layers = {name: float(part) for name, part in iterate.layers.items()}
        return Step(iterate.iteration, of, losses, layers, iterate.last, made)

    if not canvas.parts:
        yield Step(of, of, None, {}, True, lambda: back(canvas.result))
        return
    with closing(iterates):  # who leaves the loop ends the work
        while True:
            with _in_turn(stylizer.device):
                due = (i for i in iterates if i.iteration % every == 0 or i.last)
                iterate = next(due, None)
            if iterate is None:
                return
            yield step(iterate)


@contextmanager
def _in_turn(device: torch.device) -> Iterator[None]:
    """While it is our turn; when it is the caller's, torch's modes are the caller's again."""
    with own_modes(device), in_memory():
        yield

"""Paints the frames of a clip one after the other, so that what stands still is painted still.

Either the last painted frame, moved along with what it shows, is mixed into this one
(:mod:`fst.inference.video.flow`), or the norms are held over time
(:mod:`fst.inference.strips.held`). Both begin anew at a cut (:mod:`fst.inference.video.cuts`).
"""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor

from fst.choices import STABLE
from fst.errors import InputError
from fst.image.picture import Picture
from fst.inference.control import Control, Layer, paint
from fst.inference.masks import Mask, read_mask
from fst.inference.optimizing import OnIterate
from fst.inference.strips.held import HeldMoments
from fst.inference.stylizers import FeedForwardStylizer, Stylizer
from fst.inference.video.cuts import Cuts
from fst.inference.video.flow import (
    Motion,
    Pixels,
    Values,
    as_fine,
    check_installed,
    fitted,
    is_installed,
    mixed,
    motion,
)
from fst.system.checks import one_of


class SteadyPainter:
    """Paints the frames of one clip, in their order.

    Args:
        layers: one style, or several with a mask each, as for :func:`~fst.inference.control.paint`.
        control: likewise; None paints at the frame's size and full strength. May be replaced
            between frames.
        stable: one of :data:`~fst.choices.STABLE`.

    Raises:
        InputError: an unknown word; norms of what can't hold them; OpenCV is not installed.
    """

    def __init__(
        self, layers: Sequence[Layer], control: Control | None = None, stable: str = "auto"
    ) -> None:
        one_of("stable", stable, STABLE)
        self.control = control or Control()
        self.holds, self.flows = _measures(layers, self.control, stable)
        self.steady = [_Steady(layer.stylizer, self.holds, self.flows) for layer in layers]
        self.layers = [
            # painting asks nothing else of a stylizer than that it paints
            Layer(cast(Stylizer, steady), _of_clip(layer.mask))
            for steady, layer in zip(self.steady, layers, strict=True)
        ]
        self.cuts = Cuts()
        self.last: Pixels | None = None
        """The last frame itself, at the size at which motion is looked for."""
        self.size: tuple[int, int] | None = None
        """Of the last frame."""

    def __call__(self, picture: Picture) -> Picture:
        """The next frame, painted.

        Raises:
            InputError: as for :func:`~fst.inference.control.paint`.
        """
        if not (self.holds or self.flows):
            return paint(picture, self.layers, self.control)
        if self.size != picture.size:  # masks and strokes are others
            self.reset()
        self.size = picture.size
        cut = self.cuts(picture.rgb)
        if cut:
            self._begin()
        moved = self._motion(picture.rgb) if self.flows else None
        for steady in self.steady:
            steady.motion = moved
        result = paint(picture, self.layers, self.control)
        for steady in self.steady:
            steady.next_frame()
        return result

    def _motion(self, rgb: Tensor) -> Motion | None:
        """What moved since the last frame; None where there is none to look back at."""
        pixels = rgb[0].permute(1, 2, 0).mul(255).round().clamp(0, 255).byte().cpu().numpy()
        last, self.last = self.last, fitted(np.ascontiguousarray(pixels))
        return None if last is None else motion(last, self.last)

    def _begin(self) -> None:
        self.last = None
        for steady in self.steady:
            steady.reset()

    def reset(self) -> None:
        """Begins anew, as before the first frame."""
        self.cuts = Cuts()
        self.size = None
        self._begin()

    def state(self) -> dict[str, Tensor]:
        """All that the next frame looks back at, on the CPU; for :meth:`restore`."""
        state: dict[str, Tensor] = {}
        if self.size is None or self.cuts.small is None:
            return state
        state["size"] = torch.tensor(self.size)
        state["small"] = torch.from_numpy(self.cuts.small)
        state["alike"] = torch.tensor(self.cuts.alike, dtype=torch.float64)
        if self.last is not None:
            state["last"] = torch.from_numpy(self.last)
        for number, steady in enumerate(self.steady):
            state |= {f"layer.{number}.{key}": value for key, value in steady.state().items()}
        return state

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Goes on from what :meth:`state` gave, to the bit."""
        self.reset()
        if not state:
            return
        width, height = state["size"].tolist()
        self.size = (width, height)
        self.cuts.small, self.cuts.alike = state["small"].numpy(), float(state["alike"])
        self.last = state["last"].numpy() if "last" in state else None
        for number, steady in enumerate(self.steady):
            start = f"layer.{number}."
            steady.restore({k[len(start) :]: v for k, v in state.items() if k.startswith(start)})


def _of_clip(mask: Path | Picture | Mask | None) -> Mask | None:
    """A mask that is read once for all frames, and whose messages tell of a clip."""
    if mask is None:
        return None
    return replace(mask if isinstance(mask, Mask) else read_mask(mask), of="the clip")


@dataclass
class _Steady:
    """A stylizer that looks back at the last frame.

    What it paints is made steady before strength, colors and masks: mixed with the photo
    afterwards, the photo's own part is this frame's alone and has no ghosts, whatever moves.
    """

    stylizer: Stylizer
    holds: bool
    flows: bool
    motion: Motion | None = None

    def __post_init__(self) -> None:
        self.held: HeldMoments | None = None
        if self.holds and isinstance(self.stylizer, FeedForwardStylizer) and self.stylizer.holds:
            self.held = HeldMoments()
            # one of its own, of the same painter: photos and other layers hold nothing of this
            self.stylizer = copy.copy(self.stylizer)
            self.stylizer.held = self.held
        self.last: Values | None = None
        self.coming: Values | None = None

    def __call__(self, photo: Tensor, on_iterate: OnIterate | None = None) -> Tensor:
        """``(1, 3, H, W)`` in [0, 1] to the same."""
        painted = self.stylizer(photo, on_iterate)
        if not self.flows:
            return painted
        shown: Values = np.ascontiguousarray(painted[0].permute(1, 2, 0).numpy())
        self.coming = shown
        if self.motion is not None and self.last is not None and self.last.shape == shown.shape:
            self.coming = mixed(shown, self.last, self.motion)
            shown = as_fine(self.coming, shown)
        return torch.from_numpy(shown).permute(2, 0, 1)[None].contiguous()

    def next_frame(self) -> None:
        """Ends a frame; where this was not painted in it, there is nothing to look back at."""
        self.last, self.coming, self.motion = self.coming, None, None
        if self.held is not None:
            self.held.next_frame()

    def reset(self) -> None:
        self.last = self.coming = self.motion = None
        if self.held is not None:
            self.held.reset()

    def state(self) -> dict[str, Tensor]:
        state: dict[str, Tensor] = {} if self.held is None else self.held.state()
        return state if self.last is None else {**state, "last": torch.from_numpy(self.last)}

    def restore(self, state: Mapping[str, Tensor]) -> None:
        if self.held is not None:
            self.held.restore({key: value for key, value in state.items() if key != "last"})
        self.last = state["last"].numpy() if "last" in state else None


def _measures(layers: Sequence[Layer], control: Control, stable: str) -> tuple[bool, bool]:
    """Whether norms are held, and whether the last frame is mixed in.

    Not both: beside flow, held norms gain next to nothing, and flow goes with whatever paints
    (docs/log.md).
    """
    if stable == "norms":
        for layer in layers:
            _check_holds(layer.stylizer)
    if stable == "flow":
        check_installed()
        if control.seamless:
            raise InputError(
                "stable flow (--stable flow) does not go with seamless: what moves out at one side "
                "does not come in at the other; take norms"
            )
    taken = measure_taken(stable, control)
    return taken == "norms", taken == "flow"


def measure_taken(stable: str, control: Control) -> str:
    """What ``"auto"`` is on this machine; every other word of :data:`~fst.choices.STABLE` itself.

    A record has this, not ``"auto"``: a painting must not go on otherwise than it was begun, only
    because OpenCV was installed meanwhile.
    """
    if stable != "auto":
        return stable
    return "flow" if is_installed() and not control.seamless else "norms"


def _check_holds(stylizer: Any) -> None:
    if not isinstance(stylizer, FeedForwardStylizer):
        raise InputError(
            "stable norms (--stable norms) needs a style that is painted in one pass: what is "
            "optimized has no norms to hold; take flow"
        )
    if stylizer.holds:
        return
    if stylizer.backend != "eager":
        raise InputError(
            f"stable norms (--stable norms) needs the backend eager, not {stylizer.backend}: "
            "others gather no statistics apart from the pass; take flow, or that backend"
        )
    raise InputError(
        "stable norms (--stable norms) needs a net that says its stages, which a "
        f"{type(stylizer.style.net).__name__} does not; take flow"
    )

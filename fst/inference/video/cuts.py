"""Where a clip's next scene begins: a frame that shows nothing of what the last one showed.

Frames are compared small, by their shapes alone: brightness and contrast may change, as under a
flash, and all may move, as in a fast pan. In 23 clips (docs/log.md) that tells cuts from motion:
frames of different scenes are alike by 0.3 in the mean, and 98 % of them by less than
:data:`ALIKE`; frames of one scene by 0.6 and more, where no fast pan lost frames.
"""

import numpy as np
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

SIZE = (48, 64)
"""Height and width at which frames are compared."""

ALIKE = 0.45
"""Below it, of 1, a scene may begin."""

DROP = 0.6
"""It does where frames are less alike than the two before by this factor: not within a fast pan."""

NOISE = (4.0, 2.0)
"""Deviation, of 255, of pixels and of edges that may be noise: black frames are all alike."""

Gray = NDArray[np.float64]


class Cuts:
    """Looks at one frame after the other.

    Attributes:
        small: the last frame, :data:`SIZE`; None before the first.
        alike: how much it was like the one before it.
    """

    def __init__(self) -> None:
        self.small: Gray | None = None
        self.alike = 1.0

    def __call__(self, rgb: Tensor) -> bool:
        """Whether a frame ``(1, 3, H, W)`` in [0, 1] begins a scene; the first of all does."""
        gray = F.interpolate(rgb.float().mean(1, keepdim=True), SIZE, mode="area")
        small: Gray = 255 * gray[0, 0].double().cpu().numpy()
        last, self.small = self.small, small
        if last is None:
            return True
        before, self.alike = self.alike, likeness(last, small)
        cut = self.alike < min(ALIKE, DROP * before)
        if cut:
            self.alike = 1.0
        return bool(cut)


def likeness(last: Gray, now: Gray) -> float:
    """How much two small frames show the same shapes, wherever they moved: 1 is all of them."""
    edges = _likeness(_edges(last), _edges(now), NOISE[1])
    return (_likeness(last, now, NOISE[0]) + edges) / 2


def _likeness(first: Gray, second: Gray, noise: float) -> float:
    """The largest correlation over all shifts (around the border); what is even is alike."""
    first, second = first - first.mean(), second - second.mean()
    spectrum = np.fft.rfft2(first) * np.fft.rfft2(second).conj()
    product = np.fft.irfft2(spectrum, first.shape).max() / first.size
    spread = (np.square(first).mean() + noise**2) * (np.square(second).mean() + noise**2)
    return float((product + noise**2) / np.sqrt(spread))


def _edges(gray: Gray) -> Gray:
    """The strength of the edges."""
    return np.hypot(np.diff(gray, axis=0)[:, :-1], np.diff(gray, axis=1)[:-1])

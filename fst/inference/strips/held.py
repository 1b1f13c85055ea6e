"""Moments that are held over the frames of a clip, so that what they normalize does not pump.

Instance norm looks at one frame alone: where something bright comes into view, everything else is
painted otherwise. Held over time, a frame is normalized as if it hung among those before it.
"""

from collections.abc import Mapping

import torch
from torch import Tensor

NEW = 0.1
"""A frame's share of what is held, after the first ones: about the last ten frames count."""


class HeldMoments:
    """Mean and variance of every channel at every norm of a net, as exponential means over time.

    The mean of the first frames is plain: the second frame counts a half, the third a third, until
    the share is :data:`NEW`. Variances are those of all these frames as one picture, so they hold
    what the means differ by, too (the law of total variance). The mean of the variances alone has
    no bound: what comes into view after an even picture would be divided by nearly nothing.
    """

    def __init__(self) -> None:
        self.frames = 0
        self.moments: list[tuple[Tensor, Tensor]] = []
        self.coming: list[tuple[Tensor, Tensor]] = []

    def mixed(self, number: int, mean: Tensor, variance: Tensor) -> tuple[Tensor, Tensor]:
        """What a frame is normalized with.

        Args:
            number: of the norm, from 0, one after the other.
            mean: of the frame's own channels, ``(C,)``.
            variance: likewise.

        Returns:
            Mean and variance, ``(C,)`` each.
        """
        if self.moments:
            held, held_variance = (values.to(mean.device) for values in self.moments[number])
            new = max(NEW, 1 / (self.frames + 1))
            step = mean - held
            # written so that what does not change stays as it is, to the bit
            variance = held_variance + new * (variance - held_variance)
            variance = variance + new * (1 - new) * step.square()
            mean = held + new * step
        self.coming.append((mean, variance))
        return mean, variance

    def next_frame(self) -> None:
        """Ends a frame; where nothing was painted, nothing is held any more."""
        self.frames = self.frames + 1 if self.coming else 0
        self.moments, self.coming = self.coming, []

    def reset(self) -> None:
        """Begins anew, as after a cut."""
        self.frames, self.moments, self.coming = 0, [], []

    def state(self) -> dict[str, Tensor]:
        """All that goes on with the next frame; empty at the beginning."""
        if not self.moments:
            return {}
        state = {"frames": torch.tensor(self.frames)}
        for number, (mean, variance) in enumerate(self.moments):
            state[f"mean.{number}"], state[f"variance.{number}"] = mean.cpu(), variance.cpu()
        return state

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Goes on from what :meth:`state` gave."""
        self.reset()
        if state:
            self.frames = int(state["frames"])
            norms = range(sum(name.startswith("mean.") for name in state))
            self.moments = [(state[f"mean.{n}"], state[f"variance.{n}"]) for n in norms]

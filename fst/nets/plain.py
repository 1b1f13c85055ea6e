"""A net as plain operations, for graph compilers and for files that other runtimes read."""

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fst.nets.stages import Stage

Norm = Callable[[Tensor, Tensor | None, Tensor | None, float], Tensor]
"""``(N, C, H, W)``, scale and shift ``(C,)``, and what is added to a variance: to the same."""


def as_instance_norm(x: Tensor, scale: Tensor | None, shift: Tensor | None, eps: float) -> Tensor:
    """``(N, C, H, W)``, each channel of each picture to mean ``shift`` and deviation ``scale``."""
    return F.instance_norm(x, None, None, scale, shift, True, 0.0, eps)


class PlainNet(nn.Module):
    """A net's stages as a module of plain operations, for pictures whose sides are multiples of 4.

    After ``.half()`` the weights take half the room, and computed is in float32 all the same.

    Args:
        stages: of the net, in float32.

    Attributes:
        norm: what normalizes, where a runtime wants another form of it than instance norm.
    """

    def __init__(self, stages: Sequence[Stage]) -> None:
        super().__init__()
        self.norm: Norm = as_instance_norm
        self.stages = list(stages)
        for number, stage in enumerate(stages):
            weight, bias = stage.weight.contiguous(), stage.bias
            if stage.spread in ("interleave", "blocks"):  # place by place, not as pixel_shuffle's
                weight = _regroup(weight)
                bias = None if bias is None else _regroup(bias)
            self.register_buffer(f"weight_{number}", weight)
            self.register_buffer(f"bias_{number}", bias)
            if stage.norm is not None:
                self.register_buffer(f"scale_{number}", stage.norm.weight.detach().clone())
                self.register_buffer(f"shift_{number}", stage.norm.bias.detach().clone())

    def forward(self, x: Tensor) -> Tensor:
        """``(N, 3, H, W)`` in [0, 1] to the same."""
        kept = x
        for number, stage in enumerate(self.stages):
            weight, bias = self._kept(f"weight_{number}"), self._kept(f"bias_{number}")
            assert weight is not None
            x = F.pad(x, (stage.pad,) * 4, mode=stage.padding)
            x = F.conv2d(x, weight, bias, stage.stride)
            if stage.spread:
                x = F.pixel_shuffle(x, 2)
            if stage.spread == "interleave":
                x = x[:, :, 1:-1, 1:-1]
            if stage.norm is not None:
                scale, shift = self._kept(f"scale_{number}"), self._kept(f"shift_{number}")
                x = self.norm(x, scale, shift, stage.norm.eps)
            if stage.relu:
                x = F.relu(x)
            if stage.add:
                x = x + kept
            if stage.keep or stage.add:
                kept = x
        return torch.sigmoid(x)

    def _kept(self, name: str) -> Tensor | None:
        """A buffer; one that is kept in half precision is computed with in float32."""
        value: Tensor | None = getattr(self, name)
        return value.float() if value is not None and value.dtype == torch.float16 else value


def _regroup(values: Tensor) -> Tensor:
    """``(4 C, ...)``, four groups of C, to C groups of four."""
    return values.view(4, len(values) // 4, *values.shape[1:]).transpose(0, 1).flatten(0, 1)

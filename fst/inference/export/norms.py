"""Instance norm in the forms that other runtimes run best: the same numbers, other operations."""

import copy

import torch
import torch.nn.functional as F
from torch import Tensor

from fst.inference.export.exported import ExportedNet
from fst.nets.plain import Norm, as_instance_norm


def as_group_norm(x: Tensor, scale: Tensor | None, shift: Tensor | None, eps: float) -> Tensor:
    """One group for every channel: a kernel of ExecuTorch, where instance norm is none.

    As an instance norm it becomes a batch norm of pictures that are first repeated and reshaped.
    """
    return F.group_norm(x, x.shape[1], scale, shift, eps)


def as_means(x: Tensor, scale: Tensor | None, shift: Tensor | None, eps: float) -> Tensor:
    """Means over height and width, as they are: LiteRT's converter keeps channels last for them.

    Around a whole norm it transposes: 38 times in a net of 16 layers, where here it is 12.
    """
    apart = x - x.mean((2, 3), keepdim=True)
    factor = torch.rsqrt((apart * apart).mean((2, 3), keepdim=True) + eps)
    if scale is not None:
        factor = factor * scale[:, None, None]
    return apart * factor if shift is None else apart * factor + shift[:, None, None]


def with_norm(exported: ExportedNet, norm: Norm = as_instance_norm) -> ExportedNet:
    """A copy of the net that is normalized in another form, its weights in float32.

    A converter makes halves of them in its own way; what is kept as a half is one to the bit.
    """
    exported = copy.deepcopy(exported)
    exported.plain.float()
    exported.plain.norm = norm
    return exported.eval()

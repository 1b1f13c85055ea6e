"""One pass of a photo through a trained net."""

import torch
from torch import Tensor, nn


@torch.inference_mode()
def feedforward(net: nn.Module, photo: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
    """The photo as the net paints it.

    Args:
        net: a transformer net, on the photo's device.
        photo: ``(N, 3, H, W)``, RGB in [0, 1]; H and W at least 16.
        dtype: to run convolutions in, ``torch.float32`` or ``torch.bfloat16``.

    Returns:
        The same shape, float32 in [0, 1].
    """
    photo = photo.contiguous(memory_format=torch.channels_last)
    with torch.autocast(photo.device.type, torch.bfloat16, enabled=dtype == torch.bfloat16):
        painted: Tensor = net(photo)
    return painted.float()

"""How bright a color is to the eye: the one place where its weights stand."""

from torch import Tensor

LUMA = (0.299, 0.587, 0.114)
"""Of red, green and blue: ITU-R BT.601."""


def luma(images: Tensor) -> Tensor:
    """How bright ``(N, 3, H, W)`` is, by BT.601: ``(N, 1, H, W)``."""
    red, green, blue = (images[:, channel : channel + 1] for channel in range(3))
    return LUMA[0] * red + LUMA[1] * green + LUMA[2] * blue

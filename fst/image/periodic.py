"""Photos that tile the plane."""

import torch
import torch.nn.functional as F
from torch import Tensor

from fst.image.picture import resize_tensor


def periodic(photo: Tensor) -> Tensor:
    """The photo with its opposite borders drawn together, so that it continues on the other side.

    A smooth picture is subtracted that holds the jumps between opposite borders and next to
    nothing else: its Laplacian is zero inside.

    Args:
        photo: ``(1, 3, H, W)`` in [0, 1].

    Returns:
        The same shape, in [0, 1].

    Source:
        Moisan 2011, "Periodic Plus Smooth Image Decomposition", section 2.
    """
    u = photo.double()
    h, w = u.shape[2:]
    v = torch.zeros_like(u)
    rows, columns = u[:, :, -1] - u[:, :, 0], u[..., -1] - u[..., 0]
    v[:, :, 0] += rows
    v[:, :, -1] -= rows
    v[..., 0] += columns
    v[..., -1] -= columns
    # float64: the longest waves of a large picture have cosines that are 1 in float32
    y = torch.arange(h, device=u.device, dtype=u.dtype) * (2 * torch.pi / h)
    x = torch.arange(w // 2 + 1, device=u.device, dtype=u.dtype) * (2 * torch.pi / w)
    laplacian = 2 * torch.cos(y)[:, None] + 2 * torch.cos(x)[None] - 4
    laplacian[0, 0] = 1  # the mean, which v has none of
    smooth = torch.fft.irfft2(torch.fft.rfft2(v) / laplacian, s=(h, w))
    result: Tensor = (u - smooth).clamp(0, 1).float()
    return result


def resize_periodic(image: Tensor, size: tuple[int, int]) -> Tensor:
    """Resized as if it were repeated on all sides.

    Args:
        image: ``(1, C, H, W)`` in [0, 1].
        size: height and width.

    Returns:
        ``(1, C, *size)`` in [0, 1].
    """
    h, w = image.shape[2:]
    if (h, w) == size:
        return image
    if size[0] < 0.9 * h or size[1] < 0.9 * w:
        return resize_tensor(image, size)  # antialiased; its borders are a pixel apart as before
    margin = (min(8, h), min(8, w))
    wide = F.pad(image, (margin[1], margin[1], margin[0], margin[0]), mode="circular")
    # bicubic sampling at the places of the picture alone, the margin being there to be read
    scale = (size[0] / h, size[1] / w)
    grid = [
        (torch.arange(n, dtype=torch.float64) + 0.5) / s - 0.5 + m
        for n, s, m in zip(size, scale, margin, strict=True)
    ]
    y = (2 * grid[0] + 1) / wide.shape[2] - 1
    x = (2 * grid[1] + 1) / wide.shape[3] - 1
    places = torch.stack(torch.meshgrid(x, y, indexing="xy"), -1)[None].to(image)
    sampled = F.grid_sample(wide, places, mode="bicubic", align_corners=False)
    return sampled.clamp(0, 1)

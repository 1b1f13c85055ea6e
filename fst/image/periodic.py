"""Photos that tile the plane."""

import torch
from torch import Tensor


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

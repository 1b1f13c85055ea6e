"""fst.inference.export.norms: the same numbers by other operations."""

import pytest
import torch
from exports import exported, tiny_style

from fst.inference.export.norms import as_group_norm, as_means, with_norm
from fst.nets.plain import Norm


@pytest.mark.parametrize("norm", [as_group_norm, as_means])
def test_a_norm_is_instance_norm_by_hand(norm: Norm) -> None:
    x = 3 * torch.rand(2, 5, 7, 9) - 1
    scale, shift = torch.rand(5), torch.rand(5)
    by_hand = torch.stack(
        [
            torch.stack(
                [
                    (c - c.double().mean()) / (c.double().var(correction=0) + 0.1).sqrt() * s + t
                    for c, s, t in zip(picture, scale, shift, strict=True)
                ]
            )
            for picture in x
        ]
    )
    torch.testing.assert_close(norm(x, scale, shift, 0.1), by_hand.float(), rtol=0, atol=1e-5)


@torch.no_grad()
def test_a_net_with_another_norm_is_a_copy_in_floats() -> None:
    net = exported(tiny_style(), any_size=False, half=True)
    other = with_norm(net, as_means)
    photos = torch.rand(1, 3, 32, 24)
    torch.testing.assert_close(other(photos), net(photos), rtol=0, atol=2e-5)
    assert other.plain.weight_0.dtype == torch.float32
    assert net.plain.weight_0.dtype == torch.float16
    assert net.plain.norm is not other.plain.norm

"""fst.nets.layers: against torch.nn's own layers in float64, and finite differences."""

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fst.nets.layers import ConvNorm, OutputConv, ResidualBlock, SmoothUpsampleConv, UpsampleConv


def draw(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def test_conv_norm_equals_torchs_layers() -> None:
    ours = ConvNorm(3, 4, 5, stride=2).double()
    x = draw(2, 3, 12, 16)
    padded = F.pad(x, (2, 2, 2, 2), mode="reflect")
    expected = F.instance_norm(F.conv2d(padded, ours.conv.weight, ours.conv.bias, stride=2))
    torch.testing.assert_close(ours(x), expected, rtol=1e-10, atol=1e-10)
    assert expected.shape == (2, 4, 6, 8)


@pytest.mark.parametrize(("kernel", "stride"), [(3, 1), (9, 1), (3, 2)])
def test_conv_norm_divides_the_size_by_its_stride(kernel: int, stride: int) -> None:
    assert ConvNorm(3, 2, kernel, stride)(torch.rand(1, 3, 20, 24)).shape == (
        1,
        2,
        20 // stride,
        24 // stride,
    )


def upsampled(conv: UpsampleConv, x: Tensor) -> Tensor:
    """Nearest-neighbor upsampling, reflection, convolution, norm: the plain way."""
    repeated = x.repeat_interleave(2, 2).repeat_interleave(2, 3)
    padded = F.pad(repeated, (1, 1, 1, 1), mode="reflect")
    weight, bias = conv.norm.weight, conv.norm.bias
    return F.instance_norm(
        F.conv2d(padded, conv.conv.weight, conv.conv.bias), None, None, weight, bias
    )


def gradients(function: Callable[[Tensor], Tensor], module: nn.Module, x: Tensor) -> list[Tensor]:
    """Of a random projection of the output, with respect to the input and every parameter."""
    x = x.clone().requires_grad_()
    y = function(x)
    return list(torch.autograd.grad((y * draw(*y.shape, seed=9)).sum(), [x, *module.parameters()]))


@pytest.mark.parametrize("size", [(5, 6), (1, 1), (2, 7)])
def test_upsample_conv_repeats_each_pixel_before_its_convolution(size: tuple[int, int]) -> None:
    ours = UpsampleConv(3, 4, 3).double()
    nn.init.normal_(ours.norm.weight)
    x = draw(2, 3, *size)
    expected = upsampled(ours, x)
    assert expected.shape == (2, 4, 2 * size[0], 2 * size[1])
    torch.testing.assert_close(ours(x), expected, rtol=1e-10, atol=1e-10)
    theirs = gradients(lambda x: upsampled(ours, x), ours, x)
    for found, wanted in zip(gradients(ours, ours, x), theirs, strict=True):
        torch.testing.assert_close(found, wanted, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("size", [(5, 6), (1, 1), (2, 7)])
def test_smooth_upsample_conv_is_bilinear_before_its_convolution(size: tuple[int, int]) -> None:
    ours = SmoothUpsampleConv(3, 4, 3).double()
    nn.init.normal_(ours.norm.weight)
    x = draw(2, 3, *size)

    def plain(x: Tensor) -> Tensor:
        padded = F.pad(F.interpolate(x, scale_factor=2, mode="bilinear"), (1,) * 4, "replicate")
        y = F.conv2d(padded, ours.conv.weight, ours.conv.bias)
        return F.instance_norm(y, None, None, ours.norm.weight, ours.norm.bias)

    expected = plain(x)
    assert expected.shape == (2, 4, 2 * size[0], 2 * size[1])
    torch.testing.assert_close(ours(x), expected, rtol=1e-10, atol=1e-10)
    for found, wanted in zip(gradients(ours, ours, x), gradients(plain, ours, x), strict=True):
        torch.testing.assert_close(found, wanted, rtol=1e-8, atol=1e-8)


def test_a_slope_stays_one_under_smooth_upsampling_and_turns_to_stairs_under_nearest() -> None:
    slope = torch.arange(12.0).view(1, 1, 1, 12).expand(1, 2, 12, 12)
    curved = []
    for layer in (SmoothUpsampleConv(2, 3, 3), UpsampleConv(2, 3, 3)):
        layer.norm = nn.Identity()  # type: ignore[assignment]
        middle = layer(slope)[..., 4:-4, 4:-4]
        curved.append(middle.diff(2, -1).diff(1, -1).abs().max().item())
    assert curved[0] < 1e-5 < 0.1 < curved[1]


@pytest.mark.parametrize("kernel", [3, 4, 9])
def test_output_conv_is_a_convolution(kernel: int) -> None:
    ours = OutputConv(5, 3, kernel).double()
    x = draw(2, 5, 6 + kernel - 1, 8 + kernel - 1)

    def plain(x: Tensor) -> Tensor:
        return F.conv2d(x, ours.weight, ours.bias)

    assert plain(x).shape == (2, 3, 6, 8)
    torch.testing.assert_close(ours(x), plain(x), rtol=1e-10, atol=1e-10)
    for found, wanted in zip(gradients(ours, ours, x), gradients(plain, ours, x), strict=True):
        torch.testing.assert_close(found, wanted, rtol=1e-10, atol=1e-10)


def test_rewritten_layers_keep_channels_last() -> None:
    x = draw(2, 4, 8, 8, dtype=torch.float32).contiguous(memory_format=torch.channels_last)
    assert UpsampleConv(4, 6, 3)(x).is_contiguous(memory_format=torch.channels_last)
    assert SmoothUpsampleConv(4, 6, 3)(x).is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize(
    "make",
    [
        lambda: UpsampleConv(4, 4, 3),
        lambda: SmoothUpsampleConv(4, 4, 3),
        lambda: OutputConv(4, 3, 9),
    ],
)
def test_rewritten_layers_sum_their_weights_before_autocast_rounds(
    make: Callable[[], nn.Module],
) -> None:
    layer = make()
    x = draw(1, 4, 32, 32, dtype=torch.float32)
    with torch.autocast("cpu", torch.bfloat16):
        rounded = layer(x).float()
    assert 0 < (rounded - layer(x)).abs().mean() < 0.006 * layer(x).std()


def test_residual_block_adds_two_convolutions_to_its_input() -> None:
    ours = ResidualBlock(4).double()
    x = draw(2, 4, 6, 7)

    def conv_norm(x: Tensor, conv: nn.Conv2d) -> Tensor:
        padded = F.pad(x, (1, 1, 1, 1), mode="reflect")
        return F.instance_norm(F.conv2d(padded, conv.weight, conv.bias))

    hidden = conv_norm(x, ours.first.conv).clamp_min(0)
    expected = x + conv_norm(hidden, ours.second.conv)
    assert (expected < 0).any()  # no ReLU after the sum
    torch.testing.assert_close(ours(x), expected, rtol=1e-10, atol=1e-10)

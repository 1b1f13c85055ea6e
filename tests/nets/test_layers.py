"""fst.nets.layers: against torch.nn's own layers in float64, and finite differences."""

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fst.nets import norm
from fst.nets.layers import ConvNorm, OutputConv, ResidualBlock, SmoothUpsampleConv, UpsampleConv
from fst.nets.norm import InstanceNorm2d, instance_statistics

FORMATS = [torch.contiguous_format, torch.channels_last]


def draw(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def twin_norms(channels: int) -> tuple[InstanceNorm2d, nn.InstanceNorm2d]:
    """Ours and torch's, in float64, with the same random scale and offset."""
    ours = InstanceNorm2d(channels).double()
    plain = nn.InstanceNorm2d(channels, affine=True).double()
    with torch.no_grad():
        for i, name in enumerate(("weight", "bias")):
            value = draw(channels, seed=10 + i)
            getattr(ours, name).copy_(value)
            getattr(plain, name).copy_(value)
    return ours, plain


@pytest.fixture(params=["one pass", "two passes"])
def either_path(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs the test below and beyond the size from which statistics take two passes."""
    limit = 10**9 if request.param == "one pass" else 4
    monkeypatch.setattr(norm, "DRIFT_FREE_POSITIONS", limit)


@pytest.mark.usefixtures("either_path")
@pytest.mark.parametrize("memory_format", FORMATS)
def test_instance_norm_and_its_gradients_equal_torchs(memory_format: torch.memory_format) -> None:
    ours, plain = twin_norms(5)
    x = (3 * draw(2, 5, 7, 9) + 10).contiguous(memory_format=memory_format)
    weights = draw(2, 5, 7, 9, seed=1)  # of the outputs, so that every gradient differs
    mine, theirs = x.clone().requires_grad_(), x.clone().requires_grad_()
    y = ours(mine)
    expected = plain(theirs)
    (y * weights).sum().backward()
    (expected * weights).sum().backward()

    for ours_got, torchs in [
        (y, expected),
        (mine.grad, theirs.grad),
        (ours.weight.grad, plain.weight.grad),
        (ours.bias.grad, plain.bias.grad),
    ]:
        torch.testing.assert_close(ours_got, torchs, rtol=1e-10, atol=1e-10)


@pytest.mark.usefixtures("either_path")
@pytest.mark.parametrize("memory_format", FORMATS)
def test_instance_norm_gradients_equal_finite_differences(
    memory_format: torch.memory_format,
) -> None:
    ours, _ = twin_norms(2)
    x = draw(2, 2, 3, 3).contiguous(memory_format=memory_format).requires_grad_()

    def function(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        return torch.func.functional_call(ours, {"weight": weight, "bias": bias}, (x,))

    weight, bias = (p.detach().clone().requires_grad_() for p in (ours.weight, ours.bias))
    assert torch.autograd.gradcheck(function, (x, weight, bias))


@pytest.mark.usefixtures("either_path")
def test_instance_norm_stays_in_channels_last() -> None:
    x = draw(2, 5, 6, 8).contiguous(memory_format=torch.channels_last).requires_grad_()
    y = twin_norms(5)[0](x)
    assert y.is_contiguous(memory_format=torch.channels_last)
    y.backward(draw(2, 5, 6, 8, seed=1))
    assert x.grad is not None
    assert x.grad.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.usefixtures("either_path")
def test_instance_norm_of_a_flat_channel_is_its_offset() -> None:
    ours, _ = twin_norms(4)
    y = ours(torch.full((1, 4, 6, 6), 0.7, dtype=torch.float64))
    torch.testing.assert_close(y, ours.bias[None, :, None, None].expand(1, 4, 6, 6))


def test_a_new_instance_norm_gives_mean_zero_and_deviation_one() -> None:
    y = InstanceNorm2d(3)(5 + 2 * draw(2, 3, 16, 16, dtype=torch.float32)).double()
    torch.testing.assert_close(y.mean((2, 3)), torch.zeros(2, 3).double(), rtol=0, atol=1e-5)
    deviation = y.std((2, 3), correction=0)
    torch.testing.assert_close(deviation, torch.ones(2, 3).double(), rtol=1e-4, atol=0)


@pytest.mark.usefixtures("either_path")
def test_instance_norm_of_bf16_keeps_its_dtype_and_sums_in_float32() -> None:
    x = (4 + draw(1, 3, 64, 64)).bfloat16()
    weights = draw(1, 3, 64, 64, seed=1).bfloat16()
    ours, plain = InstanceNorm2d(3), nn.InstanceNorm2d(3, affine=True).double()
    mine, exact = x.clone().requires_grad_(), x.double().requires_grad_()
    y = ours(mine)
    y.backward(weights)
    expected = plain(exact)
    expected.backward(weights.double())
    assert y.dtype == torch.bfloat16
    assert mine.grad is not None
    assert mine.grad.dtype == torch.bfloat16
    # bf16 has 8 bits: an element of the output may be off by one of them, the sums may not
    torch.testing.assert_close(y.double(), expected, rtol=0.02, atol=0.03)
    torch.testing.assert_close(mine.grad.double(), exact.grad, rtol=0.02, atol=0.03)
    assert ours.bias.grad is not None
    torch.testing.assert_close(ours.bias.grad.double(), plain.bias.grad, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("side", [64, 260])  # below and above DRIFT_FREE_POSITIONS
@pytest.mark.parametrize("memory_format", FORMATS)
def test_instance_norm_of_channels_far_from_zero_stays_exact(
    side: int, memory_format: torch.memory_format
) -> None:
    # what a picture with little contrast gives: a page with one line of text, a piece of sky;
    # float32 sums of x and of x^2 lose the deviation there, torch's own norm is off by 1e-5
    x = (100 + draw(1, 2, side, side, dtype=torch.float32)).contiguous(memory_format=memory_format)
    expected = F.instance_norm(x.double())
    torch.testing.assert_close(InstanceNorm2d(2)(x).double(), expected, rtol=0, atol=1e-3)


@pytest.mark.parametrize("memory_format", FORMATS)
def test_statistics_far_from_zero_stay_exact(memory_format: torch.memory_format) -> None:
    x = (100 + draw(1, 2, 64, 64, dtype=torch.float32)).contiguous(memory_format=memory_format)
    variance, mean = torch.var_mean(x.double(), (2, 3), correction=0)
    got_mean, got_rstd = instance_statistics(x, 1e-5)
    torch.testing.assert_close(got_mean.double(), mean, rtol=1e-6, atol=0)
    torch.testing.assert_close(got_rstd.double(), (variance + 1e-5).rsqrt(), rtol=1e-5, atol=0)


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

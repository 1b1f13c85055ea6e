"""fst.nets.norm: instance norm against torch's, and its statistics."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fst.nets import norm
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


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("memory_format", FORMATS)
def test_instance_norm_on_a_gpu_equals_that_on_a_cpu(
    memory_format: torch.memory_format, dtype: torch.dtype
) -> None:
    x = (3 * draw(2, 5, 70, 90) + 10).to(dtype).contiguous(memory_format=memory_format)
    exact = x.double().requires_grad_()
    on_gpu = x.detach().cuda().contiguous(memory_format=memory_format).requires_grad_()
    expected = nn.InstanceNorm2d(5, affine=True).double()(exact)
    y = InstanceNorm2d(5).cuda()(on_gpu)
    assert y.is_contiguous(memory_format=memory_format)
    weights = draw(2, 5, 70, 90, seed=1).to(dtype)
    expected.backward(weights.double())
    y.backward(weights.cuda())
    off = 1e-4 if dtype == torch.float32 else 0.03
    assert on_gpu.grad is not None
    torch.testing.assert_close(y.double().cpu(), expected, rtol=off, atol=off)
    torch.testing.assert_close(on_gpu.grad.double().cpu(), exact.grad, rtol=off, atol=off)


@pytest.mark.parametrize("memory_format", FORMATS)
def test_nothing_is_rounded_to_bf16_on_the_way_to_the_gradient_of_a_scale(
    memory_format: torch.memory_format,
) -> None:
    x = (2 + draw(2, 5, 32, 32)).bfloat16().contiguous(memory_format=memory_format)
    upstream = draw(2, 5, 32, 32, seed=1).bfloat16()
    ours, plain = InstanceNorm2d(5), nn.InstanceNorm2d(5, affine=True).double()
    ours(x).backward(upstream)
    plain(x.double()).backward(upstream.double())
    assert ours.weight.grad is not None
    torch.testing.assert_close(ours.weight.grad.double(), plain.weight.grad, rtol=1e-4, atol=1e-3)

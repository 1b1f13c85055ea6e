import pytest
import torch
import torch.nn.functional as F

from fst.nets.padding import Pad, pad


@pytest.mark.parametrize("mode", ["reflect", "replicate"])
@pytest.mark.parametrize("width", [1, 2, 4])
def test_slices_are_the_padding_of_torch_and_so_is_their_gradient(mode: str, width: int) -> None:
    draw = torch.Generator().manual_seed(width)
    x = torch.randn(2, 3, 5, 8, dtype=torch.float64, generator=draw, requires_grad=True)
    weights = torch.randn(2, 3, 5 + 2 * width, 8 + 2 * width, dtype=torch.float64, generator=draw)
    ours, theirs = Pad.apply(x, width, mode), F.pad(x, 4 * (width,), mode=mode)
    assert torch.equal(ours, theirs)
    assert ours.is_contiguous(memory_format=torch.channels_last)
    one, other = (torch.autograd.grad((y * weights).sum(), x)[0] for y in (ours, theirs))
    torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=pytest.mark.skipif(
    not torch.cuda.is_available(), reason="needs a CUDA device"))])  # fmt: skip
def test_on_every_device_it_is_the_padding_of_torch(device: str) -> None:
    x = torch.rand(1, 4, 6, 7, generator=torch.Generator().manual_seed(0)).to(device)
    for width in (0, 1, 5):
        assert torch.equal(pad(x, width, "reflect"), F.pad(x, 4 * (width,), mode="reflect"))


def test_more_than_there_is_to_reflect_is_refused_as_by_torch() -> None:
    with pytest.raises(RuntimeError, match="Padding size"):
        pad(torch.rand(1, 1, 4, 4), 4, "reflect")

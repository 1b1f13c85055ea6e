"""fst.nets and fst.nets.johnson: against a plain torch.nn net with the same weights."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from fst.errors import InputError
from fst.nets import NETS, make_net
from fst.nets.johnson import JohnsonNet


def picture(height: int, width: int, count: int = 1, seed: int = 0) -> Tensor:
    return torch.rand(count, 3, height, width, generator=torch.Generator().manual_seed(seed))


def shake(net: nn.Module) -> None:
    """Random values for every parameter, the norms' included."""
    generator = torch.Generator().manual_seed(7)
    with torch.no_grad():
        for parameter in net.parameters():
            noise = torch.randn(parameter.shape, generator=generator, dtype=torch.float64)
            parameter.add_(noise.to(parameter.dtype) * 0.3)


class _PlainResidual(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.ReflectionPad2d(1),
            nn.Conv2d(channels, channels, 3),
            nn.InstanceNorm2d(channels, affine=True),
            nn.ReLU(),
            nn.ReflectionPad2d(1),
            nn.Conv2d(channels, channels, 3),
            nn.InstanceNorm2d(channels, affine=True),
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.body(x)


def plain_johnson(width: int, blocks: int) -> nn.Sequential:
    """The paper's net from torch.nn alone, for sides that are multiples of 4."""

    def stage(inputs: int, outputs: int, kernel: int, stride: int = 1) -> list[nn.Module]:
        return [
            nn.ReflectionPad2d(kernel // 2),
            nn.Conv2d(inputs, outputs, kernel, stride),
            nn.InstanceNorm2d(outputs, affine=True),
            nn.ReLU(),
        ]

    return nn.Sequential(
        *stage(3, width, 9),
        *stage(width, 2 * width, 3, 2),
        *stage(2 * width, 4 * width, 3, 2),
        *(_PlainResidual(4 * width) for _ in range(blocks)),
        nn.Upsample(scale_factor=2, mode="nearest"),
        *stage(4 * width, 2 * width, 3),
        nn.Upsample(scale_factor=2, mode="nearest"),
        *stage(2 * width, width, 3),
        nn.ReflectionPad2d(4),
        nn.Conv2d(width, 3, 9),
        nn.Sigmoid(),
    )


def twins(width: int = 2, blocks: int = 2) -> tuple[JohnsonNet, nn.Sequential]:
    """Our net and the plain one, in float64, with the same random weights."""
    ours = JohnsonNet(width, blocks).double()
    plain = plain_johnson(width, blocks).double()
    shake(ours)
    with torch.no_grad():
        for mine, theirs in zip(ours.parameters(), plain.parameters(), strict=True):
            assert mine.shape == theirs.shape
            theirs.copy_(mine)
    return ours, plain


def test_the_default_net_has_as_many_parameters_as_its_docstring_says() -> None:
    with torch.device("meta"):
        net = JohnsonNet()
    assert sum(parameter.numel() for parameter in net.parameters()) == 1_679_235


@pytest.mark.parametrize("size", [(16, 16), (16, 20), (32, 24)])
def test_sides_that_are_multiples_of_four_give_the_plain_nets_picture(
    size: tuple[int, int],
) -> None:
    ours, plain = twins()
    images = picture(*size, count=2).double()
    torch.testing.assert_close(ours(images), plain(images), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("size", [(17, 19), (18, 16), (30, 45), (16, 21)])
def test_other_sides_give_the_plain_nets_picture_of_the_mirrored_photo_cropped(
    size: tuple[int, int],
) -> None:
    ours, plain = twins()
    height, width = size
    images = picture(height, width).double()
    margins = ((0, 0), (0, 0), (0, (4 - height % 4) % 4), (0, (4 - width % 4) % 4))
    mirrored = torch.from_numpy(np.pad(images.numpy(), margins, mode="reflect"))
    expected = plain(mirrored)[:, :, :height, :width]
    torch.testing.assert_close(ours(images), expected, rtol=1e-10, atol=1e-10)


def test_gradients_equal_the_plain_nets() -> None:
    ours, plain = twins()
    weights = picture(16, 20, seed=1).double()
    inputs = [picture(16, 20).double().requires_grad_() for _ in range(2)]
    for net, images in zip((ours, plain), inputs, strict=True):
        (net(images) * weights).sum().backward()
    torch.testing.assert_close(inputs[0].grad, inputs[1].grad, rtol=1e-8, atol=1e-10)
    for mine, theirs in zip(ours.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(mine.grad, theirs.grad, rtol=1e-8, atol=1e-10)


def test_channels_last_changes_nothing() -> None:
    ours, plain = twins()
    images = picture(20, 16, count=2).double()
    expected = plain(images)
    ours = ours.to(memory_format=torch.channels_last)
    got = ours(images.contiguous(memory_format=torch.channels_last))
    torch.testing.assert_close(got, expected, rtol=1e-10, atol=1e-10)


def test_a_white_page_with_a_dot_is_painted_as_in_double_precision() -> None:
    torch.manual_seed(0)
    net = JohnsonNet(width=8, residual_blocks=1).eval()
    exact = JohnsonNet(width=8, residual_blocks=1).double().eval()
    exact.load_state_dict({key: value.double() for key, value in net.state_dict().items()})
    page = torch.ones(1, 3, 64, 64)
    page[:, :, 30:33, 30:33] = 0
    with torch.no_grad():
        expected = exact(page.double())
        contiguous = net(page).double()
        net = net.to(memory_format=torch.channels_last)
        channels_last = net(page.contiguous(memory_format=torch.channels_last)).double()
    torch.testing.assert_close(contiguous, expected, rtol=0, atol=0.5 / 255)
    torch.testing.assert_close(channels_last, expected, rtol=0, atol=0.5 / 255)


@pytest.mark.parametrize("size", [(16, 16), (17, 19), (30, 45), (64, 18)])
def test_any_size_comes_back_with_values_from_zero_to_one(size: tuple[int, int]) -> None:
    net = JohnsonNet(width=4, residual_blocks=1)
    shake(net)
    with torch.no_grad():
        net.out.weight.mul_(20)  # a strong net saturates, it does not leave the range
        output = net(picture(*size, count=2))
    assert output.shape == (2, 3, *size)
    assert output.dtype == torch.float32
    assert 0 <= output.min() < 0.1
    assert 0.9 < output.max() <= 1


@pytest.mark.parametrize("size", [(15, 64), (64, 15), (1, 1), (15, 15)])
def test_a_side_under_sixteen_is_refused(size: tuple[int, int]) -> None:
    height, width = size
    with pytest.raises(InputError, match=f"a {width}x{height} picture is too small.* 16 pixels"):
        JohnsonNet(width=2, residual_blocks=0)(picture(height, width))


def test_under_autocast_the_picture_is_float32_and_close() -> None:
    net = JohnsonNet(width=4, residual_blocks=1)
    images = picture(24, 20)
    with torch.no_grad():
        expected = net(images)
        with torch.autocast("cpu", torch.bfloat16):
            output = net(images)
    assert output.dtype == torch.float32
    assert not torch.equal(output, expected)  # autocast did take hold of the convolutions
    torch.testing.assert_close(output, expected, rtol=0, atol=0.05)


@pytest.mark.parametrize(("width", "blocks"), [(1, 0), (3, 2), (8, 1)])
def test_width_and_blocks_set_the_size_of_the_net(width: int, blocks: int) -> None:
    net = JohnsonNet(width=width, residual_blocks=blocks)
    plain = plain_johnson(width, blocks)
    assert [p.shape for p in net.parameters()] == [p.shape for p in plain.parameters()]
    assert net(picture(16, 16)).shape == (1, 3, 16, 16)


@pytest.mark.parametrize("arguments", [{"width": 0}, {"width": -4}, {"residual_blocks": -1}])
def test_a_net_of_no_size_is_refused(arguments: dict[str, int]) -> None:
    with pytest.raises(InputError, match=r"must be|can't be made"):
        JohnsonNet(**arguments)


def test_an_unknown_upsampling_is_refused() -> None:
    with pytest.raises(InputError, match="bilinear, nearest, not 'cubic'"):
        JohnsonNet(upsampling="cubic")


def test_make_net_makes_the_net_of_that_name_with_these_arguments() -> None:
    net = make_net("johnson", {"width": 4, "residual_blocks": 3})
    assert type(net) is NETS["johnson"] is JohnsonNet
    expected = [p.shape for p in plain_johnson(4, 3).parameters()]
    assert [p.shape for p in net.parameters()] == expected


def test_make_net_makes_a_net_that_was_added_to_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(NETS, "mine", nn.Identity)
    assert isinstance(make_net("mine", {}), nn.Identity)


def test_make_net_names_the_nets_there_are() -> None:
    with pytest.raises(InputError, match="no net 'jonson': there are johnson"):
        make_net("jonson", {})


@pytest.mark.parametrize(
    "arguments",
    [
        {"widht": 8},
        {"width": "wide"},
        {"width": None},
        {"width": 0},
        {"width": 1.5},
        {"residual_blocks": 1.5},
    ],
)
def test_make_net_refuses_arguments_that_the_net_does_not_take(arguments: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=r"must be|can't be made"):
        make_net("johnson", arguments)


@pytest.mark.parametrize("upsampling", ["nearest", "bilinear"])
@pytest.mark.parametrize("blocks", [0, 1, 5])
def test_matrices_are_the_convolutions_but_the_first_and_the_last(
    blocks: int, upsampling: str
) -> None:
    """In the order in which they are registered: a resumed Muon finds its momenta by number."""
    net = JohnsonNet(4, blocks, upsampling)
    convolutions = [m.weight for m in net.modules() if isinstance(m, nn.Conv2d)]
    found = net.matrices()
    assert len(found) == len(convolutions) - 2 == 4 + 2 * blocks
    assert all(a is b for a, b in zip(found, convolutions[1:-1], strict=True))

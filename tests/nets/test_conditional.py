"""One net for many styles: with an embedding it is an ordinary Johnson net."""

import pytest
import torch
from torch import Tensor

from fst.errors import InputError
from fst.nets import AnyNet, ManyNet, alike, make_net
from fst.nets.conditional import ConditionalNet
from fst.nets.johnson import JohnsonNet
from fst.nets.predictor import MOMENTS

TINY = {"width": 4, "residual_blocks": 2, "rank": 2}


@pytest.fixture
def net() -> ConditionalNet:
    torch.manual_seed(0)
    return ConditionalNet(**TINY).eval()  # type: ignore[arg-type]


def embeddings(net: ConditionalNet, count: int) -> Tensor:
    return 0.3 * torch.randn(count, net.embedding_size)


@torch.no_grad()
def test_a_batch_is_what_the_ordinary_nets_paint_one_by_one(net: ConditionalNet) -> None:
    photos, rows = torch.rand(3, 3, 38, 45), embeddings(net, 3)
    together = net(photos, rows)
    for photo, row, painted in zip(photos, rows, together, strict=True):
        ordinary = net.net_for(row)
        assert type(ordinary) is JohnsonNet
        torch.testing.assert_close(painted, ordinary(photo[None])[0], rtol=1e-4, atol=2e-5)
        torch.testing.assert_close(painted, net(photo[None], row[None])[0], rtol=1e-4, atol=2e-5)


def test_gradients_of_a_batch_are_those_of_its_pictures(net: ConditionalNet) -> None:
    net.double()
    photos, rows = torch.rand(2, 3, 32, 32).double(), embeddings(net, 2)

    def gradients(sizes: list[int]) -> list[Tensor]:
        given = rows.clone().requires_grad_()
        parts = zip(photos.split(sizes), given.split(sizes), strict=True)
        total = torch.cat([net(photo, row) for photo, row in parts]).square().mean()
        return list(torch.autograd.grad(total, [given, *net.parameters()]))

    for together, alone in zip(gradients([2]), gradients([1, 1]), strict=True):
        torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-7)


@torch.no_grad()
def test_an_embedding_of_zeros_is_the_shared_net(net: ConditionalNet) -> None:
    photo = torch.rand(1, 3, 32, 32)
    same = net.net_for(torch.zeros(net.embedding_size))
    torch.testing.assert_close(same(photo), net.base(photo), rtol=1e-5, atol=1e-6)


@torch.no_grad()
def test_a_change_of_a_kernel_is_of_low_rank(net: ConditionalNet) -> None:
    row = torch.zeros(net.embedding_size)
    row[-2 * 4 :] = torch.randn(8)  # the factors: four kernels of rank two
    change = net.net_for(row).blocks[0].first.conv.weight - net.base.blocks[0].first.conv.weight
    assert torch.linalg.matrix_rank(change.flatten(1), rtol=1e-3) == 2
    assert torch.equal(net.net_for(row).down2.conv.weight, net.base.down2.conv.weight)


def test_what_is_asked_of_a_painting_changes_its_numbers() -> None:
    torch.manual_seed(0)
    net = AnyNet(**TINY, predictor_width=8).eval()  # type: ignore[arg-type]
    moments, weight, size = torch.rand(1, MOMENTS), torch.tensor([6.0]), torch.tensor([512.0])
    assert not net.predict(moments, weight, size).any()  # at the beginning: the shared net
    torch.nn.init.normal_(net.predictor.last.weight)
    first = net.predict(moments, weight, size)
    assert first.shape == (1, net.embedding_size)
    for other in (
        net.predict(moments, 2 * weight, size),
        net.predict(moments, weight, size / 2),
        net.predict(moments.flip(1), weight, size),
    ):
        assert not torch.allclose(first, other)


def test_many_styles_are_rows() -> None:
    net = make_net("many", {**TINY, "styles": 3})
    assert isinstance(net, ManyNet)
    assert net.embeddings.shape == (3, net.embedding_size)
    assert net.embedding_size < sum(p.numel() for p in net.base.parameters()) / 5


def test_rank_0_leaves_the_kernels_alone() -> None:
    net = ConditionalNet(width=4, residual_blocks=1, rank=0)
    norms = 2 * (4 + 8 + 16 + 16 + 16 + 8 + 4)
    assert net.embedding_size == norms + 3
    photos = torch.rand(2, 3, 32, 32)
    assert net(photos, torch.zeros(2, net.embedding_size)).shape == photos.shape


def test_wrong_arguments() -> None:
    with pytest.raises(InputError, match="rank"):
        make_net("any", {"rank": -1})
    with pytest.raises(InputError, match="styles"):
        make_net("many", {"styles": 0})
    assert not alike({"name": "any", "arguments": {}}, {"name": "johnson", "arguments": {}})

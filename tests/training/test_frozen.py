"""fst.training.frozen: which weights learn where the convolutions stay as they are."""

import pytest
import torch
from tiny_runs import TinyNet
from torch import nn

from fst.errors import InputError
from fst.nets.conditional import AnyNet, ManyNet
from fst.nets.johnson import JohnsonNet
from fst.training.frozen import freeze


def learning(net: nn.Module) -> set[str]:
    return {name for name, weight in net.named_parameters() if weight.requires_grad}


def test_of_a_net_of_one_style_norms_and_last_bias_learn() -> None:
    net = JohnsonNet(width=4, residual_blocks=1)
    freeze(net)
    norms = {name for name, _ in net.named_parameters() if ".norm." in name}
    assert len(norms) == 2 * 7
    assert learning(net) == norms | {"out.bias"}


def test_of_a_net_of_many_styles_the_rows_learn() -> None:
    net = ManyNet(width=4, residual_blocks=1, rank=2, styles=3)
    freeze(net)
    assert learning(net) == {"embeddings"}
    # which are exactly the numbers that a frozen net of one style would change, and the kernels'
    alone = JohnsonNet(width=4, residual_blocks=1)
    freeze(alone)
    count = sum(weight.numel() for weight in alone.parameters() if weight.requires_grad)
    assert net.embeddings.shape[1] == count + 2 * 2


def test_of_a_net_for_any_painting_the_predictor_learns() -> None:
    net = AnyNet(width=4, residual_blocks=1, rank=2, predictor_width=8)
    freeze(net)
    assert learning(net) == {f"predictor.{name}" for name, _ in net.predictor.named_parameters()}
    painted = net(torch.rand(2, 3, 16, 16), torch.zeros(2, net.embedding_size))
    assert not painted.requires_grad


def test_of_another_net_it_is_not_known() -> None:
    with pytest.raises(InputError, match="freeze"):
        freeze(TinyNet())

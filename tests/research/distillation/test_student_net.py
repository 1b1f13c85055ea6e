"""fst.research.distillation.student_net: a net learns by gradients of its pictures alone."""

from typing import Any

import torch
from torch import Tensor

from fst.research.distillation.student_net import LIFE, StudentNet


class Pool:
    """Photos of noise, and styles by their numbers."""

    def __init__(self) -> None:
        self.styles = iter(range(9))
        self.photos = torch.rand(4, 3, 32, 32, generator=torch.Generator().manual_seed(0))

    def some_style(self) -> int:
        return next(self.styles)

    def some_photos(self) -> Tensor:
        return self.photos


def test_it_goes_down_the_gradient_that_it_is_given() -> None:
    pool: Any = Pool()
    torch.manual_seed(0)
    net = StudentNet(pool)
    distances = []
    for step in range(1, 9):
        _, _, painted = net.paint(step)
        distances.append(painted.detach().square().sum().item())
        net.learn(painted, 2 * painted.detach())  # towards black
    assert distances[-1] < 0.9 * distances[0]


def test_the_gradient_counts_as_the_batchs_mean() -> None:
    pool: Any = Pool()
    net = StudentNet(pool)
    _, _, painted = net.paint(0)
    gradient = torch.ones_like(painted)
    expected = torch.autograd.grad(painted.sum() / 4, net.net.out.bias, retain_graph=True)[0]  # type: ignore[union-attr, arg-type]
    net.learn(painted, gradient)
    torch.testing.assert_close(net.net.out.bias.grad, expected)  # type: ignore[union-attr]


def test_another_net_and_style_begin_after_a_life() -> None:
    pool: Any = Pool()
    net = StudentNet(pool)
    photos, first, _ = net.paint(3)  # a resumed run may begin in the middle of a life
    assert photos is pool.photos
    begun = net.net
    assert net.paint(LIFE - 1)[1] == first
    assert net.net is begun
    assert net.paint(LIFE)[1] != first
    assert net.net is not begun

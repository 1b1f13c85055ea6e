"""A net that is trained with the student while the student learns."""

import torch
from torch import Tensor

from fst.nets import make_net
from fst.research.distillation.pictures import HalfStylized

LIFE = 200
"""Steps for which a net is trained, before another begins."""


class StudentNet:
    """A net that is trained with the student's gradients: its pictures are what training sees."""

    def __init__(self, pool: HalfStylized) -> None:
        self.pool, self.style = pool, 0

    def paint(self, step: int) -> tuple[Tensor, int, Tensor]:
        """Photos, the style, and the photos painted; begins anew now and then."""
        if step % LIFE == 0 or not hasattr(self, "net"):
            self.net = make_net("johnson", {"width": 16, "residual_blocks": 5})
            self.optimizer = torch.optim.Adam(self.net.parameters(), 2e-3)
            self.style = self.pool.some_style()
        photos = self.pool.some_photos()
        return photos, self.style, self.net(photos)

    def learn(self, painted: Tensor, gradient: Tensor) -> None:
        """One step of Adam."""
        self.optimizer.zero_grad()
        painted.backward(gradient / len(painted))  # type: ignore[no-untyped-call]
        self.optimizer.step()

"""fst.evaluation.judge: the loss of what a net paints, with a margin or bare."""

import pytest
import torch

from fst.evaluation.judge import judge
from fst.losses.perceptual import PerceptualLoss
from fst.nets.johnson import JohnsonNet
from fst.nets.layers import widen


@pytest.mark.parametrize("margin", [0, 8])
def test_it_is_the_loss_of_what_is_left_of_the_wider_picture(
    margin: int, random_loss: PerceptualLoss
) -> None:
    torch.manual_seed(0)
    net = JohnsonNet(width=4, residual_blocks=1)
    photos = [torch.rand(1, 3, 32, 40), torch.rand(1, 3, 36, 32)]
    found = judge(net, random_loss, photos, margin=margin)
    assert len(found) == 2
    for photo, terms in zip(photos, found, strict=True):
        assert not terms.total.requires_grad
        wide, cut = widen(photo, margin)
        with torch.no_grad():
            painted = net(wide)[..., cut : cut + photo.shape[2], cut : cut + photo.shape[3]]
            expected = random_loss(painted, random_loss.content_targets(photo))
        torch.testing.assert_close(terms.total, expected.total, rtol=1e-4, atol=1e-5)

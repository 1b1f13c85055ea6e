"""fst.losses.style.gram: the functions that there were before there was a choice, to the bit."""

import torch

from fst.losses.functional import gram_matrix, style_loss
from fst.losses.style.gram import error, measure


def test_it_is_the_style_loss_of_gram_matrices() -> None:
    painting, pictures = torch.rand(1, 6, 7, 8), torch.rand(2, 6, 5, 9)
    target = measure(painting)
    assert torch.equal(target["gram"], gram_matrix(painting))
    assert torch.equal(
        error(pictures, target), style_loss(gram_matrix(pictures), gram_matrix(painting))
    )

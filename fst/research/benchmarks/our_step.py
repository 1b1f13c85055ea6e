"""The training step of this project, without a trainer around it."""

import itertools
from collections.abc import Callable

from torch import Tensor

from fst.image.blank import is_blank
from fst.research.benchmarks.defaults import default_steps
from fst.training.guard import GPU_CHECK_EVERY
from fst.training.module import StyleTransferModule
from fst.training.optimizers import learning_rate, make_optimizers, prepare, update_average


def our_step(module: StyleTransferModule) -> Callable[[Tensor], object]:
    """The steps of ``module.training_step`` from the first one on, without a trainer.

    A test holds the two to move the weights alike, bit for bit.
    """
    optimizers = make_optimizers(module.net, module.recipe)
    numbers, steps = itertools.count(), default_steps()

    def step(photos: Tensor) -> None:
        number = next(numbers)
        for optimizer in optimizers:
            optimizer.zero_grad()
        terms = module.gradients(photos)
        left_out = module.guard.watch(number, terms, module.net.parameters(), is_blank(photos))
        rate = learning_rate(module.recipe, number, steps)
        prepare(optimizers, rate, left_out, photos.device)
        for optimizer in reversed(optimizers):
            optimizer.step()
        if module.average is not None:
            update_average(module.average, module.net, module.recipe.ema, number, left_out)
        if not photos.is_cuda or (number + 1) % GPU_CHECK_EVERY == 0:
            module.guard.settle()

    return step

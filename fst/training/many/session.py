"""A training of many styles: of any painting, or of those that are named.

paintings → judges → starting net → data → run folder → what they see → module → fit → finish
"""

from collections.abc import Sequence
from typing import Any

import torch

from fst.nets.conditional import AnyNet
from fst.system.device import pick_device, pick_precision
from fst.system.memory import keep_freed_memory
from fst.training.many.any_painting import any_work
from fst.training.many.beginning import beginning
from fst.training.many.module import ManyStylesModule
from fst.training.many.named import named_work
from fst.training.parts import Parts, try_out
from fst.training.recipe import Recipe
from fst.training.session import begun, fixed_weights, learn, make_judges, open_run


def train_many(settings: dict[str, Any], parts: Parts, changes: Sequence[str] = ()) -> bool:
    """One training; False where a signal stopped it, after its last step, too.

    Args:
        settings: all of them, of ``net=any`` or ``net=many``.
        parts: made of them.
        changes: what a resumed run does otherwise than before; said once it is known to go on.

    Raises:
        FstError: what the message says.
    """
    keep_freed_memory()
    try_out(parts)
    recipe = Recipe.of(settings)
    torch.manual_seed(recipe.seed)
    device = pick_device(settings["trainer"]["device"])
    dtype = pick_precision(recipe.precision, device)
    settings["style"] |= {"strength_target": None} | fixed_weights(settings["style"])
    make_work = any_work if settings["net"]["name"] == "any" else named_work
    work = make_work(settings, device)
    judges = make_judges(settings, parts, dtype, work.paintings[0])
    start = beginning(settings, work.paintings)
    parts.data.setup()  # before any folder is made: no photos, no run
    run = open_run(settings, start.net, recipe)
    with begun(run, settings, changes):
        styles = work.measured(judges.loss.to(device))
        early = None if judges.early is None else work.measured(judges.early.to(device))
        if isinstance(start.net, AnyNet) and not start.standardized and run.resume is None:
            assert styles.moments is not None
            start.net.predictor.standardize(styles.moments.cpu())
        module = ManyStylesModule(
            start.net,
            judges.loss,
            styles,
            work.paintings,
            recipe,
            dtype,
            judges.early,
            judges.share,
            early,
        )
        return learn(settings, parts, run, module, work.shown, start.init, work.about)

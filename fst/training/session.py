"""A training as named steps.

judges → starting net → data → run folder → calibration → module → fit → finish
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import lightning
import torch
from torch import Tensor, nn

from fst.data.module import PhotoDataModule
from fst.errors import InputError
from fst.losses.perceptual import CONTENT_WEIGHT, STYLE_WEIGHT, PerceptualLoss
from fst.optimization.calibration import calibrate_once, photos_for
from fst.styles.objective import STAND_IN, checksum_of, style_target
from fst.styles.trained import TrainedStyle
from fst.system.device import pick_device, pick_precision, process_rank
from fst.system.memory import keep_freed_memory
from fst.training.beginning import starting_net
from fst.training.description import about_painting, describe_run, described
from fst.training.fit import fit, got_signal, time_is_up
from fst.training.frozen import freeze
from fst.training.loggers import writable
from fst.training.loss_weights import is_calibrated
from fst.training.module import StyleTransferModule
from fst.training.outcome import check_learned
from fst.training.parts import Parts, try_out
from fst.training.presets import smaller_presets
from fst.training.recipe import Recipe
from fst.training.reporting.progress import tell_smaller
from fst.training.resume import check_fits
from fst.training.runs import Run, finish, held, keep_settings, may_replace, prepare_run
from fst.training.unfinished import failure_noted

Settings = dict[str, Any]
"""All of ``configs/train.yaml`` as plain values; :func:`~fst.training.settings.check_settings`."""


class Judges(NamedTuple):
    """The objective; and what judges the first ``share`` of the steps instead, if anything does."""

    loss: PerceptualLoss
    early: PerceptualLoss | None
    share: float


def train(settings: Settings, parts: Parts, changes: Sequence[str] = ()) -> bool:
    """One training; False where a signal stopped it, after its last step, too.

    Args:
        settings: all of them.
        parts: made of them.
        changes: what a resumed run does otherwise than before; said once it is known to go on.

    Raises:
        FstError: what the message says.
    """
    keep_freed_memory()
    try_out(parts)
    recipe = Recipe.of(settings)
    torch.manual_seed(recipe.seed)
    dtype = pick_precision(recipe.precision, pick_device(settings["trainer"]["device"]))
    judges = make_judges(settings, parts, dtype)
    start = starting_net(settings)
    parts.data.setup()  # before any folder is made: no photos, no run
    run = open_run(settings, start.net, recipe)
    with begun(run, settings, changes):
        weigh(settings, judges, parts.data, run)
        module = StyleTransferModule(
            start.net, judges.loss, recipe, dtype, judges.early, judges.share,
            margin=settings["style"]["margin"] or 0,
        )  # fmt: skip
        shown = {"painting": about_painting(settings["style"])}
        return learn(settings, parts, run, module, shown, start.init)


@contextmanager
def begun(run: Run, settings: Settings, changes: Sequence[str]) -> Iterator[None]:
    """A run that nobody else trains, once its settings are in its folder."""
    if process_rank() > 0:
        yield
        return
    with held(run.folder), failure_noted(run.folder):
        for change in changes:
            print(f"resumed with {change}", flush=True)
        keep_settings(run, settings)
        yield


def learn(
    settings: Settings,
    parts: Parts,
    run: Run,
    module: StyleTransferModule,
    shown: Mapping[str, str],
    init: Mapping[str, str],
    more: Mapping[str, Any] | None = None,
) -> bool:
    """Trains to the last step and keeps what was learned; False where a signal stopped it.

    A run whose time is up has ended as planned, without a result as yet.

    Args:
        settings: of the training.
        parts: photos, trainer and loggers.
        run: where it writes.
        module: with the net to begin with.
        shown: what the run's page tells first.
        init: which style the net begins with, and the digest of its weights.
        more: of the finished file's description, besides what all have.
    """
    before = {name: weight.clone() for name, weight in module.net.state_dict().items()}
    if module.recipe.freeze:
        freeze(module.net)
    if module.recipe.compile:
        module.compile()
    loggers = [make(save_dir=run.folder) for make in parts.make_loggers]
    shown = {**shown, **described(settings, module, parts.data)}
    trainer = parts.make_trainer(run, loggers, settings=shown)
    tell_smaller(trainer, smaller_presets(settings))
    for logger in loggers:
        logger.log_hyperparams(writable(settings))
    if not fit(module, parts.data, trainer, run):
        return time_is_up(trainer)
    check_learned(module.best_net, before, trainer.max_steps, module.guard)
    if process_rank() == 0:
        keep(settings, module, parts.data, trainer, run, init, more or {})
    return not got_signal(trainer)  # finished, but what would come next is not wanted


def make_judges(
    settings: Settings, parts: Parts, dtype: torch.dtype, painting: Tensor | None = None
) -> Judges:
    """The losses that judge; a weight that is to be calibrated is set by :func:`weigh`.

    Args:
        settings: of the training.
        parts: make the losses.
        dtype: of the networks.
        painting: ``(1, 3, H, W)``; None is the style's.
    """
    style, loss = settings["style"], settings["loss"]
    share = loss.get("slim_share")
    if share is not None and "slim" in (loss["weights"], loss.get("network")):
        raise InputError("loss.slim_share goes from the slim network to VGG-19: not with loss=slim")

    statistic = loss.get("statistic", "gram")
    painting = the_painting(style, statistic) if painting is None else painting

    def judged_by(weights: str) -> PerceptualLoss:
        # a run's own network may be VGG-16; the slim one begins in its place, too
        network = {} if loss.get("network") is None or weights != "slim" else {"network": "slim"}
        return parts.make_loss(painting, weights=weights, dtype=dtype, **network)

    objective = judged_by(loss["weights"])
    return Judges(objective, None if share is None else judged_by("slim"), share or 0.0)


def the_painting(style: dict[str, Any], statistic: str = "gram") -> Tensor:
    """The painting; ``style`` then says which file it was, or what stands in for it.

    A run that is resumed has said so before, and goes on with the same.

    Args:
        style: the settings of one.
        statistic: of the loss.

    Raises:
        AssetError: it can't be had.
        InputError: the run began with another picture.
    """
    image, size, before = style["image"], style["size"], style.get("image_sha256")
    stood_in = style.get("painting") == STAND_IN
    painting = style_target(image, size, before, stood_in, statistic=statistic)
    now = None if stood_in else checksum_of(image, before)
    if before is not None and now != before:
        what = "is another picture now" if now else "is not here any more"
        raise InputError(f"the run began with the painting {image}, which {what}: put it back")
    if now is None:
        style["painting"] = STAND_IN  # a finished style tells what it was trained on
    else:
        style["image_sha256"] = now
    return painting


def open_run(settings: Settings, net: nn.Module, recipe: Recipe) -> Run:
    """The run's folder, new or to be resumed; of several processes the first one makes it.

    A run to be resumed has to be one of this net and recipe.
    """
    max_steps = settings["trainer"]["max_steps"]
    runs, checkpoints = Path(settings["runs"]), Path(settings["checkpoints"])
    return prepare_run(
        settings["style"]["name"],
        runs,
        checkpoints,
        settings["resume"],
        may_replace(settings),
        writes=process_rank() == 0,
        fits=partial(check_fits, net=net, recipe=recipe, max_steps=max_steps),
    )


def fixed_weights(style: Mapping[str, Any]) -> dict[str, float]:
    """The weights that the user has given, and the plain ones for those left out."""
    plain = {"content_weight": CONTENT_WEIGHT, "style_weight": STYLE_WEIGHT}
    return {name: value if style[name] is None else style[name] for name, value in plain.items()}


def weigh(settings: Settings, judges: Judges, data: PhotoDataModule, run: Run) -> None:
    """Sets the style weight: as given, or by a pilot; ``settings["style"]`` then says both.

    The pilot asks the judge that the run ends with, on photos that it is validated on. The first
    process tells the others (:meth:`StyleTransferModule.setup`).
    """
    style = settings["style"]
    if not is_calibrated(style):
        style |= {"strength_target": None} | fixed_weights(style)
        return
    if process_rank() > 0:
        return
    loss, strength = judges.loss, style["strength_target"]
    loss.to(pick_device(settings["trainer"]["device"]))
    crops = data.pilot_crops(photos_for(loss))
    found = calibrate_once(loss, crops, strength, run.folder / "calibration.json")
    style |= {"content_weight": loss.content_weight, "style_weight": found.style_weight}
    weights = f"style_weight={found.style_weight:g} to content_weight={loss.content_weight:g}"
    content = f"content comes out at {found.content:.2f}"
    if found.least is not None and found.most is not None:
        content += f", from {found.least:.2f} to {found.most:.2f} over {found.photos} photos"
        spread = {"content": found.content, "least": found.least, "most": found.most}
        style["calibration"] = {"photos": found.photos}
        style["calibration"] |= {name: round(value, 3) for name, value in spread.items()}
    print(f"strength_target {strength:g}: {weights} ({content})", flush=True)
    if judges.early is not None:
        judges.early.style_weight = found.style_weight


def keep(
    settings: Settings,
    module: StyleTransferModule,
    data: PhotoDataModule,
    trainer: lightning.Trainer,
    run: Run,
    init: Mapping[str, str],
    more: Mapping[str, Any],
) -> None:
    """Writes the finished style, and says where."""
    about = describe_run(module, data, trainer, settings["net"], settings["style"], init)
    about |= more
    overwrite = settings["overwrite"] if run.resume is None else may_replace(settings)
    path = finish(run, TrainedStyle(module.best_net, about), overwrite)
    print(f"wrote {path}  (objective {about['objective']['total']:.3f}; the run: {run.folder})")

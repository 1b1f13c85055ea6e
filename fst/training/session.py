"""A training as named steps.

judges → starting net → data → run folder → calibration → module → fit → finish
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import lightning
import torch
from lightning.pytorch.loggers.logger import Logger
from torch import nn

from fst.data.module import PhotoDataModule
from fst.errors import InputError
from fst.losses.perceptual import CONTENT_WEIGHT, STYLE_WEIGHT, PerceptualLoss
from fst.nets import alike, make_net
from fst.optimization.calibration import calibrate_once
from fst.styles.catalog import load_style
from fst.styles.objective import STAND_IN, is_at_hand, style_target
from fst.styles.trained import TrainedStyle
from fst.system.device import pick_device, pick_precision, process_rank
from fst.system.memory import keep_freed_memory
from fst.training.description import describe_run
from fst.training.fit import fit, got_signal
from fst.training.module import StyleTransferModule
from fst.training.recipe import Recipe
from fst.training.runs import Run, finish, held, keep_settings, prepare_run
from fst.training.settings import is_calibrated

Settings = dict[str, Any]
"""All of ``configs/train.yaml`` as plain values; :func:`~fst.training.settings.check_settings`."""


@dataclass(frozen=True)
class Parts:
    """What the configuration names; made by the command, which alone knows Hydra.

    Attributes:
        make_loss: from painting or statistics, ``weights`` and ``dtype`` to the loss.
        data: photos to train on and to validate on.
        make_trainer: from run, loggers and ``settings`` for its page to a trainer.
        make_loggers: from ``save_dir`` to a logger.
    """

    make_loss: Callable[..., PerceptualLoss]
    data: PhotoDataModule
    make_trainer: Callable[..., lightning.Trainer]
    make_loggers: Sequence[Callable[..., Logger]]


class Judges(NamedTuple):
    """The objective; and what judges the first ``share`` of the steps instead, if anything does."""

    loss: PerceptualLoss
    early: PerceptualLoss | None
    share: float


class Start(NamedTuple):
    """The net that a training begins with, and whose weights these are."""

    net: nn.Module
    init: dict[str, str]


def train(settings: Settings, parts: Parts) -> bool:
    """One training; False where a signal or the time stopped it, after its last step, too.

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
    run = open_run(settings)
    with held(run.folder) if process_rank() == 0 else nullcontext():
        if process_rank() == 0:
            keep_settings(run, settings)
        weigh(settings, judges, parts.data, run)
        module = StyleTransferModule(
            start.net, judges.loss, recipe, dtype, judges.early, judges.share
        )
        if recipe.compile:
            module.compile()
        loggers = [make(save_dir=run.folder) for make in parts.make_loggers]
        shown = described(settings, judges, parts.data, dtype)
        trainer = parts.make_trainer(run, loggers, settings=shown)
        if not fit(module, parts.data, trainer, run):
            return False
        if process_rank() == 0:
            keep(settings, module, parts.data, trainer, run, start.init)
        return not got_signal(trainer)  # finished, but what would come next is not wanted


def try_out(parts: Parts) -> None:
    """Makes trainer and loggers once, somewhere else: what they refuse is known before the work.

    Raises:
        InputError: settings that they don't take.
    """
    with TemporaryDirectory() as folder:
        run = Run(Path(folder), Path(folder) / "style.safetensors", None)
        try:
            loggers = [make(save_dir=run.folder) for make in parts.make_loggers]
            for logger in loggers:
                str(logger.log_dir)  # made of the logger's name and version
        except (TypeError, ValueError) as error:
            raise InputError(f"logger: {_first_line(error)}") from error
        try:
            parts.make_trainer(run, loggers, settings={})
        except (TypeError, ValueError) as error:
            if isinstance(error, InputError):
                raise
            raise InputError(f"trainer: {_first_line(error)}") from error


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)


def make_judges(settings: Settings, parts: Parts, dtype: torch.dtype) -> Judges:
    """The losses that judge; a weight that is to be calibrated is set by :func:`weigh`."""
    style, loss = settings["style"], settings["loss"]
    share = loss.get("slim_share")
    if share is not None and loss["weights"] == "slim":
        raise InputError("loss.slim_share goes from the slim network to VGG-19: not with loss=slim")

    painting = style_target(style["image"], style["size"])
    if not is_at_hand(style["image"]):
        style["painting"] = STAND_IN  # a finished style tells what it was trained on

    def judged_by(weights: str) -> PerceptualLoss:
        return parts.make_loss(painting, weights=weights, dtype=dtype)

    objective = judged_by(loss["weights"])
    return Judges(objective, None if share is None else judged_by("slim"), share or 0.0)


def starting_net(settings: Settings) -> Start:
    """The net, with random weights or those of ``init``: a trained style, or a blend of several."""
    configured, init = settings["net"], settings["init"]
    net = make_net(**configured)
    if init is None:
        return Start(net, {})
    trained = load_style(init)
    its = trained.description["net"]
    if not alike(its, configured):
        raise InputError(
            f"init={init}: its net is {its}, not {configured}; init=null begins at random"
        )
    net.load_state_dict(trained.net.state_dict())
    name = Path(init).name.removesuffix(".safetensors")
    if "=" in init and (shares := trained.description.get("blend")):
        stems = {part: Path(part).name.removesuffix(".safetensors") for part in shares}
        name = ",".join(f"{stems[part]}={share}" for part, share in shares.items())
    return Start(net, {"init": name, "init_sha256": trained.digest})


def open_run(settings: Settings) -> Run:
    """The run's folder, new or to be resumed; of several processes the first one makes it."""
    runs, checkpoints = Path(settings["runs"]), Path(settings["checkpoints"])
    return prepare_run(
        settings["style"]["name"],
        runs,
        checkpoints,
        settings["resume"],
        settings["overwrite"],
        writes=process_rank() == 0,
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
    found = calibrate_once(loss, data.pilot_crops(), strength, run.folder / "calibration.json")
    style |= {"content_weight": loss.content_weight, "style_weight": found.style_weight}
    weights = f"style_weight={found.style_weight:g} to content_weight={loss.content_weight:g}"
    print(f"strength_target {strength:g}: {weights} (content comes out at {found.content:.2f})",
          flush=True)  # fmt: skip
    if judges.early is not None:
        judges.early.style_weight = found.style_weight


def described(
    settings: Settings, judges: Judges, data: PhotoDataModule, dtype: torch.dtype
) -> dict[str, str]:
    """The settings in words, for the run's page."""
    style, net, loss = settings["style"], settings["net"], judges.loss
    early = f"; the slim network in the first {judges.share:.0%} of the steps"
    return {
        "painting": f"{style['image']}, {style['size']} px"
        + (f", by {style['painting']}" if "painting" in style else ""),
        "photos": f"{' '.join(filter(None, (data.source, data.path)))}, {data.batch_size} a step, "
        f"{data.size} px",
        "judge": f"{loss.vgg.architecture}, {loss.vgg.source} weights"
        + (early if judges.early is not None else ""),
        "weights": f"content {loss.content_weight:g}, style {loss.style_weight:g}, "
        f"tv {loss.tv_weight:g}",
        "net": f"{net['name']} {net['arguments']}",
        "precision": "bf16" if dtype == torch.bfloat16 else "fp32",
    }


def keep(
    settings: Settings,
    module: StyleTransferModule,
    data: PhotoDataModule,
    trainer: lightning.Trainer,
    run: Run,
    init: Mapping[str, str],
) -> None:
    """Writes the finished style, and says where."""
    about = describe_run(module, data, trainer, settings["net"], settings["style"], init)
    path = finish(run, TrainedStyle(module.best_net, about), settings["overwrite"])
    print(f"wrote {path}  (objective {about['objective']['total']:.3f}; the run: {run.folder})")

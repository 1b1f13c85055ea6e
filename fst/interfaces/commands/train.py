"""Trains a net for one painting: ``fst train style=monet``; see configs/."""

import argparse
import os
import sys
from pathlib import Path
from typing import Any

import hydra
import torch
from hydra.core.hydra_config import HydraConfig
from hydra.errors import CompactHydraException, InstantiationException
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import MissingMandatoryValue, OmegaConfBaseException
from torch import nn

from fst.assets import shipped, user_folder
from fst.errors import FstError, InputError, one_line_errors
from fst.losses.perceptual import CONTENT_WEIGHT, STYLE_WEIGHT, PerceptualLoss
from fst.nets import alike, make_net
from fst.optimization.calibration import calibrate_once
from fst.styles.catalog import load_style
from fst.styles.objective import style_target
from fst.styles.reproduce import quoted
from fst.styles.trained import TrainedStyle
from fst.system.device import pick_device, pick_precision, process_rank
from fst.system.memory import keep_freed_memory
from fst.training.fit import fit, got_signal
from fst.training.module import StyleTransferModule
from fst.training.runs import changed_settings, finish, prepare_run
from fst.training.trainer import check_counts, describe_run

TEXTS = ("style.name", "style.image", "data.path", "data.val_path", "init", "resume", "runs",
         "checkpoints")  # fmt: skip
"""Settings that name something: 2024 is a name, too, though Hydra reads it as a number."""


CONFIGS = str(shipped("configs"))


def composed(config: DictConfig) -> None:
    """Composes the parts that the configuration names, trains, and writes the finished style."""
    sweep = HydraConfig.get().mode == RunMode.MULTIRUN
    if process_rank() > 0:
        sys.stdout = open(os.devnull, "w")  # the first process speaks for all
    try:
        with one_line_errors():
            if sweep and config.trainer.devices != 1:
                raise InputError("a sweep (-m) trains on one device at a time: trainer.devices=1")
            if not train(config, to_plain(config), HydraConfig.get().runtime.choices["style"]):
                sys.exit(130)
    except SystemExit as end:
        if isinstance(end.__context__, KeyboardInterrupt):
            sys.exit(130)  # Lightning ends on a second Ctrl-C with 1
        if not sweep or end.code == 130:
            raise
        # the other styles of a sweep are still trained; Hydra then ends with this line
        raise CompactHydraException(f"{config.style.name} was not trained") from None


def to_plain(config: DictConfig) -> dict[str, Any]:
    """The configuration as plain values."""
    for key in TEXTS:
        if isinstance(value := OmegaConf.select(config, key), bool | int | float):
            OmegaConf.update(config, key, str(value))
    try:
        return OmegaConf.to_container(config, resolve=True, throw_on_missing=True)  # type: ignore[return-value]
    except MissingMandatoryValue as error:
        raise InputError(f"{error.full_key} is not given") from error
    except OmegaConfBaseException as error:
        raise InputError(str(error).splitlines()[0]) from error


def instantiate(part: DictConfig) -> Any:
    """What a group of the configuration names; the user's mistakes without Hydra's frame."""
    try:
        return hydra.utils.instantiate(part, _convert_="all")
    except InstantiationException as error:
        if isinstance(error.__cause__, FstError):
            raise error.__cause__ from None
        raise InputError(str(error).splitlines()[0]) from error


def calibrated(style: dict[str, Any]) -> bool:
    """Whether the weights of content and style follow from the strength asked for."""
    return style["content_weight"] is None and style["style_weight"] is None


def fixed_weights(style: dict[str, Any]) -> dict[str, Any]:
    """The weights that the user has given, and the plain ones for those left out."""
    plain = {"content_weight": CONTENT_WEIGHT, "style_weight": STYLE_WEIGHT}
    return {key: value if style[key] is None else style[key] for key, value in plain.items()}


def begin_with(net: nn.Module, style: str, configured: dict[str, Any]) -> dict[str, str]:
    """Gives ``net`` the weights of a trained style, or of a blend of several; what was taken."""
    trained = load_style(style)
    its = trained.description["net"]
    if not alike(its, configured):
        raise InputError(
            f"init={style}: its net is {its}, not {configured}; init=null begins at random"
        )
    net.load_state_dict(trained.net.state_dict())
    name = Path(style).name.removesuffix(".safetensors")
    if "=" in style and (shares := trained.description.get("blend")):
        stems = {part: Path(part).name.removesuffix(".safetensors") for part in shares}
        name = ",".join(f"{stems[part]}={share}" for part, share in shares.items())
    return {"init": name, "init_sha256": trained.digest}


def train(config: DictConfig, plain: dict[str, Any], style_file: str) -> bool:
    """One training; False where a signal or the time stopped it, after its last step, too."""
    keep_freed_memory()
    style = plain["style"]
    if style["name"] != style_file:  # the user's own painting has another title and painter
        style |= {"title": None, "painter": None, "year": None, "rights": None}
    check_counts(**plain["trainer"])
    torch.manual_seed(plain["seed"])
    dtype = pick_precision(plain["precision"], pick_device(plain["trainer"]["device"]))
    for key, value in (("style.size", style["size"]), ("accumulate", plain["accumulate"])):
        if not isinstance(value, int) or value < (32 if key == "style.size" else 1):
            raise InputError(f"{key} must be a whole number of pixels or parts, not {value!r}")
    share = plain["loss"].get("schedule")
    chosen = {key: value for key, value in plain["loss"].items() if key != "schedule"}
    chosen |= fixed_weights(style)
    make_loss = instantiate(OmegaConf.create(chosen))

    def judge(weights: str) -> PerceptualLoss:
        layers = chosen["style_layers"]
        target = style_target(style["image"], style["size"], layers, weights)
        loss: PerceptualLoss = make_loss(target, weights=weights, dtype=dtype)
        return loss

    if share is not None and chosen["weights"] == "slim":
        raise InputError("loss.schedule goes from the slim network to VGG-19: not with loss=slim")
    loss = judge(chosen["weights"])
    if loss.known_by:
        print(f"no {style['image']} here: its statistics come from the package", flush=True)
    early: dict[str, Any] = {}
    if share is not None:
        early = {"early_loss": judge("slim"), "early_share": share}
    settings = ("optimizer", "learning_rate", "schedule", "warmup_steps", "ema", "pattern_weight")
    options = {key: plain[key] for key in settings}
    net = make_net(**plain["net"])
    init = {} if plain["init"] is None else begin_with(net, plain["init"], plain["net"])
    module = StyleTransferModule(
        net, loss, **options, dtype=dtype,
        micro_batches=plain["accumulate"], **early,
    )  # fmt: skip
    if plain["compile"]:
        module.compile()
    data = instantiate(config.data)
    data.setup()  # before any folder is made: no photos, no run
    folders, first = (Path(plain["runs"]), Path(plain["checkpoints"])), process_rank() == 0
    resume, overwrite = plain["resume"], plain["overwrite"]
    run = prepare_run(style["name"], *folders, resume, overwrite, writes=first)
    if first:
        saved = run.folder / "config.yaml"
        if run.resume and saved.exists():
            before: Any = OmegaConf.to_container(OmegaConf.load(saved))
            for change in changed_settings(before, plain):
                print(f"other than in the interrupted run: {change}", flush=True)
        OmegaConf.save(OmegaConf.create(plain), saved)
    device = pick_device(plain["trainer"]["device"])
    if calibrated(style) and first:  # the first process tells the others
        # of the judge that the run ends with, on photos that it is validated on
        assert data.val is not None
        print("weighing style against content ...", flush=True)
        record, strength = run.folder / "calibration.json", style["strength_target"]
        found = calibrate_once(loss.to(device), data.val.crops, strength, record)
        style |= {"content_weight": loss.content_weight, "style_weight": found.style_weight}
        weights = f"style_weight={found.style_weight:g} to content_weight={loss.content_weight:g}"
        print(f"strength_target {strength:g}: {weights} (content comes out at {found.content:.2f})",
              flush=True)  # fmt: skip
        if early:
            early["early_loss"].style_weight = found.style_weight
    elif not calibrated(style):
        style |= {"strength_target": None} | fixed_weights(style)
    loggers = [
        part(save_dir=run.folder) for part in hydra.utils.instantiate(config.logger).values()
    ]
    shown = {
        "painting": f"{style['image']}, {style['size']} px{loss.known_by}",
        "photos": f"{data.source} {data.path or ''}, {data.batch_size} a step, {data.size} px",
        "judge": f"{loss.vgg.architecture}, {loss.vgg.source} weights"
        + (f"; the slim network in the first {share:.0%} of the steps" if early else ""),
        "weights": f"content {loss.content_weight:g}, style {loss.style_weight:g}, "
        f"tv {loss.tv_weight:g}",
        "net": f"{plain['net']['name']} {plain['net']['arguments']}",
        "precision": "bf16" if dtype == torch.bfloat16 else "fp32",
    }
    trainer = instantiate(config.trainer)(run, loggers, settings=shown)
    if not fit(module, data, trainer, run):
        return False
    if first:
        about = describe_run(module, data, trainer, plain["net"], style, plain["seed"], init)
        path = finish(run, TrainedStyle(module.best_net, about), overwrite)
        print(f"wrote {path}  (objective {about['objective']['total']:.3f}; the run: {run.folder})")
    return not got_signal(trainer)  # finished, but what would come next is not wanted


def main(options: argparse.Namespace) -> int:
    """Lets Hydra read the settings, compose them, and call :func:`composed`."""
    words = list(options.words)
    if options.user:
        given = {word.lstrip("+").partition("=")[0] for word in words}
        for place in ("runs", "checkpoints"):
            if place not in given:
                words.append(f"{place}={quoted(str(user_folder(place)))}")
        if process_rank() == 0 and options.cfg is None:
            print(f"writes below {user_folder('')}", flush=True)
    typed, sys.argv = sys.argv, [sys.argv[0], *words]

    def task(config: DictConfig) -> None:
        sys.argv = typed  # with these Lightning starts the other processes of several devices
        composed(config)

    hydra.main(version_base="1.3", config_path=CONFIGS, config_name="train")(task)()
    return 0

"""Trains a net for one painting: ``python scripts/train.py style=monet``; see configs/."""

import sys
from pathlib import Path
from typing import Any

import hydra
import torch
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import MissingMandatoryValue, OmegaConfBaseException

from fst import assets
from fst.checkpoint import TrainedStyle
from fst.device import keep_freed_memory, pick_device, pick_precision
from fst.errors import InputError, one_line_errors
from fst.image import load_image, resize
from fst.nets import make_net
from fst.runs import changed_settings, finish, prepare_run
from fst.training import StyleTransferModule, describe_run, fit


@hydra.main(version_base="1.3", config_path="../configs", config_name="train")
def main(config: DictConfig) -> None:
    """Composes the parts that the configuration names, trains, and writes the finished style."""
    with one_line_errors():
        try:
            plain: dict[str, Any] = OmegaConf.to_container(
                config, resolve=True, throw_on_missing=True
            )  # type: ignore[assignment]
        except MissingMandatoryValue as error:
            raise InputError(f"{error.full_key} is not given") from error
        except OmegaConfBaseException as error:
            raise InputError(str(error).splitlines()[0]) from error
        if not train(config, plain, HydraConfig.get().runtime.choices["style"]):
            sys.exit(130)


def train(config: DictConfig, plain: dict[str, Any], style_file: str) -> bool:
    """One training; False where it was stopped before its last step."""
    keep_freed_memory()
    style = plain["style"]
    if style["name"] != style_file:  # the user's own painting has another title and painter
        style |= {"title": None, "painter": None, "year": None, "rights": None}
    torch.manual_seed(plain["seed"])
    device = pick_device(plain["trainer"]["device"])
    dtype = pick_precision(plain["trainer"]["precision"], device)
    painting = resize(load_image(assets.find("styles", style["image"])), style["size"]).rgb
    loss = hydra.utils.instantiate(config.loss, _convert_="all")(painting, dtype=dtype)
    module = StyleTransferModule(
        make_net(**plain["net"]),
        loss,
        plain["learning_rate"],
        plain["schedule"],
        plain["warmup_steps"],
    )
    data = hydra.utils.instantiate(config.data, _convert_="all")
    data.setup()  # before any folder is made: no photos, no run
    folders = (Path(plain["runs"]), Path(plain["checkpoints"]))
    run = prepare_run(style["name"], *folders, plain["resume"], plain["overwrite"])
    saved = run.folder / "config.yaml"
    if run.resume and saved.exists():
        for change in changed_settings(OmegaConf.to_container(OmegaConf.load(saved)), plain):
            print(f"other than in the interrupted run: {change}", flush=True)
    OmegaConf.save(OmegaConf.create(plain), saved)
    loggers = [
        part(save_dir=run.folder) for part in hydra.utils.instantiate(config.logger).values()
    ]
    trainer = hydra.utils.instantiate(config.trainer, _convert_="all")(run, loggers)
    if not fit(module, data, trainer, run):
        return False
    about = describe_run(module, data, trainer, plain["net"], style, plain["seed"])
    path = finish(run, TrainedStyle(module.net, about), plain["overwrite"])
    print(f"wrote {path}  (objective {about['objective']['total']:.3f}; the run: {run.folder})")
    return True


if __name__ == "__main__":
    main()

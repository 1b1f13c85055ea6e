"""Trains a net for one painting: ``fst train style=monet``; see configs/."""

import argparse
import inspect
import os
import sys
from pathlib import Path
from typing import Any

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.errors import CompactHydraException, InstantiationException
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import MissingMandatoryValue, OmegaConfBaseException

from fst.assets import shipped, user_folder
from fst.errors import FstError, InputError, one_line_errors
from fst.styles.reproduce import quoted
from fst.system.device import process_rank
from fst.training.earlier import renamed, translated
from fst.training.session import Parts, fixed_weights, train
from fst.training.settings import check_settings, style_weights

CONFIGS = str(shipped("configs"))

TEXTS = ("style.name", "style.image", "data.path", "data.val_path", "init", "resume", "runs",
         "checkpoints")  # fmt: skip
"""Settings that name something: 2024 is a name, too, though Hydra reads it as a number."""


def composed(config: DictConfig) -> None:
    """Trains with what Hydra has composed, and ends the process where that does not succeed."""
    sweep = HydraConfig.get().mode == RunMode.MULTIRUN
    if process_rank() > 0:
        sys.stdout = open(os.devnull, "w")  # the first process speaks for all
    try:
        with one_line_errors():
            settings = to_plain(config)
            check_settings(settings)
            if sweep and settings["trainer"]["devices"] != 1:
                raise InputError("a sweep (-m) trains on one device at a time: trainer.devices=1")
            settings["style"] |= style_weights(settings)
            own_painting(settings["style"], HydraConfig.get().runtime.choices["style"])
            if not train(settings, make_parts(settings)):
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
        plain: Any = OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
    except MissingMandatoryValue as error:
        raise InputError(f"{error.full_key} is not given") from error
    except OmegaConfBaseException as error:
        raise InputError(str(error).splitlines()[0]) from error
    return translated(plain)


def own_painting(style: dict[str, Any], style_file: str) -> None:
    """A painting of the user's own, under another's file, has another title and painter."""
    if style["name"] != style_file:
        style |= {"title": None, "painter": None, "year": None, "rights": None}


def make_parts(settings: dict[str, Any]) -> Parts:
    """What the groups of the configuration name by their ``_target_``."""
    loss = {key: value for key, value in settings["loss"].items() if key != "slim_share"}
    weights = fixed_weights(settings["style"]) | {"tv_weight": settings["style"]["tv_weight"]}
    return Parts(
        make_loss=instantiate("loss", loss | weights),
        data=instantiate("data", settings["data"]),
        make_trainer=instantiate("trainer", settings["trainer"]),
        make_loggers=[
            instantiate(f"logger.{name}", logger) for name, logger in settings["logger"].items()
        ],
    )


def instantiate(name: str, part: dict[str, Any]) -> Any:
    """What a group names by its ``_target_``; the user's mistakes without Hydra's frame."""
    try:
        known = inspect.signature(hydra.utils.get_object(part["_target_"])).parameters
        unknown = [key for key in part if key[:1] != "_" and key not in known]
        if unknown and not any(p.kind is p.VAR_KEYWORD for p in known.values()):
            raise InputError(f"{name} has no setting {unknown[0]!r}: there are {', '.join(known)}")
        return hydra.utils.instantiate(part, _convert_="all")
    except InstantiationException as error:
        if isinstance(error.__cause__, FstError):
            raise error.__cause__ from None
        raise InputError(f"{name}: {str(error).splitlines()[0]}") from error
    except (ImportError, AttributeError, KeyError, TypeError, ValueError) as error:
        if isinstance(error, FstError):
            raise
        raise InputError(f"{name} names nothing that can be made: {error}") from error


def as_typed(word: str, several: bool = False) -> str:
    """A word of the command line as Hydra reads it: names and paths mean what was typed.

    Args:
        word: ``SETTING=VALUE``, or a flag.
        several: whether a comma separates values (``-m``); then nothing is quoted.
    """
    key, equals, value = word.partition("=")
    given = value[:1] in ("'", '"') or "${" in value  # quoted, or a reference: meant for Hydra
    if not equals or several or key.lstrip("+") not in TEXTS or value in ("", "null") or given:
        return word
    at_home = value == "~" or value.startswith("~/")  # a shell expands it after a space alone
    return f"{key}={quoted(str(Path(value).expanduser()) if at_home else value)}"


def main(options: argparse.Namespace) -> int:
    """Lets Hydra read the settings, compose them, and call :func:`composed`."""
    words = [as_typed(renamed(word), options.multirun) for word in options.words]
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

"""Trains a net for one painting: ``fst train style=monet``; see configs/."""

import argparse
import inspect
import os
import sys
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

import hydra
import yaml
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import CompactHydraException, HydraException, InstantiationException
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import MissingMandatoryValue, OmegaConfBaseException

from fst.assets import shipped, user_folder
from fst.errors import FstError, InputError, one_line_errors
from fst.interfaces.arguments.train import check_keys, known_keys, near
from fst.styles.reproduce import quoted
from fst.system.device import process_rank
from fst.training.at_hand import judged_at_hand
from fst.training.earlier import renamed, translated
from fst.training.loss_weights import style_weights
from fst.training.many.beginning import usual_init
from fst.training.many.session import train_many
from fst.training.many.settings import check_frozen, check_typed, count_rows, is_of_many
from fst.training.own_painting import own_painting
from fst.training.parts import Parts
from fst.training.resume import ABSENT, foreign_targets, leaves, own_settings, resumed_settings
from fst.training.session import fixed_weights, train
from fst.training.settings import check_settings
from fst.training.unfinished import find_run, folder_of
from fst.training.words import TEXTS, hydras, key_of, one_line, resumes

CONFIGS = str(shipped("configs"))


def composed(config: DictConfig, filled: Collection[str] = ()) -> None:
    """Trains with what Hydra has composed, and ends the process where that does not succeed.

    Args:
        config: all settings.
        filled: those that nobody has given, since the run to be resumed has its own.
    """
    sweep = HydraConfig.get().mode == RunMode.MULTIRUN
    if process_rank() > 0:
        sys.stdout = open(os.devnull, "w")  # the first process speaks for all
    try:
        with one_line_errors():
            settings = to_plain(config)
            added = [key_of(word) for word in HydraConfig.get().overrides.task if word[:1] == "+"]
            check_keys(settings, added, OmegaConf.to_yaml(config))
            typed = {key_of(word) for word in HydraConfig.get().overrides.task} - {*filled}
            own_painting(settings["style"], HydraConfig.get().runtime.choices.get("style"), typed)
            count_rows(settings)
            changes: list[str] = []
            if settings["resume"] is not None:
                settings, changes = going_on(settings, filled)
            check_settings(settings)
            check_typed(settings, typed)
            settings["loss"] = judged_at_hand(settings["loss"])
            if sweep and settings["trainer"]["devices"] != 1:
                raise InputError("a sweep (-m) trains on one device at a time: trainer.devices=1")
            settings["style"] |= style_weights(settings)
            if settings["resume"] in (None, "auto"):
                usual_init(settings, typed)
            check_frozen(settings)
            work = train_many if is_of_many(settings) else train
            if not work(settings, make_parts(settings), changes):
                sys.exit(130)
    except SystemExit as end:
        if isinstance(end.__context__, KeyboardInterrupt):
            sys.exit(130)  # Lightning ends on a second Ctrl-C with 1
        if not sweep or end.code == 130:
            raise
        # the other styles of a sweep are still trained; Hydra then ends with this line
        raise CompactHydraException(f"{config.style.name} was not trained") from None


def going_on(settings: dict[str, Any], filled: Collection[str]) -> tuple[dict[str, Any], list[str]]:
    """The settings of the run that is resumed, what is said now on top; and what that changes.

    Args:
        settings: as for a new run, which begins where ``resume=auto`` finds none.
        filled: those that nobody has given; without a style's name, a run of any style is meant.

    Raises:
        FstError: no run to resume, or one that can't go on with these settings.
    """
    text_of = {key: settings[key] for key in ("resume", "runs")}
    if not all(isinstance(value, str) and value for value in text_of.values()):
        check_settings(settings)  # says which
    style = None if "style.name" in filled else str(settings["style"].get("name"))
    start = find_run(text_of["resume"], Path(text_of["runs"]), style)
    if start is None:
        if filled:
            raise InputError(f"no run of {style!r} to resume: style=NAME or style=PATH begins one")
        return settings, []
    folder = folder_of(start)
    own = own_settings(folder)
    files = shipped("configs").rglob("*.yaml")
    known = [settings, *(yaml.safe_load(path.read_text(encoding="utf-8")) for path in files)]
    if foreign := foreign_targets(own, known):
        raise InputError(
            f"{folder}/config.yaml would call {foreign[0]}, which does not come with fst: give "
            "that setting on the command line as well, if it is yours"
        )
    settings["loss"] = judged_at_hand(settings["loss"], own["loss"])
    names = [name for name in said(HydraConfig.get().overrides.task, own) if name not in filled]
    return resumed_settings(own, settings | {"resume": str(start)}, names)


def said(words: Sequence[str], own: dict[str, Any]) -> Iterator[str]:
    """The settings that the words of a command line give.

    A choice of a group says what sets it apart from the group's other choices; an experiment, what
    it sets apart from the defaults.

    Args:
        words: as Hydra was given them.
        own: settings of the run: photos of the source that it has are its photos.
    """
    loader = GlobalHydra.instance().config_loader()
    overrides = OverridesParser.create().parse_overrides(list(words))
    styles = [o.input_line for o in overrides if o.key_or_group == "style" and o.input_line]
    for override in overrides:
        group = override.key_or_group
        choices = [name for name in loader.get_group_options(group) if name[:1] != "_"]
        if group == "logger" or (not choices and not group.startswith("hydra")):
            yield group
        if group == "logger" or not choices or override.is_delete() or override.value() is None:
            continue
        others = [f"{group}={name}" for name in choices if name != override.value()]
        chosen = f"{group}={override.value()}"
        before = [] if group == "style" else styles
        mine, *rest = [
            found
            for word in (chosen, *(["+unused=0"] if group == "experiment" else others))
            if (found := _leaves_of([*before, word])) is not None
        ]
        for name, value in mine.items():
            its_photos = name == "data.path" and own.get("data", {}).get("source") == (
                mine.get("data.source")
            )
            if not its_photos and any(other.get(name, ABSENT) != value for other in rest):
                yield name


def _leaves_of(words: list[str]) -> dict[str, Any] | None:
    """What Hydra composes, setting by setting, with references as they are; None if it can't."""
    loader = GlobalHydra.instance().config_loader()
    try:
        config = loader.load_configuration("train", words, RunMode.RUN)
    except (HydraException, OmegaConfBaseException):
        return None
    plain: Any = OmegaConf.to_container(config, resolve=False)
    plain.pop("hydra", None)
    return leaves(plain)


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
            wrong = f"{name}.{unknown[0]}"
            raise InputError(f"no setting {wrong!r}{near(wrong, [f'{name}.{k}' for k in known])}")
        return hydra.utils.instantiate(part, _convert_="all")
    except InstantiationException as error:
        if isinstance(error.__cause__, FstError):
            raise error.__cause__ from None
        raise InputError(f"{name}: {str(error).splitlines()[0]}") from error
    except (ImportError, AttributeError, KeyError, TypeError, ValueError) as error:
        if isinstance(error, FstError):
            raise
        raise InputError(f"{name} names nothing that can be made: {error}") from error


def main(options: argparse.Namespace) -> int:
    """Lets Hydra read the settings, compose them, and call :func:`composed`."""
    words = [renamed(word) for word in options.settings]
    flags = [word for word in options.words if word not in options.settings]
    if resumes(words) and options.cfg is not None:
        raise InputError("--cfg shows a new run's settings; those of others: their config.yaml")
    words = hydras(words, known_keys(options.config_dir), options.multirun)
    given, filled = {key_of(word) for word in words}, []
    if resumes(words) and "style" not in given:  # the run has its own
        filled = [key for key in ("style.name", "style.image") if key not in given]
        words += ["~style", *(f"{key}=unknown" for key in filled)]
    if options.user:
        for place in ("runs", "checkpoints"):
            if place not in given:
                words.append(f"{place}={quoted(str(user_folder(place)))}")
        if process_rank() == 0 and options.cfg is None:
            print(f"writes below {user_folder('')}", flush=True)
    check_grammar(words)
    # flags last, since Hydra reads no setting after them
    typed, sys.argv = sys.argv, [sys.argv[0], *words, *flags]

    def task(config: DictConfig) -> None:
        sys.argv = typed  # with these Lightning starts the other processes of several devices
        composed(config, filled)

    os.environ["HYDRA_FULL_ERROR"] = "1"  # else it says a mistake itself, in several lines
    try:
        hydra.main(version_base="1.3", config_path=CONFIGS, config_name="train")(task)()
    except (HydraException, OmegaConfBaseException, yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(one_line(error)) from error
    return 0


def check_grammar(words: Sequence[str]) -> None:
    """That Hydra can read every word.

    Raises:
        InputError: it can't; names the word.
    """
    parser = OverridesParser.create()
    for word in words:
        try:
            parser.parse_overrides([word])
        except HydraException as error:
            key, _, value = word.partition("=")
            raise InputError(
                f"{word} can't be read: give a value as {key}='{value}' to have it taken as a text"
            ) from error

"""The command that trains a finished style again, read from the style itself."""

import re
from typing import Any

from fst.errors import InputError
from fst.losses.perceptual import CONTENT_LAYERS, STYLE_LAYERS
from fst.losses.style.choice import CHOSEN
from fst.nets import EARLIER
from fst.styles import catalog
from fst.styles.names import is_path

EXACT = 0.03
"""Relative difference of the objective within which a style counts as reproduced."""


def training_arguments(
    description: dict[str, Any], steps: int | None = None, precision: str | None = None
) -> list[str]:
    """The arguments of ``fst train`` that made a style, as far as they matter.

    Paths of photos are not kept in a checkpoint: the folder's name is taken, as FST_ASSETS has it.

    Args:
        description: of a checkpoint.
        steps: train for so many instead; the schedule is stretched.
        precision: instead of the one it was trained in.

    Raises:
        InputError: the description lacks what is needed, or is of a net of many styles.
    """
    if description["net"]["name"] != "johnson" and description["style"].get("image") is None:
        raise InputError(
            f"{description['style']['name']} is a net of many styles: no command tells how it was "
            "trained, since its paintings lie elsewhere"
        )
    try:
        return _arguments(description, steps, precision)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise InputError(f"the checkpoint does not say how it was trained: {error}") from error


def _arguments(description: dict[str, Any], steps: int | None, precision: str | None) -> list[str]:
    style, loss = description["style"], description["loss"]
    training, data = description["training"], description["data"]
    network = loss["loss_network"]["weights"]
    net = {**EARLIER, **description["net"]["arguments"]}
    names = [f"style={style['name']}", f"style.image={quoted(style['image'])}"]
    if style["name"] not in catalog.style_names():  # the user's own; taken as typed
        setting = "style" if is_path(style["image"]) else "style.image"
        names = [f"{setting}={style['image']}", f"style.name={style['name']}"]
    share = training.get("slim_steps_share", 0.0)
    recipe = recipe_of(description) | ({"precision": precision} if precision else {})
    arguments = [
        *names,
        f"style.size={style['size']}",
        f"style.content_weight={loss['content_weight']:g}",
        f"style.style_weight={loss['style_weight']:g}",
        f"style.tv_weight={loss['tv_weight']:g}",
        f"loss={'slim' if network == 'slim' else 'hybrid' if share else 'gatys'}",
        f"data={'coco' if data['source'] == 'hub' else data['source']}",
        f"data.size={data['size']}",
        f"data.batch_size={data['batch_size']}",
        *(f"net.arguments.{key}={value}" for key, value in net.items()),
        *(f"{key}={_written(value)}" for key, value in recipe.items()),
        f"trainer.max_steps={int(steps or training['steps'])}",
    ]  # fmt: skip
    if share:
        arguments.append(f"loss.slim_share={share:g}")
    if (margin := style.get("margin")) is not None:
        arguments.append(f"style.margin={margin}")
    arguments += [*_of_the_loss(loss), *_of_the_data(data)]
    if init := training.get("init"):
        arguments.append(f"init={quoted(init)}")
    return arguments


def _of_the_loss(loss: dict[str, Any]) -> list[str]:
    """What differs from the usual loss."""
    arguments = []
    if loss["loss_network"].get("architecture") == "vgg16":
        arguments.append("loss.network=vgg16")
    if (pooling := loss["loss_network"].get("pooling", "max")) != "max":
        arguments.append(f"loss.pooling={pooling}")
    if (padding := loss["loss_network"].get("padding", "zeros")) != "zeros":
        arguments.append(f"loss.padding={padding}")
    if (normalization := loss.get("normalization", "relative")) != "relative":
        arguments.append(f"loss.normalization={normalization}")
    for key in CHOSEN:
        if key in loss:
            arguments.append(f"loss.{key}={loss[key]}")
    for key, layers in (("content_layers", CONTENT_LAYERS), ("style_layers", STYLE_LAYERS)):
        total = sum(layers.values())
        usual_shares = {layer: weight / total for layer, weight in layers.items()}
        if (given := loss.get(key, usual_shares)) != usual_shares:
            shares = {**dict.fromkeys(layers, 0.0), **given}
            arguments += [f"++loss.{key}.{layer}={share}" for layer, share in shares.items()]
    return arguments


def _of_the_data(data: dict[str, Any]) -> list[str]:
    """Where the photos are from, and how they are cropped."""
    arguments = []
    if data["source"] != "sample":
        arguments.append(f"data.path={quoted(data['name'])}")
    if data["source"] == "hub":
        arguments.append(f"data.split={quoted(data['split'])}")
    for key in ("min_scale", "max_photos"):
        if (value := data.get(key)) is not None:
            arguments.append(f"data.{key}={value}")
    if val_path := data.get("val_path"):
        arguments.append(f"data.val_path={quoted(val_path)}")
    if held_out := data.get("held_out"):
        arguments.append(f"data.val_photos={held_out}")
    if sizes := data.get("sizes"):
        arguments.append(f"data.sizes={list(sizes)}".replace(" ", ""))
    return arguments


def recipe_of(description: dict[str, Any]) -> dict[str, Any]:
    """The settings of the optimizer, as ``fst.training.recipe.Recipe`` names them.

    Earlier checkpoints tell fewer of them, among what else is known of the training.
    """
    if "recipe" in description:
        return dict(description["recipe"])
    training = description["training"]
    precision = training["precision"].removesuffix("-mixed")
    earlier = {"optimizer": "adam", "ema": 0.0, "warmup_steps": 0, "pattern_weight": 0.0}
    names = ("optimizer", "learning_rate", "schedule", "warmup_steps", "ema", "pattern_weight")
    known = {name: training[name] for name in names if name in training}
    return {**earlier, **known, "precision": precision, "seed": training["seed"]}


def _written(value: Any) -> str:
    """A plain value as Hydra reads it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def quoted(value: str) -> str:
    """A text as Hydra's grammar wants it: quoted, but where it is a plain word."""
    words = ("null", "true", "false", "inf", "nan")  # what Hydra would read as something else
    if re.fullmatch(r"[A-Za-z_./][\w./-]*", value, re.ASCII) and value.lower() not in words:
        return value
    mark = "'" if '"' in value else '"'  # double where possible: a shell's line has the single ones
    # backslashes are plain characters, but before a quote
    escaped = re.sub(
        rf"(\\*)({mark}|$)", lambda found: 2 * found[1] + found[2].replace(mark, "\\" + mark), value
    )
    return f"{mark}{escaped}{mark}"

"""The command that trains a finished style again, read from the style itself."""

from typing import Any

from fst import assets
from fst.errors import InputError

EXACT = 0.03
"""Relative difference of the objective within which a style counts as reproduced."""


def recipe(description: dict[str, Any], steps: int | None = None) -> list[str]:
    """The arguments of ``scripts/train.py`` that made a style, as far as they matter.

    Paths of photos are not kept in a checkpoint: the folder's name is taken, as FST_ASSETS has it.

    Args:
        description: of a checkpoint.
        steps: train for so many instead; the schedule is stretched.

    Raises:
        InputError: the description lacks what is needed.
    """
    try:
        style, loss = description["style"], description["loss"]
        training, data = description["training"], description["data"]
        network = loss["loss_network"]["weights"]
        # what nets were like before there was a choice
        net = {"upsampling": "nearest", "margin": 0, **description["net"]["arguments"]}
        settings = ("learning_rate", "schedule", "warmup_steps", "ema")
        names = [f"style={style['name']}"]
        if style["name"] not in assets.style_names():  # the user's own, under another's file
            names = [f"style={assets.style_names()[0]}", f"style.name={style['name']}"]
        share = training.get("slim_steps_share", 0.0)
        arguments = [
            *names,
            f"style.image={style['image']}",
            f"style.size={style['size']}",
            f"style.content_weight={loss['content_weight']:g}",
            f"style.style_weight={loss['style_weight']:g}",
            f"style.tv_weight={loss['tv_weight']:g}",
            f"loss={'slim' if network == 'slim' else 'hybrid' if share else 'gatys'}",
            f"data={data['source']}",
            f"data.size={data['size']}",
            f"data.batch_size={data['batch_size']}",
            *(f"net.arguments.{key}={value}" for key, value in net.items()),
            f"optimizer={training.get('optimizer', 'adam')}",
            *(f"{key}={training.get(key, 0.0)}" for key in settings),
            f"pattern_weight={training.get('pattern_weight', 0.0):g}",
            f"precision={training['precision'].removesuffix('-mixed')}",
            f"seed={training['seed']}",
            f"trainer.max_steps={steps or training['steps']}",
        ]  # fmt: skip
    except (KeyError, TypeError) as error:
        raise InputError(f"the checkpoint does not say how it was trained: {error}") from error
    if share:
        arguments.append(f"loss.schedule={share:g}")
    if data["source"] == "folder":
        arguments.append(f"data.path={data['name']}")
    if sizes := data.get("sizes"):
        arguments.append(f"data.sizes={list(sizes)}".replace(" ", ""))
    if init := training.get("init"):
        arguments.append(f"init={init}")
    return arguments

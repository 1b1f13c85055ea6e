"""The net that a training of many styles begins with."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from fst import assets
from fst.errors import InputError
from fst.image.picture import resize_tensor
from fst.losses.moments import moments_network, painting_moments
from fst.nets import EARLIER, make_net
from fst.nets.conditional import AnyNet, ManyNet
from fst.nets.johnson import JohnsonNet
from fst.styles.catalog import BASE, load_style
from fst.styles.predicted import ANY, STROKE_SIZES, WEIGHTS, load_any
from fst.styles.trained import TrainedStyle, load_checkpoint
from fst.training.beginning import DIGEST, name_of
from fst.training.many.settings import is_of_many

SHARED = ("base.", "low_")
"""What the weights are called that all styles of a net share."""


@dataclass(frozen=True)
class Beginning:
    """The net that a training begins with, and whose weights these are.

    Attributes:
        net: with these weights.
        init: name and digest of the net that they are from; empty for random ones.
        standardized: whether its predictor knows already how paintings differ.
    """

    net: AnyNet | ManyNet
    init: dict[str, str]
    standardized: bool = False


def beginning(settings: dict[str, Any], paintings: Sequence[Tensor]) -> Beginning:
    """The net, with random weights or those of ``init``.

    A net of one style gives the shared net; another of many styles also the changes of its
    kernels, and its predictor, or in a net of named styles what that predicts for them. The
    settings keep the digest: a run that is resumed has all weights in its checkpoint.

    Args:
        settings: all of a training.
        paintings: ``(1, 3, H, W)`` each, in the order of the named styles.

    Raises:
        InputError: weights of another net; no any-painting net.
        CheckpointError: a damaged checkpoint, or none of that name.
    """
    configured, init = settings["net"], settings["init"]
    net = make_net(**configured)
    assert isinstance(net, AnyNet | ManyNet)
    if init is None:
        return Beginning(net, {})
    if DIGEST in settings and settings["resume"] not in (None, "auto"):
        return Beginning(net, {"init": _short(init), DIGEST: settings[DIGEST]}, standardized=True)
    trained = found(init)
    if isinstance(trained.net, AnyNet) and isinstance(net, AnyNet):
        _load(net, trained.net.state_dict(), trained, settings)
    elif isinstance(trained.net, JohnsonNet):
        base = {f"base.{key}": value for key, value in trained.net.state_dict().items()}
        _load(net, base, trained, settings)
    elif isinstance(trained.net, AnyNet | ManyNet):
        weights = trained.net.state_dict()
        shared = {key: value for key, value in weights.items() if key.startswith(SHARED)}
        _load(net, shared, trained, settings)
    else:
        raise InputError(f"init={init}: a net {trained.description['net']['name']} can't begin "
                         f"one of {configured['name']}")  # fmt: skip
    if isinstance(net, ManyNet):
        _fill_rows(net, trained, settings["rows"], paintings)
    settings[DIGEST] = trained.digest
    init_of = {"init": name_of(init, trained), DIGEST: trained.digest}
    return Beginning(net, init_of, standardized=isinstance(trained.net, AnyNet))


def usual_init(settings: dict[str, Any], typed: Collection[str]) -> None:
    """Sets the net to begin with, where the user has not said which.

    Named styles begin with what the any-painting net predicts for them, where there is one that
    fits; else, and for any painting, a net begins with the mean of earlier ones. The ``init`` of an
    experiment is for one style.

    Args:
        settings: all of a new run; ``init`` is set.
        typed: the settings that the user has given.

    Raises:
        CheckpointError: a damaged checkpoint.
    """
    if "init" in typed or not is_of_many(settings):
        return
    usual = (ANY, BASE) if settings["net"]["name"] == "many" else (BASE,)
    folders = assets.checkpoint_folders()
    there = [n for n in usual if any((f / f"{n}.safetensors").is_file() for f in folders)]
    settings["init"] = next((name for name in there if _is_alike(name, settings["net"])), None)


def _is_alike(init: str, configured: Mapping[str, Any]) -> bool:
    """Whether a trained net's shared part is as configured."""
    its, own = ({**EARLIER, **net["arguments"]}
                for net in (found(init).description["net"], configured))  # fmt: skip
    names = ("width", "residual_blocks", "upsampling", "rank")
    return all(its[name] == own.get(name) for name in names if name in its)


def found(init: str) -> TrainedStyle:
    """The trained net of that name or path: of one style, of many, or of any painting.

    Raises:
        InputError: there is no such net.
        CheckpointError: it is damaged.
    """
    if init == ANY:
        maker = load_any()
        if maker is None:
            raise InputError(
                f"init={ANY}: no {ANY}.safetensors in a folder of checkpoints: init=base begins "
                "with the mean of five styles, init=null at random"
            )
        return maker.trained
    if "=" in init:
        return load_style(init)
    if Path(init).suffix == ".safetensors":
        return load_checkpoint(Path(init))
    # itself, and not one of its styles, as load_style wants of a file of many
    files = [folder / f"{init}.safetensors" for folder in assets.checkpoint_folders()]
    file = next((file for file in files if file.is_file()), None)
    return load_style(init) if file is None else load_checkpoint(file)


def _load(
    net: AnyNet | ManyNet,
    weights: Mapping[str, Tensor],
    trained: TrainedStyle,
    settings: Mapping[str, Any],
) -> None:
    """Takes weights over; those that are not among them stay as they are."""
    own = net.state_dict()
    upsampling = getattr(trained.net, "base", trained.net).upsampling
    missing = [key for key in own if key.startswith("base.") and key not in weights]
    other = [key for key, value in weights.items()
             if key not in own or own[key].shape != value.shape]  # fmt: skip
    if missing or other or upsampling != net.base.upsampling:
        raise InputError(
            f"init={settings['init']}: its net is {trained.description['net']}, which does not fit "
            f"{settings['net']}; init=null begins at random"
        )
    net.load_state_dict(weights, strict=False)


@torch.no_grad()
def _fill_rows(
    net: ManyNet,
    trained: TrainedStyle,
    rows: Sequence[Mapping[str, Any]],
    paintings: Sequence[Tensor],
) -> None:
    """The numbers of each style: as they are predicted, or as the other net knows its name."""
    if isinstance(trained.net, ManyNet):
        known = [str(row.get("name")) for row in trained.description.get("styles", [])]
        for i, row in enumerate(rows):
            if row["name"] in known:
                net.embeddings[i] = trained.net.embeddings[known.index(row["name"])]
    if not isinstance(trained.net, AnyNet):
        return
    sees = moments_network()
    for i, (row, painting) in enumerate(zip(rows, paintings, strict=True)):
        size = min(max(row["size"], STROKE_SIZES[0]), STROKE_SIZES[1])
        weight = min(max(row["style_weight"], WEIGHTS[0]), WEIGHTS[1])
        if size != row["size"]:  # beyond what it was trained with
            scale = size / max(painting.shape[2:])
            tall, wide = (max(1, round(side * scale)) for side in painting.shape[2:])
            painting = resize_tensor(painting, (tall, wide))
        asked = (torch.tensor([float(value)]) for value in (weight, size))
        net.embeddings[i] = trained.net.predict(painting_moments(sees, painting), *asked)[0]


def _short(init: str) -> str:
    return Path(init).name.removesuffix(".safetensors") if "=" not in init else init

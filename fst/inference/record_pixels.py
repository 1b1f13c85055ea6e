"""What a record says of an optimization: painting, loss and search."""

import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from fst.errors import AssetError
from fst.losses.perceptual import PerceptualLoss
from fst.optimization.optimizers import usual_rate
from fst.optimization.pixels import optimize
from fst.styles.paintings import find_again
from fst.styles.style import Style
from fst.system.checksum import checksum


def loss_said(style: Style, loss: PerceptualLoss, size: int) -> dict[str, Any]:
    """Of an optimization: painting and loss."""
    return {
        "painting": painting_said(style),
        "style_size": size,
        "loss": loss.describe(),
        "precision": precision_said(loss.vgg.mean.dtype),
    }


def search_said(settings: Mapping[str, Any]) -> dict[str, Any]:
    """How pixels are optimized, defaults included."""
    known = inspect.signature(optimize).parameters
    names = ("iterations", "optimizer", "learning_rate", "clamp")
    used = {name: settings.get(name, known[name].default) for name in names}
    if used["learning_rate"] is None:
        used["learning_rate"] = usual_rate(used["optimizer"])
    rare = ("average", "tolerance", "coarsest")  # records of earlier versions know nothing of them
    return used | {name: settings[name] for name in rare if settings.get(name)}


def painting_said(style: Style) -> dict[str, Any]:
    """Its file, or the portrait that stands in for it."""
    image = str(style.image)
    try:
        return file_said(find_again(image, style.about.get("image_sha256")))
    except AssetError:
        return {"name": Path(image).name, "portrait": True}


def paintings_said(style: Style, style_size: int | str | None) -> list[dict[str, Any]]:
    """Several, each with its share and the size that it is seen at."""
    return [
        {
            **painting_said(one),
            "share": round(share, 6),
            "style_size": style_size if isinstance(style_size, int) else one.size,
        }
        for one, share in zip(style.paintings, style.shares.values(), strict=True)
    ]


def file_said(path: Path) -> dict[str, Any]:
    """Its name, without its folder, and its checksum."""
    return {"name": Path(path).name, "sha256": checksum(Path(path))}


def precision_said(dtype: torch.dtype) -> str:
    """As it is called on the command line."""
    return {torch.float32: "fp32", torch.bfloat16: "bf16"}.get(dtype, str(dtype))

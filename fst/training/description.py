"""What a run's page and a finished style tell about how it came about."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from importlib.metadata import version
from typing import Any

import lightning
import torch

from fst.data.module import PhotoDataModule
from fst.system.device import machine
from fst.training.module import StyleTransferModule
from fst.version import __version__


def describe_run(
    module: StyleTransferModule,
    data: PhotoDataModule,
    trainer: lightning.Trainer,
    net: Mapping[str, Any],
    style: Mapping[str, Any],
    init: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """The description that a finished checkpoint carries.

    Args:
        module: trained.
        data: what it was trained on.
        trainer: at its last step, validated.
        net: name and arguments, as for :func:`fst.nets.make_net`.
        style: name, image, size and what else is known of the painting.
        init: which style the net began with, and the digest of its weights.
    """
    metrics = trainer.callback_metrics
    precision = "bf16" if module.compute_dtype == torch.bfloat16 else "fp32"
    return {
        "net": dict(net),
        "style": dict(style),
        "loss": module.loss.describe(),
        "data": data.describe(),
        "recipe": replace(module.recipe, precision=precision).as_dict(),
        "training": {
            "steps": trainer.global_step,
            "slim_steps_share": module.early_share if module.early_loss else 0.0,
            "device": trainer.strategy.root_device.type,
            "devices": trainer.world_size,
            "machine": machine(trainer.strategy.root_device),
            "seconds": round(module.seconds_spent()),
            "skipped_steps": module.guard.skipped,
            "date": datetime.now().date().isoformat(),
            **(init or {}),
        },
        "objective": {
            name: float(metrics[f"val/{name}"]) for name in ("total", "content", "style", "tv")
        },
        "versions": {"fst": __version__} | {name: version(name) for name in ("torch", "lightning")},
    }


def about_painting(style: Mapping[str, Any]) -> str:
    """A style's painting in words, for the run's page."""
    by = f", by {style['painting']}" if "painting" in style else ""
    return f"{style['image']}, {style['size']} px{by}"


def described(
    settings: Mapping[str, Any], module: StyleTransferModule, data: PhotoDataModule
) -> dict[str, str]:
    """The settings in words, for the run's page."""
    net, loss, share = settings["net"], module.loss, module.early_share
    early = f"; the slim network in the first {share:.0%} of the steps"
    frozen = "; frozen, only the styles' numbers learn" if module.recipe.freeze else ""
    return {
        "photos": f"{' '.join(filter(None, (data.source, data.path)))}, {data.batch_size} a step, "
        f"{data.size} px",
        "judge": f"{loss.vgg.architecture}, {loss.vgg.source} weights"
        + (early if module.early_loss is not None else "")
        + ("" if loss.statistic_name == "gram" else f"; style by {loss.statistic_name}"),
        "weights": f"content {loss.content_weight:g}, style {loss.style_weight:g}, "
        f"tv {loss.tv_weight:g}",
        "net": f"{net['name']} {net['arguments']}{frozen}",
        "precision": "bf16" if module.compute_dtype == torch.bfloat16 else "fp32",
    }

"""What makes two painted pictures the same: the photo, the styles and every setting of the pixels.

That is the *record* of a result (:mod:`fst.image.record`). It has checksums and names of files, but
no folders: it is shown to everybody who gets the picture. Settings are there as they were used, so
a default and the same value typed are the same. What computes (device, backend) changes a picture
by rounding only: it is noted, and not compared. Neither are names, nor the program's version.
"""

import json
import warnings
from collections.abc import Mapping, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any

import torch

from fst.errors import FstWarning
from fst.image.io import FORMATS
from fst.image.record import fits
from fst.inference.control import Control, Layer
from fst.inference.optimizing import OptimizingStylizer
from fst.inference.pixel_options import NOISY
from fst.inference.record_pixels import (
    file_said,
    loss_said,
    paintings_said,
    precision_said,
    search_said,
)
from fst.inference.stylizers import FeedForwardStylizer, RefiningStylizer, Stylizer
from fst.inference.targets import Job
from fst.styles.style import Style

FORMAT = 1
"""Of the record; a reader of another one says that it differs."""

LOSSY = ("JPEG", "WEBP")
"""Formats in which the quality decides the pixels, too."""


_PHOTO = 2000
"""Bytes of a record that are kept free for a photo's name, checksum and what is its own."""


def painted_with(
    styles: Sequence[Style],
    layers: Sequence[Layer],
    control: Control,
    masks: Sequence[Path] = (),
    style_size: int | str | None = None,
    keep_location: bool = False,
    program: str = "fst",
) -> dict[str, Any] | None:
    """The part of a record that all photos of a run have in common.

    Args:
        styles: what is painted, and ``layers`` what paints it, one by one.
        layers: with the stylizers; their masks are told by ``masks``.
        control: size, strength and the like.
        masks: the files, one for each style, or none.
        style_size: of an optimization, where another than the style's own was asked for.
        keep_location: the results tell where the photos were taken.
        program: with its version.

    Returns:
        None, with a warning, where it is too long for a file.

    Raises:
        OSError: a painting or a mask can't be read.
    """
    painted = [
        {
            "name": style.name,
            **_method(style, layer.stylizer, style_size),
            **({} if mask is None else {"mask": file_said(mask)}),
        }
        for style, layer, mask in zip_longest(styles, layers, masks)
    ]
    fast = [_pass_of(layer.stylizer) for layer in layers]
    computed = {
        "device": sorted({_device(layer.stylizer) for layer in layers}),
        "backend": sorted({one.backend for one in fast if one is not None}),
    }
    common = {
        "format": FORMAT,
        "program": program,
        # which of two styles is named first is all the same
        "styles": sorted(painted, key=lambda one: (one["name"], json.dumps(one, sort_keys=True))),
        "settings": _settings(control, bool(masks), keep_location),
        "computed": {name: ", ".join(value) for name, value in computed.items() if value},
    }
    if fits({**common, "photo": "x" * _PHOTO}):
        return common
    warnings.warn(
        "so many settings fit into no file: the results don't say how they were painted",
        FstWarning,
        stacklevel=2,
    )
    return None


def _settings(control: Control, masked: bool, keep_location: bool) -> dict[str, Any]:
    """Those of all styles of a picture; what changes nothing is left out."""
    settings = {
        "strength": control.strength,
        "preserve_color": control.preserve_color,
        "size": control.size,
        "upsample": control.upsample,
        "feather": control.feather if masked else None,
        "seamless": control.seamless or None,
        "keep_location": keep_location or None,
    }
    return {name: value for name, value in settings.items() if value is not None}


def record_of(common: Mapping[str, Any], job: Job, digest: str, quality: int) -> dict[str, Any]:
    """The record of one result.

    Args:
        common: from :func:`painted_with`.
        job: the photo and its target.
        digest: of the photo, from :func:`~fst.system.checksum.checksum`.
        quality: of JPEG and WebP.
    """
    settings = dict(common["settings"])
    if FORMATS.get(job.target.suffix.lower()) in LOSSY:
        settings["quality"] = quality
    photo = {"name": job.source.name, "sha256": digest}
    return {**common, "photo": photo, "settings": settings}


def _method(style: Style, stylizer: Stylizer, style_size: int | str | None) -> dict[str, Any]:
    """What one style is painted with."""
    if isinstance(stylizer, FeedForwardStylizer):
        return {"method": "feedforward", **_pass(style, stylizer)}
    if isinstance(stylizer, RefiningStylizer):
        judged = loss_said(style, stylizer.loss, style.size)
        fast = _pass(style, stylizer.fast)
        return {"method": "refine", **fast, **judged, "refine": search_said(stylizer.settings)}
    size = style_size if isinstance(style_size, int) else style.size
    judged = loss_said(style, stylizer.loss, size)
    if style.paintings:
        judged = {**judged, "painting": paintings_said(style, style_size)}
    guided = {} if stylizer.guidance is None else dict(stylizer.guidance.said)
    search = search_said(stylizer.settings)
    return {"method": "optimize", **judged, **search, **_start(stylizer), **guided}


def _start(stylizer: OptimizingStylizer) -> dict[str, Any]:
    """What an optimization begins with; the seed where there is noise in it."""
    settings, start = stylizer.settings, stylizer.start
    init = settings.get("init", "photo")
    said: Any = init if isinstance(init, str) else "picture"
    if start is not None:
        said = start.said if start.passed is None else {"pass": _pass(*start.passed)}
    noise = {"init_noise": settings["init_noise"]} if settings.get("init_noise") else {}
    seed = {"seed": settings.get("seed", 0)} if noise or said in NOISY else {}
    return {"init": said, **noise, **seed}


def _pass(style: Style, stylizer: FeedForwardStylizer) -> dict[str, Any]:
    """Of a net: its weights, whatever file they are in; of a blend, those that are mixed.

    A net that is predicted has other weights, by rounding, on another device. So what it was
    predicted from is told, and compared.
    """
    digests, predicted = (style.description.get(key, {}) for key in ("digests", "predicted"))
    if style.shares:
        parts = [
            # a part that was given by its path: its folder is nobody's business
            {
                "name": Path(name).name,
                "share": round(share, 6),
                **(_predicted(predicted[name]) if name in predicted else
                   {"weights_sha256": digests[name]}),
            }
            for name, share in style.shares.items()
        ]  # fmt: skip
        net: dict[str, Any] = {
            "blend": sorted(parts, key=lambda part: (part["name"], part["share"]))
        }
    else:
        net = _predicted(predicted) if predicted else {"weights_sha256": stylizer.style.digest}
    strokes = {} if stylizer.strokes is None else {"stroke_size": stylizer.strokes.wanted}
    return {
        **net, **strokes, "precision": precision_said(stylizer.dtype), "margin": stylizer.margin
    }  # fmt: skip


def _predicted(said: Mapping[str, Any]) -> dict[str, Any]:
    """Of a net that was predicted: from which painting, how, and by which net."""
    painting = dict(said["painting"])
    if painting["sha256"] is None:
        painting = {"name": painting["name"], "portrait": True}
    return {
        "painting": painting,
        "style_size": said["stroke_size"],
        "style_weight": said["style_weight"],
        "any_painting_net": {"sha256": said["net"]["sha256"]},
    }


def _pass_of(stylizer: Stylizer) -> FeedForwardStylizer | None:
    if isinstance(stylizer, RefiningStylizer):
        return stylizer.fast
    return None if isinstance(stylizer, OptimizingStylizer) else stylizer


def _device(stylizer: Stylizer) -> str:
    fast = _pass_of(stylizer)
    device = fast.device if fast is not None else getattr(stylizer, "device", "")
    return torch.device(device).type

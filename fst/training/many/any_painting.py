"""``style=any``: the paintings of a folder or a data set, to learn from and to validate on."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pooch
import torch

from fst.errors import InputError
from fst.losses.moments import moments_network
from fst.losses.perceptual import PerceptualLoss
from fst.nets.predictor import USUAL_SIZE, USUAL_WEIGHT
from fst.training.many.bank import StyleBank, open_bank
from fst.training.many.draws import Styles, draw, held_out_styles
from fst.training.many.paintings import Painting, find_paintings, split_paintings
from fst.training.many.work import Judged, Work

FEW = 4
"""Paintings that are learned from and validated on, where too few are there to hold some out."""

DIGEST = "sha256"
"""Among a run's settings of its paintings: the digest of all of their files."""


def any_work(settings: dict[str, Any], device: torch.device) -> Work:
    """What a net for any painting learns.

    Args:
        settings: all of a training; those of the paintings then tell which they were.
        device: for what is measured of them.

    Raises:
        InputError: fewer than two paintings, or others than the run began with.
        AssetError: they can't be had.
    """
    wanted, seed = settings["paintings"], settings["seed"]
    learned, held_out = chosen(wanted, seed)
    judged = held_out or learned[:FEW]
    size = min(wanted["sizes"], key=lambda size: abs(size - USUAL_SIZE))

    def bank_of(loss: PerceptualLoss, of: list[Painting], sizes: list[int], each: int) -> StyleBank:
        layers, cache = list(loss.style_layers), cache_folder(wanted)
        # one bank for runs of every seed: what is drawn from it follows from the seed
        return open_bank(of, loss.vgg, layers, sizes, each, cache=cache).to(device)

    def measured(loss: PerceptualLoss) -> Judged:
        bank = bank_of(loss, learned, wanted["sizes"], wanted["variants"])
        validated = held_out_styles(bank_of(loss, judged, [size], 1), size, USUAL_WEIGHT)

        def drawn(step: int, count: int, first: int) -> Styles:
            weights: Sequence[float] = wanted["style_weights"]
            return draw(bank, step, count, seed, wanted["mixed"], weights, first)

        return Judged(drawn, validated, bank.moments)

    about = {
        "count": len(learned),
        "held_out": [painting.name for painting in held_out],
        **{name: wanted[name] for name in ("sizes", "variants", "mixed", "style_weights")},
        "network": moments_network().sha256,
    }
    name = {"name": settings["style"]["name"]}
    paintings = [painting.open(size) for painting in judged]
    return Work(
        measured, paintings, in_words(about, wanted["path"]), {"style": name, "paintings": about}
    )


def chosen(wanted: dict[str, Any], seed: int) -> tuple[list[Painting], list[Painting]]:
    """The paintings to learn from, and those to validate on.

    Args:
        wanted: the settings of the paintings; ``sha256`` is set where it isn't.
        seed: of the choice.

    Raises:
        InputError: fewer than two paintings, or others than the run began with.
        AssetError: they can't be had.
    """
    found = find_paintings(
        wanted["path"],
        wanted["source"],
        wanted["split"],
        wanted["column"],
        wanted.get("limit"),
        smallest=min(wanted["sizes"]),
        cache=None if wanted["cache"] is None else Path(wanted["cache"]),
    )
    all_of_them = "".join(sorted(painting.sha256 for painting in found))
    now = hashlib.sha256(all_of_them.encode()).hexdigest()
    if wanted.setdefault(DIGEST, now) != now:
        raise InputError(
            f"paintings.path={wanted['path']} holds other paintings now than the run began with: "
            "put them back, or leave resume= out for a new run"
        )
    learned, held_out = split_paintings(found, wanted["held_out"], seed)
    if not held_out and wanted["held_out"]:
        print(
            f"{len(found)} paintings are too few to hold some out: the net is validated on some "
            "that it learns from",
            flush=True,
        )
    return learned, held_out


def cache_folder(wanted: Mapping[str, Any]) -> Path:
    """Where what is measured of the paintings is kept."""
    return Path(wanted["cache"] or Path(pooch.os_cache("fst")) / "paintings")


def in_words(about: Mapping[str, Any], path: str) -> dict[str, str]:
    """The paintings, for the run's page."""
    low, high = about["style_weights"]
    sizes = ", ".join(str(size) for size in about["sizes"])
    others = f"{len(about['held_out'])} more held out" if about["held_out"] else "none held out"
    return {
        "paintings": f"{about['count']} of {path}, {others}; {about['variants']} variants of each "
        f"at {sizes} px",
        "style weights": f"{low:g} to {high:g}; curves and validation at {USUAL_WEIGHT:g}",
    }

"""``style=[monet,poppies,painting.jpg]``: several styles in one net, a row of numbers for each."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from fst.errors import InputError
from fst.losses.colors import color_moments
from fst.losses.perceptual import PerceptualLoss
from fst.losses.statistics import measure_style
from fst.nets.predictor import USUAL_SIZE
from fst.styles.catalog import read_style, style_names
from fst.styles.paintings import as_path
from fst.system.checks import number, shown, text, whole_number
from fst.training.description import about_painting
from fst.training.many.draws import Styles
from fst.training.many.rows import taken
from fst.training.many.work import Judged, Work
from fst.training.session import fixed_weights, the_painting
from fst.training.words import own_name

ROWS = "rows"
"""In a run's settings: what is known of each style, in the order of the net's rows."""

TOLD = ("title", "painter", "year", "rights")


def named_work(settings: dict[str, Any], device: torch.device) -> Work:
    """What a net of named styles learns.

    Args:
        settings: all of a training; what is known of the styles is set where it isn't.
        device: for what is measured of the paintings.

    Raises:
        InputError: two styles of one name; no painting, or another than the run began with.
        AssetError: a painting can't be had.
    """
    rows = settings.setdefault(ROWS, rows_of(settings["styles"], settings["style"]))
    check_rows(rows, len(settings["styles"]))
    paintings = [the_painting(row) for row in rows]
    batch, seed = settings["data"].get("batch_size", 1), settings["seed"]

    def measured(loss: PerceptualLoss) -> Judged:
        styles = seen(loss, paintings, rows, device)

        def drawn(step: int, count: int, first: int) -> Styles:
            return taken(styles, in_turn(len(rows), step * batch + first, count, seed))

        return Judged(drawn, styles)

    name = {"name": settings["style"]["name"]}
    styles = ", ".join(f"{row['name']} ({about_painting(row)})" for row in rows)
    return Work(measured, paintings, {"styles": styles}, {"style": name, "styles": rows})


def rows_of(named: Sequence[str], style: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What is known of each style before its painting is opened.

    Args:
        named: styles that come with fst, and paintings.
        style: the settings of a style: size and weights hold for all of them; where the size is
            None, each has that of its file, or the usual one.

    Raises:
        InputError: two of one name; a painting whose file's name can't be its own.
    """
    weight = float(fixed_weights(style)["style_weight"])
    rows: list[dict[str, Any]] = []
    for entry in named:
        if entry in style_names():
            about = {"name": entry, **read_style(entry)}
        else:
            about = {"name": own_name(entry), "image": as_path(entry)}
        size = about.get("size", int(USUAL_SIZE)) if style["size"] is None else style["size"]
        told = {key: about.get(key) for key in ("name", *TOLD, "image")}
        rows.append({**told, "size": size, "style_weight": weight})
    names = [row["name"] for row in rows]
    if twice := [name for name in names if names.count(name) > 1]:
        raise InputError(f"style=[…] names {twice[0]} twice: each style has a name of its own")
    return rows


def check_rows(rows: Any, count: int) -> None:
    """That what a run's settings know of its styles is whole: its file may have been changed.

    Args:
        rows: what they know.
        count: of the styles.

    Raises:
        InputError: it isn't; names what.
    """
    if not isinstance(rows, list) or len(rows) != count:
        raise InputError(f"{ROWS} must have an entry for each of {count} styles, not {shown(rows)}")
    for row in rows:
        if not isinstance(row, dict):
            raise InputError(f"{ROWS} must be groups of settings, not {shown(row)}")
        for key in ("name", "image"):
            text(f"{ROWS}.{key}", row.get(key))
        whole_number(f"{ROWS}.size", row.get("size"), least=1)
        number(f"{ROWS}.style_weight", row.get("style_weight"), least=0)


def seen(
    loss: PerceptualLoss,
    paintings: Sequence[Tensor],
    rows: Sequence[Mapping[str, Any]],
    device: torch.device,
) -> Styles:
    """The styles of all rows, as a loss's network sees their paintings."""
    found = [measure_style(loss.vgg, p.to(device), loss.style_layers).grams for p in paintings]
    values = {key: torch.tensor([float(row[key]) for row in rows], device=device)
              for key in ("style_weight", "size")}  # fmt: skip
    return Styles(
        moments=torch.cat([color_moments(p.to(device)) for p in paintings]),  # all that is read
        grams={layer: torch.cat([grams[layer] for grams in found]) for layer in loss.style_layers},
        style_weight=values["style_weight"],
        stroke_size=values["size"],
        variant=torch.arange(len(rows), device=device),
    )


def in_turn(styles: int, place: int, count: int, seed: int) -> Tensor:
    """Which styles the photos from a place on are painted in: ``(count,)`` int64.

    All styles come once, in an order that follows from the seed, before one comes again.

    Args:
        styles: how many there are.
        place: photos of the run before these.
        count: of photos.
        seed: of the run.
    """
    chosen = []
    for at in range(place, place + count):
        key = hashlib.sha256(f"rows {seed} {at // styles}".encode()).digest()
        generator = torch.Generator().manual_seed(int.from_bytes(key[:8], "big") >> 1)
        chosen.append(torch.randperm(styles, generator=generator)[at % styles])
    return torch.stack(chosen)

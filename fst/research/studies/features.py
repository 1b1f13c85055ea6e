"""``fst study features``: the features of one photo, a tile for each channel."""

import argparse
from collections.abc import Sequence

import torch
from PIL import Image
from torch import Tensor

from fst.evaluation.photos import read_photo, shown_name
from fst.image.io import save_image
from fst.image.style_sheet import Cell, draw_sheet
from fst.research.studies.page import (
    PAGE,
    Page,
    Section,
    Shown,
    check_copies,
    check_not_read,
    check_place,
    write_grid,
    write_page,
)
from fst.research.studies.patches import chosen_units
from fst.research.studies.units import layers_asked, open_network

TILE = 120
"""Least side of a tile in pixels: smaller ones are enlarged, pixel by pixel."""


@torch.no_grad()
def run(options: argparse.Namespace) -> int:
    """Computes the features, draws a sheet for each layer."""
    layers = layers_asked(options)
    written = [PAGE, "photo.png", *(f"{name}.png" for name in layers)]
    check_place(options.output, options.overwrite, written)
    copies = options.copies or options.output
    targets = [*(options.output / name for name in written),
               *(copies / f"features-{name}.webp" for name in layers)]  # fmt: skip
    check_not_read(targets, [options.photo])
    check_copies(options.copies, [f"features-{layer}" for layer in layers], options.overwrite)
    photo = read_photo(options.photo, options.size).rgb
    network = open_network(options, layers)
    features = network(photo.to(network.mean.device), layers, metric=False)
    options.output.mkdir(parents=True, exist_ok=True)
    sections = []
    for layer in layers:
        found = features[layer][0].float().cpu()  # (C, H, W)
        channels = chosen_units(None, options.count, len(found), layer)
        sheet = feature_sheet(found, channels)
        write_grid(options.output / f"{layer}.png", sheet, options.copies, f"features-{layer}")
        height, width = found.shape[1:]
        about = f"{len(channels)} of {len(found)} channels, {width}x{height} positions each."
        tile = Shown(f"{layer}.png", f"channels of {layer}")
        sections.append(Section(layer, about, (tile,), wide=True))
    save_image(options.output / "photo.png", photo)
    page = Page(
        "features",
        f"Features of {shown_name(options.photo.stem)}",
        "What each channel of a layer makes of the photo: white where it is most excited, black "
        "where least, each by its own range. The first layers have edges and colors at every "
        "pixel; deeper ones have fewer and fewer positions, and more and more to say of each.",
        [Section(tiles=(Shown("photo.png", "the photo"),)), *sections],
        {
            "photo": f"{photo.shape[3]}x{photo.shape[2]} px",
            "loss network": f"{network.architecture}, {network.source} weights",
        },
    )
    write_page(options.output / PAGE, page)
    print(f"wrote {options.output / PAGE}", flush=True)
    return 0


def feature_sheet(features: Tensor, channels: Sequence[int]) -> Image.Image:
    """Channels of features as gray tiles with their numbers.

    Args:
        features: ``(C, H, W)``.
        channels: those that are shown, at least one.
    """
    factor = max(1, -(-TILE // max(features.shape[1:])))
    cells = []
    for channel in channels:
        tile = scaled(features[channel])
        tile = tile.repeat_interleave(factor, 0).repeat_interleave(factor, 1)
        cells.append(Cell(tile.expand(1, 3, -1, -1), str(channel)))
    return draw_sheet(cells)


def scaled(channel: Tensor) -> Tensor:
    """A channel ``(H, W)`` brought to [0, 1]: its least value black, its greatest white."""
    least, most = channel.aminmax()
    return (channel - least) / (most - least).clamp_min(torch.finfo(channel.dtype).tiny)

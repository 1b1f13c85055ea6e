"""``fst study units``: the patches of photos that excite a unit of the loss network most.

Source:
    Zeiler & Fergus 2014, "Visualizing and Understanding Convolutional Networks", Figure 2: the nine
    patches with the strongest activations, cropped to what the unit sees.
"""

import argparse
import math
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

import torch
from PIL import Image, ImageOps
from torch import Tensor

from fst.errors import InputError, in_a_line
from fst.evaluation.photos import count, find_photos, read_photo
from fst.image.io import save_image
from fst.image.picture import from_pil, to_pil
from fst.loss_networks.architectures import check_layers, chosen_network
from fst.loss_networks.receptive import ReceptiveField, receptive_field
from fst.loss_networks.vgg import VGG19
from fst.research.studies.optimized import weights_of
from fst.research.studies.page import (
    PAGE,
    Page,
    Section,
    Shown,
    check_copies,
    check_not_read,
    check_place,
    draw_grid,
    write_grid,
    write_page,
)
from fst.research.studies.patches import PATCHES, Excitation, chosen_units, cut_all
from fst.research.studies.pictures import in_words
from fst.system.device import machine, pick_device, pick_precision

TILE, GAP = 72, 2
"""Least side of a patch as it is shown, and white pixels between patches."""

FRAME = "#909090"
"""Of the line of a pixel around a patch, by which a white one is seen on white."""

COLUMNS = 8
"""Units in a row of a layer's grid."""

SMALL = 64
"""Side in pixels of a picture that no layer is too deep for."""

TELL = 10.0
"""Seconds between two lines on how far it is."""

Key = tuple[str, int]


def open_network(options: argparse.Namespace, layers: Sequence[str]) -> VGG19:
    """The loss network, and whether it has the layers."""
    device = pick_device(options.device)
    dtype = pick_precision(options.precision, device)
    network, weights = options.loss_network, weights_of(options)
    return VGG19(layers, weights, dtype=dtype, network=network).to(device)


def layers_asked(options: argparse.Namespace) -> list[str]:
    """The layers that are asked for, each once, in the order given.

    Raises:
        InputError: an unknown name, or weights of another network.
    """
    network, _ = chosen_network(options.loss_network, options.weights)
    return list(dict.fromkeys(check_layers(options.layer, network, "--layer")))


def run(options: argparse.Namespace) -> int:
    """Looks at all photos, one by one, then cuts the patches; 1 where one was left out."""
    layers = layers_asked(options)
    written = [PAGE, *(f"{name}{suffix}" for name in layers for suffix in ("", ".png", ".html"))]
    check_place(options.output, options.overwrite, written)
    check_copies(options.copies, [f"units-{layer}" for layer in layers], options.overwrite)
    files = find_photos(*options.photos, limit=options.limit)
    pictures = (path for layer in layers for path in (options.output / layer).glob("unit-*.png"))
    copies = options.copies or options.output
    grids = [path for layer in layers for path in
             (options.output / f"{layer}.png", copies / f"units-{layer}.webp")]  # fmt: skip
    check_not_read([*pictures, *grids], files)
    network = open_network(options, layers)
    units = {
        layer: chosen_units(options.units, options.count, there, layer)
        for layer, there in how_many(network, layers).items()
    }
    seen, read = look(network, layers, files, options.size)
    wanted = {(layer, unit): seen[layer].of(unit) for layer in layers for unit in units[layer]}
    fields = {layer: receptive_field(layer, network.layers) for layer in layers}
    patches = cut_all(wanted, fields, read, lambda path: read_photo(path, options.size).rgb)
    for layer in layers:
        of_layer = {key[1]: patches[key] for key in wanted if key[0] == layer}
        strongest = {unit: wanted[layer, unit][0].activation if wanted[layer, unit] else 0.0
                     for unit in of_layer}  # fmt: skip
        _write_layer(options, layer, layers, fields[layer], of_layer, strongest, network, len(read))
    write_page(options.output / PAGE, _index(options, layers, network, len(read)))
    print(f"wrote {options.output / PAGE}", flush=True)
    return int(len(read) < len(files))


@torch.no_grad()
def how_many(network: VGG19, layers: Sequence[str]) -> dict[str, int]:
    """The units of each layer, as the features of a small picture have them."""
    small = torch.zeros(1, 3, SMALL, SMALL, device=network.mean.device)
    return {name: of.shape[1] for name, of in network(small, layers, metric=False).items()}


@torch.no_grad()
def look(
    network: VGG19, layers: Sequence[str], files: Sequence[Path], size: int
) -> tuple[dict[str, Excitation], list[Path]]:
    """What excites the units of some layers, over all photos; and the photos that can be read.

    Args:
        network: the loss network.
        layers: that are looked at.
        files: the photos; one is in memory at a time.
        size: their long side in pixels.

    Raises:
        InputError: none can be read, or a layer is too deep for one of them.
    """
    seen = {layer: Excitation() for layer in layers}
    device, read = network.mean.device, list[Path]()
    problems: list[InputError] = []
    began = told = time.perf_counter()
    for number, path in enumerate(files, 1):
        try:
            photo = read_photo(path, size).rgb
        except InputError as error:
            problems.append(error)
            print(f"left out: {in_a_line(error)}", file=sys.stderr, flush=True)
            continue
        features = network(photo.to(device), layers, metric=False)
        for layer in layers:
            seen[layer].see(len(read), features[layer])
        read.append(path)
        if time.perf_counter() - told > TELL and number < len(files):
            told = time.perf_counter()
            left = (told - began) / number * (len(files) - number)
            print(f"photo {number} of {len(files)}, about {in_words(left)} left", flush=True)
    if not read:
        raise InputError(f"none of {count(len(files), 'photo')} can be read") from problems[0]
    return seen, read


def unit_grid(patches: Sequence[Tensor], columns: int | None = None) -> Image.Image:
    """The patches of a unit in rows, the most exciting one first, on white, each in a thin frame.

    Small patches are enlarged by whole factors, pixel by pixel: nothing is smoothed.

    Args:
        patches: ``(1, 3, H, W)`` each, at most nine.
        columns: as many in a row; None is three, and fewer where there are fewer.
    """
    columns = columns or row_of([patches])
    side = patches[0].shape[3] if patches else TILE
    tile = side * math.ceil(TILE / side)
    step = tile + 2 + GAP
    rows = max(1, math.ceil(len(patches) / columns))
    sheet = Image.new("RGB", (columns * step - GAP, rows * step - GAP), "white")
    for number, patch in enumerate(patches):
        enlarged = to_pil(patch).resize((tile, tile), Image.Resampling.NEAREST)
        place = (number % columns * step, number // columns * step)
        sheet.paste(ImageOps.expand(enlarged, 1, FRAME), place)
    return sheet


def row_of(units: Iterable[Sequence[Tensor]]) -> int:
    """How many patches stand in a row, for units of which each has some: three at most."""
    return max(1, min(math.isqrt(PATCHES), max(map(len, units), default=0)))


def _write_layer(
    options: argparse.Namespace,
    layer: str,
    layers: Sequence[str],
    field: ReceptiveField,
    units: dict[int, list[Tensor]],
    strongest: dict[int, float],
    network: VGG19,
    photos: int,
) -> None:
    """A layer's pictures, its grid and its page."""
    folder = options.output / layer
    folder.mkdir(parents=True, exist_ok=True)
    shown, drawn = [], []
    columns = row_of(units.values())  # the same for all, so that their patches are of one size
    for unit, patches in units.items():
        grid = unit_grid(patches, columns)
        file = f"{layer}/unit-{unit:03d}.png"
        save_image(options.output / file, from_pil(grid))
        note = f"up to {strongest[unit]:.3g}" if patches else "at rest in every photo"
        shown.append(Shown(file, f"unit {unit}", note))
        drawn.append((f"unit {unit}", grid))
    rows = [drawn[i : i + COLUMNS] for i in range(0, len(drawn), COLUMNS)]
    blank = Image.new("RGB", drawn[0][1].size, "white")
    grid = _named_grid([[*row, *[("", blank)] * (min(COLUMNS, len(drawn)) - len(row))]
                        for row in rows])  # fmt: skip
    write_grid(options.output / f"{layer}.png", grid, options.copies, f"units-{layer}")
    about = (
        f"For each unit, a channel of {layer}, the {min(PATCHES, photos)} patches "
        f"of {count(photos, 'photo')} "
        f"that excite it most, in order, at most one of a photo. A unit of this layer sees "
        f"{field.side}x{field.side} pixels; gray is what lies beyond a photo's border. The units "
        f"are {'those asked for' if options.units else 'spread evenly over the layer'}."
    )
    others = [(name, f"{name}.html") for name in layers if name != layer]
    links = [("all layers", PAGE), *others, ("the grid as one picture", f"{layer}.png")]
    page = Page("units", f"What units of {layer} see", about, [Section(tiles=shown)],
                _settings(options, network), links)  # fmt: skip
    write_page(options.output / f"{layer}.html", page)


def _named_grid(rows: Sequence[Sequence[tuple[str, Image.Image]]]) -> Image.Image:
    """Grids of units in rows, each with its name above it."""
    parts = [draw_grid([words for words, _ in row], [("", [one for _, one in row])])
             for row in rows]  # fmt: skip
    sheet = Image.new("RGB", (parts[0].width, sum(part.height for part in parts)), "white")
    top = 0
    for part in parts:
        sheet.paste(part, (0, top))
        top += part.height
    return sheet


def _settings(options: argparse.Namespace, network: VGG19) -> dict[str, str]:
    return {
        "photos": f"long side {options.size} px",
        "loss network": f"{network.architecture}, {network.source} weights",
        "computed": f"{str(network.features_0_weight.dtype).removeprefix('torch.')} on "
        f"{machine(network.mean.device)}",
    }


def _index(options: argparse.Namespace, layers: Sequence[str], network: VGG19, photos: int) -> Page:
    tiles = [Shown(f"{layer}.png", layer) for layer in layers]
    return Page(
        "units",
        "What units of the loss network see",
        f"The patches of {count(photos, 'photo')} that excite units of each layer most. First "
        "layers wait for edges and colors, later ones for textures, and the last ones for parts "
        "of things. After Zeiler & Fergus 2014, Figure 2.",
        [Section(tiles=tiles, wide=True)],
        _settings(options, network),
        [(layer, f"{layer}.html") for layer in layers],
    )

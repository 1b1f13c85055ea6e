"""The styles of ``fst stylize``: found, made ready to paint, and what is said of them."""

import argparse
import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fst.errors import InputError, in_a_line
from fst.inference.options import OF_PASS, PassOptions
from fst.inference.pixel_options import (
    OF_PIXELS,
    PixelOptions,
)
from fst.inference.stylizers import FeedForwardStylizer, Stylizer, make_stylizer
from fst.inference.ways import (
    FOLLOWING,
    PREDICTED,
    USED,
    asked_of_painting,
    check_used,
    only_of_pixels,
    way_of,
)
from fst.styles.catalog import find_style, is_blend, is_trained
from fst.styles.predicted import find_any
from fst.styles.several import find_optimized
from fst.styles.style import Style
from fst.system.device import pick_device, pick_precision


def files_of(style: Style) -> list[Path]:
    """The paintings and checkpoints that a style may be read from, as far as they are files."""
    images = [one.image for one in (style, *style.paintings) if one.image]
    named = [style.asked, *style.shares, *images]
    return [path for path in map(Path, named) if os.path.isfile(path)]


def find_styles(options: argparse.Namespace) -> list[Style]:
    """What is painted; as many as there are masks, or one.

    Raises:
        InputError: no style, both a style and a blend, or not a mask for every style.
    """
    if bool(options.style) == bool(options.blend):
        raise InputError(
            "--style and --blend: give one of them"
            if options.style
            else "in which style? --style NAME, or --blend; fst styles lists them"
        )
    if options.blend and "=" not in options.blend:
        raise InputError(f"a blend looks like monet=0.7,starry_night=0.3, not {options.blend!r}")
    names: list[str] = options.style or [options.blend]
    if len(names) > 1 and not options.mask and all(map(is_blend, names)):
        names = [",".join(names)]  # a share each, and no masks
    elif len(names) > 1 and getattr(options, "labels", None) and not any(map(is_blend, names)):
        if twice := [name for name in names if names.count(name) > 1]:
            raise InputError(
                f"--style {twice[0]} is there twice: with --labels each painting is given once, "
                "and its --style-labels tell all of its regions"
            )
        names = [",".join(f"{name}={1 / len(names):.6g}" for name in names)]  # of its labels' part
    if len(options.mask) not in ({1, 0} if len(names) == 1 else {len(names)}):
        masks = "1 mask" if len(options.mask) == 1 else f"{len(options.mask)} masks"
        shares = " ".join(f"--style {_plain(name)}={1 / len(names):.2g}" for name in names)
        one = "" if options.mask or options.blend else f", or a share of one picture ({shares})"
        raise InputError(
            f"{len(names)} styles and {masks}: give each style a --mask of its own{one}"
        )
    device = pick_device(options.device)
    asked = asked_of_painting(options.method, options.refine, chosen_of(options))
    found = {}
    for name in dict.fromkeys(names):
        if asked is None:
            found[name] = find_optimized(name, options.checkpoints, device, options.method)
        else:
            found[name] = find_style(name, options.checkpoints, device, asked)
    return [found[name] for name in names]


def _plain(name: str) -> str:
    """A style without its share, as a shell takes it."""
    return shlex.quote(name.rpartition("=")[0] if is_blend(name) else name)


def chosen_of(options: argparse.Namespace) -> dict[str, Any]:
    """The options of painting that were given, by the names that they have everywhere."""
    given = {**vars(options), "circular": options.seamless or None}
    given["backend"] = None if options.backend == "auto" else options.backend
    names = (*OF_PASS, *OF_PIXELS, *FOLLOWING)
    return {name: given[name] for name in names if given.get(name) is not None}


def make_stylizers(options: argparse.Namespace, styles: Sequence[Style]) -> list[Stylizer]:
    """One for every style.

    Raises:
        InputError: an option that none of them has a use for.
    """
    device = pick_device(options.device)
    dtype = pick_precision(options.precision, device)
    chosen = chosen_of(options)
    ways = [way_of(style, options.method, options.refine) for style in styles]
    check_used(chosen, dict(ways))
    made: list[Stylizer] = []
    for style, (way, _) in zip(styles, ways, strict=True):
        used = {name: value for name, value in chosen.items() if name in USED[way]}
        if options.seamless:  # whatever the way: make_stylizer says why it does not tile
            used["circular"] = True
        of_pass = {name: value for name, value in used.items() if name in OF_PASS}
        of_pixels = {name: value for name, value in used.items() if name in OF_PIXELS}
        if way == "optimize":  # which may fail for want of VGG-19
            _warn(options, style, way)
        stylizer = make_stylizer(
            style, options.method, PassOptions(device, dtype, **of_pass), PixelOptions(**of_pixels),
            options.refine,
        )  # fmt: skip
        made.append(stylizer)
    return made


def say_how(
    options: argparse.Namespace, styles: Sequence[Style], stylizers: Sequence[Stylizer]
) -> None:
    """Says how the styles are going to be painted, where that is not what one expects.

    Args:
        options: of the command.
        styles: from :func:`find_styles`.
        stylizers: from :func:`make_stylizers`.
    """
    for style, stylizer in zip(styles, stylizers, strict=True):
        way, _ = way_of(style, options.method, options.refine)
        if way != "optimize":
            _warn(options, style, way)
        if isinstance(stylizer, FeedForwardStylizer) and stylizer.backend != "eager":
            print(f"backend: {stylizer.backend}")
        if (said := said_of(options, style, way)) is not None:
            print(in_a_line(said))


def _warn(options: argparse.Namespace, style: Style, way: str) -> None:
    for line in warnings_of(options, style, way):
        print(f"warning: {in_a_line(line)}", file=sys.stderr)


def warnings_of(options: argparse.Namespace, style: Style, way: str) -> list[str]:
    """Of a painting that is used where a net was trained on it."""
    slow = way == "optimize" and options.method == "auto"
    at_once = way in PREDICTED and not style.shares
    if not (slow or at_once) or not is_trained(style.name, options.checkpoints):
        return []
    how = "the pixels are optimized" if slow else "its net is predicted"
    better = "paints at once" if slow else "has learned longer"
    return [
        f"{style.asked} is a painting: {how}. There is a trained style of that name, which "
        f"{better}: --style {shlex.quote(style.name)}"
    ]


def said_of(options: argparse.Namespace, style: Style, way: str) -> str | None:
    """How a style without a checkpoint is painted, and how else it could be."""
    if way in PREDICTED:
        fits = style.fitted is not None and not options.refine
        strokes = (
            "strokes fit the photo" if fits else f"stroke size {options.style_size or style.size}"
        )
        if style.shares:
            how = f" ({strokes})" if fits else ""
            return f"mixed by the any-painting net{how}: {style.asked}"
        better = shlex.quote(f"style={style.asked}")
        # clips are never optimized
        best = "" if "clips" in options else ", best: --method optimize"
        return (
            f"{style.asked} is painted by the any-painting net ({strokes}, style weight "
            f"{style.weights['style_weight']:g}); better in a minute: fst train {better} "
            f"experiment=minute data=folder data.path=YOUR_PHOTOS{best}"
        )
    if way != "optimize" or options.method != "auto":
        return None
    slow = only_of_pixels(chosen_of(options))
    if slow and find_any(options.checkpoints) is not None:
        given = " and ".join("--" + name.replace("_", "-") for name in slow)
        return (
            f"optimizing the pixels, which takes a while, for {given}: without, {style.asked} is "
            "painted at once"
        )
    return f"no checkpoint for {style.asked!r}: optimizing the pixels, which takes a while"

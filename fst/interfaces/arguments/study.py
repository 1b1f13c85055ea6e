"""What ``fst study`` is told."""

import argparse
from pathlib import Path

from fst.choices import MIN_SIDE, NETWORKS
from fst.interfaces.arguments.options import Parser, above_zero, positive, seed, shared, side

KINDS = {
    "ratio": "content against style weight, over growing sets of style layers",
    "reconstruction": "what each layer keeps of a photo, and of paintings, from noise",
    "start": "the same optimization from photo, painting and noise",
    "pooling": "max against average pooling in the loss network",
    "statistics": "what style is compared by: Gram matrices, moments, patches ...",
    "size": "the painting at several sizes: the strokes",
    "presets": "the settings of the literature against each other",
}
"""Kind -> what its pictures show. Each optimizes pixels; ``all`` makes them one after the other."""

LARGEST = 4096
"""Side in pixels of a study's pictures: a grid of larger ones is not looked at."""

PAINTINGS = ("starry_night", "monet", "poppies", "the_scream", "great_wave")


def parser() -> Parser:
    """The command line: what is studied, and then its own options."""
    parser = Parser(
        "fst study",
        "KIND [options]",
        "Shows how style transfer works, as the papers do: pictures in a labeled grid (grid.png) "
        "and a page (index.html) in a folder. A study that was stopped goes on where it was.",
        (
            "fst study ratio --photo photo.jpg --style starry_night",
            "fst study units --layer conv1_1 conv3_1 --photos photos/",
            "fst study features photo.jpg --layer relu3_1",
            "fst study ratio --help",
        ),
    )
    kinds = parser.add_subparsers(dest="kind", required=True, prog="fst study", metavar="KIND")
    adding = {
        "ratio": _ratio,
        "reconstruction": _paintings,
        "start": _start,
        "size": _sizes,
        "presets": _photos,
    }
    for name, about in KINDS.items():
        made = kinds.add_parser(name, help=about, words="[options]", about=f"Shows {about}.")
        adding.get(name, _one)(made)
        _optimized(made, f"studies/{name}")
    everything = kinds.add_parser(
        "all",
        help="all of these, one after the other",
        words="[options]",
        about="Makes all studies of the optimization, each in a folder of its own.",
    )
    _everything(everything)
    about = "the patches of photos that excite a unit most"
    _units(kinds.add_parser("units", help=about, words="[options]", about=f"Shows {about}."))
    about = "the features of a photo, channel by channel"
    _features(
        kinds.add_parser("features", help=about, words="PHOTO [options]", about=f"Shows {about}.")
    )
    return parser


def _optimized(parser: argparse.ArgumentParser, output: str) -> None:
    """The options of all that optimize pixels."""
    shared(
        parser, "--size", type=small_side, help="long side of the pictures (default: %(default)s)"
    )
    shared(parser, "--iterations", default=300, help="of each picture")
    _computed(parser, output)


def _computed(parser: argparse.ArgumentParser, output: str) -> None:
    parser.add_argument("--loss-network", choices=NETWORKS, metavar="NAME",
                        help="vgg16, vgg19, slim (default: what the weights are of)")  # fmt: skip
    shared(parser, "--weights", default="auto",
           help="of the loss network (default: VGG-19's if they are here, else slim)")  # fmt: skip
    shared(parser, "--device", "--precision")
    parser.add_argument("--output", type=Path, default=Path(output), metavar="DIR",
                        help="for pictures and page (default: %(default)s)")  # fmt: skip
    shared(parser, "--overwrite", help="replace what another command has written there")
    parser.add_argument("--copies", type=Path, metavar="DIR",
                        help="also a small copy of the grid there (default: none)")  # fmt: skip


def _photo(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--photo", type=Path, metavar="FILE",
                        help="(default: a cup of coffee that comes with scikit-image)")  # fmt: skip


def _one(parser: argparse.ArgumentParser) -> None:
    """One photo, one painting."""
    _photo(parser)
    parser.add_argument("--style", default=PAINTINGS[0], metavar="NAME",
                        help="a style, or the file of a painting")  # fmt: skip


def _ratio(parser: argparse.ArgumentParser) -> None:
    _one(parser)
    parser.add_argument("--ratios", type=above_zero, nargs="+", default=(0.001, 0.01, 0.1, 1.0),
                        metavar="R", help="content weight over style weight")  # fmt: skip


def _paintings(parser: argparse.ArgumentParser) -> None:
    _photo(parser)
    parser.add_argument("--styles", nargs="+", default=PAINTINGS, metavar="NAME",
                        help="styles, or files of paintings")  # fmt: skip


def _start(parser: argparse.ArgumentParser) -> None:
    _one(parser)
    parser.add_argument("--seeds", type=seed, nargs="+", default=(0, 1, 2), metavar="N",
                        help="of the noise, a picture each")  # fmt: skip


def _sizes(parser: argparse.ArgumentParser) -> None:
    _one(parser)
    parser.add_argument("--style-sizes", type=small_side, nargs="+", default=(128, 256, 512, 768),
                        metavar="PIXELS", help="long side of the painting")  # fmt: skip


def _photos(parser: argparse.ArgumentParser) -> None:
    shared(parser, "--photos", type=Path, nargs="+", default=(),
           help="photos, folders, or a name in FST_ASSETS/photos (default: some that come with "
           "scikit-image)")  # fmt: skip
    shared(parser, "--limit", default=3, help="only so many photos")
    parser.add_argument("--style", default=PAINTINGS[0], metavar="NAME",
                        help="a style, or the file of a painting")  # fmt: skip


def _everything(parser: argparse.ArgumentParser) -> None:
    _ratio(parser)
    for add in (_paintings, _start, _sizes, _photos):
        known = {action.dest for action in parser._actions}
        other = argparse.ArgumentParser(add_help=False)
        add(other)
        for action in other._actions:
            if action.dest not in known:
                parser._add_action(action)
    _optimized(parser, "studies")


def _layers(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--layer", nargs="+", required=True, metavar="LAYER",
                        help="of the loss network: conv1_1, relu3_1, pool4 ...")  # fmt: skip


def _units(parser: argparse.ArgumentParser) -> None:
    _layers(parser)
    shared(parser, "--photos", type=Path, nargs="+", required=True,
           help="photos, folders, or a name in FST_ASSETS/photos")  # fmt: skip
    shared(parser, "--limit", help="only so many photos (default: all)")
    add = parser.add_argument
    add("--units", type=numbers, metavar="3,17",
        help="their numbers, from 0 (default: evenly spread ones)")  # fmt: skip
    add("--count", type=positive, default=24, metavar="N", help="how many units of a layer")
    shared(parser, "--size", type=small_side, help="long side of the photos (default: %(default)s)")
    _computed(parser, "studies/units")


def _features(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("photo", type=Path, metavar="PHOTO", help="a photo")
    _layers(parser)
    parser.add_argument("--count", type=positive, default=64, metavar="N",
                        help="at most so many channels of a layer, evenly spread")  # fmt: skip
    shared(parser, "--size", type=small_side, help="long side of the photo (default: %(default)s)")
    _computed(parser, "studies/features")


def small_side(text: str) -> int:
    """A picture's side in pixels."""
    try:
        pixels = side(text)
    except argparse.ArgumentTypeError:
        pixels = 0
    if not MIN_SIDE <= pixels <= LARGEST:
        shown = text if len(text) <= 60 else f"{text[:57]}..."
        raise argparse.ArgumentTypeError(f"{shown!r} is no side from {MIN_SIDE} to {LARGEST}")
    return pixels


def numbers(text: str) -> tuple[int, ...]:
    """Whole numbers, 0 or more, with commas between them."""
    try:
        found = tuple(int(number) for number in text.split(","))
    except ValueError:  # letters, or thousands of digits
        found = (-1,)
    if min(found) < 0:
        shown = text if len(text) <= 60 else f"{text[:57]}..."
        raise argparse.ArgumentTypeError(f"{shown!r} are no numbers from 0 on, as 3,17,40")
    return found

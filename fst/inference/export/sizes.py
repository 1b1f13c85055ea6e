"""Sizes of pictures that a file is made for and proved at."""

from fst.errors import InputError
from fst.inference.export.exported import MULTIPLE
from fst.inference.export.options import ExportOptions
from fst.inference.export.proof import ODD, SIZES
from fst.inference.export.targets import TARGETS, Target

MOST = 4096
"""Pixels of a side at most."""


def check_size(name: str, options: ExportOptions) -> None:
    """That the target ``name`` can make a file for pictures of the size that is asked for.

    Raises:
        InputError: its files are for every size; a side is too short, too long, or no multiple
            of 4.
    """
    target = TARGETS[name]
    if options.size is None:
        return
    if target.size is None:
        able = ", ".join(one for one in TARGETS if TARGETS[one].size is not None)
        raise InputError(
            f"size (--size) is of no use to {name}: one file takes pictures of many sizes; it is "
            f"for {able}"
        )
    least = max(options.margin + MULTIPLE, 2 * MULTIPLE) + (0 if target.fixed else MULTIPLE)
    if any(side % MULTIPLE or not least <= side <= MOST for side in options.size):
        width, height = options.size
        raise InputError(
            f"size (--size) {width}x{height}: for {name} and a margin of {options.margin}, sides "
            f"are multiples of {MULTIPLE} from {least} to {MOST}"
        )


def sizes_to_prove(target: Target, options: ExportOptions) -> tuple[tuple[int, int, int], ...]:
    """Pictures at a time, width and height: those of :data:`SIZES` that the file takes.

    One that takes no three of them is proved at its largest, too.
    """
    if target.batches:
        return (*SIZES[:3], ODD) if target.any_size else SIZES
    largest = options.size or target.size
    if largest is None:
        return SIZES[:3]
    width, height = largest
    if target.fixed:
        return ((1, width, height),)
    fitting = tuple(size for size in SIZES[:3] if size[1] <= width and size[2] <= height)
    return fitting if len(fitting) == 3 else (*fitting, (1, width, height))

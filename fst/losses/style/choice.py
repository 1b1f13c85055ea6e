"""What is chosen of a statistic of style, checked without torch: a command line is read so."""

from collections.abc import Mapping
from typing import Any

from fst.choices import STATISTICS
from fst.errors import InputError
from fst.system.checks import one_of, whole_number

CHOSEN = ("statistic", "patch_size", "patch_stride")
"""The settings of a loss that choose a statistic."""

SIZE, STRIDE = 3, 2
"""Of patches, in positions of a layer, where nothing is said of them: those of Li & Wand."""

LARGEST = 31
"""Side of a patch, in positions of a layer."""


def patch_settings(size: int | None, stride: int | None) -> tuple[int, int]:
    """Size and stride of patches; None is the usual one, a stride never more than the size."""
    size = SIZE if size is None else size
    return size, min(STRIDE, size) if stride is None else stride


def check_statistic(settings: Mapping[str, Any], group: str = "") -> None:
    """That a statistic and what is said of it go together.

    Args:
        settings: of a loss, the others among them: ``statistic``, one of
            :data:`~fst.choices.STATISTICS`; ``patch_size``, from 1 to :data:`LARGEST`;
            ``patch_stride``, at most that; ``normalization``. None is what is usual.
        group: what stands before their names in messages, ``"loss."``.

    Raises:
        InputError: they don't.
    """
    chosen = {name: settings.get(name) for name in (*CHOSEN, "normalization")}
    asked = chosen["statistic"]
    name = one_of(f"{group}statistic", "gram" if asked is None else asked, STATISTICS)
    for setting in ("patch_size", "patch_stride"):
        if (value := chosen[setting]) is None:
            continue
        if name != "patches":
            raise InputError(
                f"{group}{setting} is for statistic patches, not for {name}: leave it out"
            )
        whole_number(f"{group}{setting}", value, 1, LARGEST)
    size, stride = patch_settings(chosen["patch_size"], chosen["patch_stride"])
    if stride > size:
        raise InputError(
            f"{group}patch_stride must be at most the patches' size, {size}, not {stride}: "
            "else nothing judges what is between them"
        )
    if chosen["normalization"] == "course" and name != "gram":
        raise InputError(
            f"{group}normalization course is of Gram matrices: leave it out, or {group}statistic "
            f"{name}"
        )

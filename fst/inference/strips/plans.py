"""How a picture is computed in little memory, and how much that takes."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from fst.nets.stages import Stage

STRIP_BYTES, LARGE, LITTLE = 8 << 20, 16 << 20, 1 << 20
"""Of a strip's input and output together on a CPU: about what its caches hold; of a larger one
where strips are computed again, and of one that takes little memory."""


@dataclass(frozen=True)
class Plan:
    """How a picture is computed in little memory.

    Attributes:
        anew: the stages whose output is not kept, but computed again where it is read.
        disk: what is kept lies in a temporary file
            (:func:`~fst.system.files.scratch_folder`).
        strip_bytes: of a strip's input and output.
    """

    anew: frozenset[int] = frozenset()
    disk: bool = False
    strip_bytes: int = STRIP_BYTES


def row_bytes(stage: Stage, width: int, dtype: torch.dtype) -> float:
    """Of a row of the output, ``width`` pixels, with its share of the input."""
    up, down = stage.scale
    return dtype.itemsize * width * (stage.channels + stage.weight.shape[1] * (down / up) ** 2)


def plans(stages: Sequence[Stage]) -> list[Plan]:
    """From the fastest to the one that takes the least memory."""
    full, half = [], []  # the stages whose output is as large as the picture, or half as wide
    scale = 4
    for number, stage in enumerate(stages):
        up, down = stage.scale
        scale = scale * up // down
        if stage.norm is not None:
            full += [number] if scale == 4 else []
            half += [number] if scale == 2 else []
    wide, wider = frozenset(full), frozenset(full + half)
    return [
        Plan(),
        Plan(wide, strip_bytes=LARGE),
        Plan(wider, strip_bytes=LARGE),
        Plan(wider, strip_bytes=LITTLE),
        Plan(wider, True, LARGE),
        Plan(wider, True, LITTLE),
    ]


def memory(stages: Sequence[Stage], height: int, width: int, dtype: torch.dtype, plan: Plan) -> int:
    """About how many bytes :func:`run` takes at most, its output included."""
    output = 12 * height * width
    # a strip's input, normalized, its output, and what the convolution needs
    rows = max(row_bytes(stage, width, dtype) for stage in stages)
    work = 12 * min(max(plan.strip_bytes, 2 * rows), height * rows)
    most = now = kept = inner = 0
    h, w = height, width
    for number, stage in enumerate(stages[:-1]):
        up, down = stage.scale
        h, w = h * up // down, w * up // down
        size = stage.channels * (h + 2) * (w + 2) * dtype.itemsize
        size = 0 if plan.disk or number in plan.anew else size
        block = stages[number + 1].add
        if stage.add or (block and inner):
            continue  # where another stage's rows were
        most = max(most, now + kept + inner + size)
        if stage.keep:
            now, kept = 0, size
        elif block:
            inner = size
        elif number not in plan.anew:
            now, kept, inner = size, 0, 0
    return int(1.25 * (output + work + most))  # malloc leaves holes

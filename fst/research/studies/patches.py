"""Which patches of many photos excite each unit of a layer most.

A unit is a channel of a layer, at whatever position. Of every photo only its most exciting patch
counts, so that one photo does not fill a grid.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from fst.errors import InputError
from fst.loss_networks.receptive import ReceptiveField

PATCHES = 9
"""Of each unit, as Zeiler & Fergus show them."""

BEYOND = 0.5
"""Gray, where a patch reaches beyond its photo's border: there the unit has seen nothing."""


@dataclass(frozen=True)
class Patch:
    """Where a unit was excited: in which photo, at which position of the features, how much."""

    photo: int
    row: int
    column: int
    activation: float


class Excitation:
    """The most exciting places of all units of a layer, the best of each photo; bounded memory.

    Args:
        most: so many places of each unit are kept.
    """

    def __init__(self, most: int = PATCHES) -> None:
        self.most = most
        self._values = torch.empty(0)  # (units, so many as were seen, at most `most`)
        self._places = torch.empty(0, dtype=torch.long)  # (units, as many, 3): photo, row, column

    def see(self, photo: int, features: Tensor) -> None:
        """The features of the next photo, ``(1, C, H, W)``.

        Raises:
            InputError: of another number of units than before.
        """
        units, width = features.shape[1], features.shape[3]
        values, where = features[0].float().flatten(1).max(1)
        rows, columns = where // width, where % width
        place = torch.stack([torch.full_like(where, photo), rows, columns], 1)  # (C, 3)
        values, place = values.cpu()[:, None], place.cpu()[:, None]
        if len(self._values):
            if len(self._values) != units:
                raise InputError(f"{units} units after {len(self._values)}: another layer")
            values = torch.cat([self._values, values], 1)
            place = torch.cat([self._places, place], 1)
        # stable: of two that excite alike the earlier photo stays first
        order = torch.argsort(values, dim=1, descending=True, stable=True)[:, : self.most]
        self._values = values.gather(1, order)
        self._places = place.gather(1, order[:, :, None].expand(-1, -1, 3))

    def of(self, unit: int) -> list[Patch]:
        """The patches of a unit, the most exciting one first; none of those that left it at rest.

        After a ReLU a unit at rest is 0: a place where it is shows nothing of it.
        """
        found = zip(self._places[unit].tolist(), self._values[unit].tolist(), strict=True)
        return [Patch(photo, row, column, value) for (photo, row, column), value in found if value]


def chosen_units(asked: Sequence[int] | None, count: int, units: int, layer: str) -> list[int]:
    """Those that are shown.

    Args:
        asked: their numbers, in the order given; None takes evenly spread ones.
        count: how many of them then.
        units: how many the layer has.
        layer: its name, for the message.

    Raises:
        InputError: the layer has no such unit.
    """
    if asked is None:
        return sorted({number * units // min(count, units) for number in range(min(count, units))})
    if beyond := [number for number in asked if number >= units]:
        raise InputError(f"{layer} has no unit {beyond[0]}: it has {units}, 0 to {units - 1}")
    return list(dict.fromkeys(asked))


def cut(photo: Tensor, box: tuple[int, int, int, int]) -> Tensor:
    """A square of a photo ``(1, 3, H, W)``, gray where it lies beyond the border.

    Args:
        photo: RGB in [0, 1].
        box: left, top, right and bottom, in pixels.
    """
    left, top, right, bottom = box
    height, width = photo.shape[2:]
    patch = torch.full((1, 3, bottom - top, right - left), BEYOND)
    inside = photo[..., max(0, top) : max(0, min(height, bottom)),
                   max(0, left) : max(0, min(width, right))]  # fmt: skip
    y, x = max(0, -top), max(0, -left)
    patch[..., y : y + inside.shape[2], x : x + inside.shape[3]] = inside
    return patch


def cut_all(
    wanted: dict[tuple[str, int], list[Patch]],
    fields: dict[str, ReceptiveField],
    photos: Sequence[Path],
    read: Callable[[Path], Tensor],
) -> dict[tuple[str, int], list[Tensor]]:
    """The patches themselves: every photo that has one is read once.

    Args:
        wanted: of a layer and a unit.
        fields: of the layers.
        photos: by the patches' numbers.
        read: makes a tensor of a photo, as it was shown to the network.
    """
    found: dict[tuple[str, int], list[Tensor]] = {
        key: [torch.empty(0)] * len(patches) for key, patches in wanted.items()
    }
    by_photo: dict[int, list[tuple[tuple[str, int], int, Patch]]] = {}
    for key, place, patch in _each(wanted):
        by_photo.setdefault(patch.photo, []).append((key, place, patch))
    for number, patches in sorted(by_photo.items()):
        photo = read(photos[number])
        for key, place, patch in patches:
            found[key][place] = cut(photo, fields[key[0]].box(patch.row, patch.column))
    return found


def _each(
    wanted: dict[tuple[str, int], list[Patch]],
) -> Iterator[tuple[tuple[str, int], int, Patch]]:
    for key, patches in wanted.items():
        for place, patch in enumerate(patches):
            yield key, place, patch

"""A bank of styles: what the judge sees in many paintings, measured once and kept on disk."""

import copy
import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor

from fst.data.disk_cache import only_one
from fst.errors import FstWarning, InputError
from fst.loss_networks.layers import check_layers
from fst.loss_networks.vgg import VGG19
from fst.losses.moments import moments_network
from fst.system.checks import whole_number
from fst.system.files import check_writable
from fst.system.memory import free_memory
from fst.training.many.filling import fill, room_for
from fst.training.many.measured import Seen, read_measured
from fst.training.many.paintings import LEAST, Painting

SIZES = (256, 384, 512, 768)
"""Pixels of a painting's long side at which it is seen: the stroke sizes."""


class StyleBank:
    """Styles to learn: variants of paintings, and what the judge sees in each.

    The variants of a painting stand together, those of a size together among them, and the painting
    as it is comes first of its size. Two banks of the same paintings and settings, for two judges,
    hold the same variants at the same places.

    Args:
        paintings: their names.
        seen: how they were seen.
        measured: of every painting, what :func:`~fst.training.many.measured.measure` returns.

    Attributes:
        painting: ``(V,)`` int64, which painting a variant is of.
        sizes: ``(V,)`` float32, pixels of the whole painting's long side.
        moments: ``(V, MOMENTS)`` float32.
        device: where these are, and what :meth:`grams` returns.
    """

    def __init__(
        self, paintings: Sequence[str], seen: Seen, measured: Sequence[Mapping[str, Tensor]]
    ) -> None:
        self.paintings, self.seen = list(paintings), seen
        self.device = torch.device("cpu")
        self.each = len(seen.sizes) * seen.variants
        """Variants of a painting."""
        self.painting = torch.arange(len(paintings)).repeat_interleave(self.each)
        sizes = torch.tensor([float(size) for size in seen.sizes])
        self.sizes = sizes.repeat_interleave(seen.variants).repeat(len(paintings))
        self.moments = torch.cat([found["moments"] for found in measured])
        self._tops = {
            layer: torch.cat([found[f"top.{layer}"] for found in measured]) for layer in seen.layers
        }
        self._halves = {layer: [found[f"gram.{layer}"] for found in measured]
                        for layer in seen.layers}  # fmt: skip
        self._packed: dict[str, Tensor] | None = None
        """The same on a device that has room for all of it."""
        self._places = {layer: _square_places(halves[0].shape[1])
                        for layer, halves in self._halves.items()}  # fmt: skip

    def __len__(self) -> int:
        """The number of variants of all paintings."""
        return len(self.painting)

    @property
    def nbytes(self) -> int:
        """The bytes of all Gram matrices, as they are kept."""
        return sum(half.nbytes for halves in self._halves.values() for half in halves)

    def grams(self, variants: Tensor) -> dict[str, Tensor]:
        """The Gram matrices of variants.

        Args:
            variants: ``(N,)`` int64, on the CPU.

        Returns:
            Layer -> ``(N, C, C)``, float32, on the bank's device.
        """
        there = variants.to(self.device, non_blocking=True)
        found = {}
        for layer, places in self._places.items():
            if self._packed is not None:
                rows = self._packed[layer][there]
            else:
                halves = self._halves[layer]
                each = [halves[v // self.each][v % self.each] for v in variants.tolist()]
                rows = torch.stack(each).to(self.device, non_blocking=True)
            scaled = rows.float() * self._tops[layer][there, None]
            side = math.isqrt(len(places))
            found[layer] = scaled[:, places].view(len(variants), side, side)
        return found

    def to(self, device: torch.device | str) -> "StyleBank":
        """The bank on a device: all of it where half of the free memory is enough.

        Elsewhere the Gram matrices stay in their files, and those of a step come from there; so
        they do where a device shares the CPU's memory.
        """
        bank = copy.copy(self)
        bank.device = torch.device(device)
        for name in ("painting", "sizes", "moments"):
            setattr(bank, name, getattr(self, name).to(bank.device))
        for name in ("_tops", "_places"):
            tensors = getattr(self, name)
            setattr(bank, name, {layer: value.to(bank.device) for layer, value in tensors.items()})
        bank._packed = None
        own_memory = bank.device.type not in ("cpu", "mps")
        if own_memory and 2 * self.nbytes <= free_memory(bank.device):
            bank._packed = {
                layer: torch.cat([half.to(bank.device) for half in halves])
                for layer, halves in self._halves.items()
            }
        return bank


def _square_places(entries: int) -> Tensor:
    """Where each entry of a symmetric matrix, row by row, stands in its upper half."""
    side = (math.isqrt(8 * entries + 1) - 1) // 2
    i, j = torch.triu_indices(side, side)
    places = torch.empty(side, side, dtype=torch.int64)
    places[i, j] = places[j, i] = torch.arange(entries)
    return places.flatten()


def open_bank(
    paintings: Sequence[Painting],
    network: VGG19,
    layers: Sequence[str],
    sizes: Sequence[int] = SIZES,
    variants: int = 4,
    seed: int = 0,
    *,
    cache: Path,
    say: Callable[[str], None] | None = None,
) -> StyleBank:
    """The bank of these paintings, measured where the cache lacks them.

    Every painting has a file of its own in the cache, for each judge and settings: a bank that was
    interrupted goes on, and another painting costs its own time alone.

    Args:
        paintings: from :func:`~fst.training.many.paintings.find_paintings`.
        network: that judges; on its device, and in its precision, paintings are measured.
        layers: of it, whose Gram matrices are taken.
        sizes: pixels of the long side.
        variants: of each size; see :func:`~fst.training.many.variants.variant`.
        seed: of the variants; another seed is another bank.
        cache: the folder of the files; made if need be.
        say: told how far the measuring is; None draws a bar where one can be drawn.

    Raises:
        InputError: no painting, sizes or variants out of range, a cache that can't be written to
            or has no room, or a painting that is no picture any more.
    """
    if not paintings:
        raise InputError("a bank of styles needs paintings, and there are none")
    slim = moments_network().to(network.mean.device)
    seen = _seen(network, slim, layers, sizes, variants, seed)
    folder = cache.expanduser()
    measured = _read(paintings, seen, folder)
    if len(measured) < len(paintings):
        with room_for(folder):
            folder.mkdir(parents=True, exist_ok=True)
            check_writable(folder)
        with only_one(folder):  # another process may have filled it in the meantime
            measured |= _read([p for p in paintings if p.sha256 not in measured], seen, folder)
            missing = [painting for painting in paintings if painting.sha256 not in measured]
            if missing:
                _say_damaged([seen.file(folder, painting.sha256) for painting in missing])
                fill(missing, seen, folder, network, slim, say)
        measured |= _read(missing, seen, folder)
    for painting in paintings:
        if painting.sha256 not in measured:
            path = seen.file(folder, painting.sha256)
            raise InputError(f"{path} was damaged while it was in use: start again")
    return StyleBank(
        [painting.name for painting in paintings],
        seen,
        [measured[painting.sha256] for painting in paintings],
    )


def _read(paintings: Sequence[Painting], seen: Seen, folder: Path) -> dict[str, dict[str, Tensor]]:
    """The statistics that the cache has whole, by the SHA-256 of their painting."""
    read = {p.sha256: read_measured(seen.file(folder, p.sha256), seen, p.sha256) for p in paintings}
    return {sha256: found for sha256, found in read.items() if found is not None}


def _say_damaged(files: Sequence[Path]) -> None:
    """Says which of the files that are to be made there are already."""
    if damaged := [path for path in files if path.exists()]:
        what = f"{damaged[0]} is damaged and"
        if (others := len(damaged) - 1) > 0:
            what = f"{damaged[0]} and {others} other{'s' * (others > 1)} are damaged and"
        warnings.warn(f"{what} made anew", FstWarning, stacklevel=3)


def _seen(
    network: VGG19,
    slim: VGG19,
    layers: Sequence[str],
    sizes: Sequence[int],
    variants: int,
    seed: int,
) -> Seen:
    """What tells one bank from another, checked."""
    sizes = tuple(whole_number("paintings.sizes", size, LEAST) for size in sizes)
    if not sizes or len(set(sizes)) < len(sizes):
        raise InputError(f"paintings.sizes must be different sizes in pixels, not {[*sizes]}")
    return Seen(
        network.sha256,
        slim.sha256,
        network.pooling,
        str(network.features_0_weight.dtype).removeprefix("torch."),
        check_layers(layers),
        sizes,
        whole_number("paintings.variants", variants, 1),
        whole_number("paintings.seed", seed),
        network.padding,
    )

"""What judges see in one painting, in a file: Gram matrices and moments of its variants."""

import hashlib
import json
import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from fst.image.picture import Picture
from fst.loss_networks.vgg import VGG19
from fst.losses.functional import gram_matrix
from fst.losses.moments import painting_moments
from fst.nets.predictor import MOMENTS
from fst.system.files import atomic_file, utf8_path
from fst.training.many.variants import variant

FORMAT = 1
"""Of the files; another number makes all of them anew."""

CHECKSUM = "crc32"
"""What a file calls that of its numbers; those of an earlier version have none."""


@dataclass(frozen=True)
class Seen:
    """How paintings are seen: all that their statistics depend on besides themselves.

    Attributes:
        network: the judge's SHA-256.
        moments: the SHA-256 of the network whose moments a predictor reads.
        pooling: of the judge.
        precision: in which the judge computes.
        layers: of the judge, whose Gram matrices are taken.
        sizes: pixels of the painting's long side.
        variants: of each size.
        seed: of the variants.
        padding: of the judge.
    """

    network: str
    moments: str
    pooling: str
    precision: str
    layers: tuple[str, ...]
    sizes: tuple[int, ...]
    variants: int
    seed: int
    padding: str = "zeros"

    def about(self, sha256: str) -> str:
        """What a file says of itself: of which painting it is, and how that was seen."""
        said = asdict(self)
        if self.padding == "zeros":  # files of before there was a choice hold for it
            del said["padding"]
        return json.dumps({"format": FORMAT, "painting": sha256, **said}, sort_keys=True)

    def file(self, folder: Path, sha256: str) -> Path:
        """Where the statistics of a painting lie in a cache."""
        settings = hashlib.sha256(self.about("").encode()).hexdigest()
        network = hashlib.sha256(self.network.encode()).hexdigest()  # its own may be no digest
        return folder / f"{sha256[:24]}-{network[:12]}-{settings[:12]}.safetensors"


@torch.no_grad()
def measure(
    picture: Picture, sha256: str, seen: Seen, network: VGG19, slim: VGG19
) -> dict[str, Tensor]:
    """The statistics of all variants of a painting, size by size.

    Args:
        picture: the painting, at least as large as the largest size if its file is.
        sha256: of its file.
        seen: how it is seen.
        network: that judges.
        slim: from :func:`~fst.losses.moments.moments_network`, on the judge's device.

    Returns:
        ``moments`` ``(V, MOMENTS)``; of each layer ``top.<layer>`` ``(V,)``, the largest entry of
        every Gram matrix, and ``gram.<layer>`` ``(V, C (C + 1) / 2)`` float16, the upper halves,
        divided by it: VGG-19's reach two millions, far beyond float16.
    """
    found: dict[str, list[Tensor]] = {}
    device = network.mean.device
    if device.type == "cuda":  # where resizing is quick, too
        alpha = None if picture.alpha is None else picture.alpha.to(device)
        picture = Picture(picture.rgb.to(device), alpha)
    for size in seen.sizes:
        for number in range(seen.variants):
            painting = variant(picture, sha256, size, number, seen.seed).to(device)
            found.setdefault("moments", []).append(painting_moments(slim, painting)[0])
            for layer, features in network(painting, seen.layers).items():
                gram = gram_matrix(features)[0]
                i, j = torch.triu_indices(*gram.shape, device=device)
                top = gram.abs().max().clamp_min(torch.finfo(gram.dtype).tiny)
                found.setdefault(f"top.{layer}", []).append(top)
                found.setdefault(f"gram.{layer}", []).append((gram[i, j] / top).half())
    return {name: torch.stack(values).cpu() for name, values in found.items()}


def write_measured(path: Path, measured: Mapping[str, Tensor], about: str) -> None:
    """Writes the statistics of a painting, whole or not at all.

    Raises:
        OSError: the disk is full, and the like.
    """
    content = save(dict(measured), {"fst": about, CHECKSUM: _checksum(measured)})
    with atomic_file(path) as temporary:
        temporary.write_bytes(content)


def read_measured(path: Path, seen: Seen, sha256: str) -> dict[str, Tensor] | None:
    """The statistics in a file, mapped into memory; read once, for their checksum.

    Returns:
        What :func:`measure` returned; None where there is no such file, or a damaged one.
    """
    try:
        with utf8_path(path) as same, safe_open(same, framework="pt") as file:
            told = file.metadata() or {}
            if told.get("fst") != seen.about(sha256):
                return None
            found = {name: file.get_tensor(name) for name in file.keys()}
    except (SafetensorError, OSError, ValueError):
        return None
    if not _is_whole(found, seen):
        return None
    known = told.get(CHECKSUM)
    return found if known in (None, _checksum(found)) else None


def _checksum(measured: Mapping[str, Tensor]) -> str:
    """Of all numbers: a disk that fails leaves names and sizes as they were."""
    total = 0
    for name in sorted(measured):
        total = zlib.crc32(measured[name].contiguous().view(torch.uint8).numpy().data, total)
    return f"{total:08x}"


def _is_whole(found: Mapping[str, Tensor], seen: Seen) -> bool:
    """Whether all is there, of the right shape and finite; the Gram matrices are not read."""
    count = len(seen.sizes) * seen.variants
    moments = found.get("moments")
    if moments is None or moments.shape != (count, MOMENTS) or not bool(moments.isfinite().all()):
        return False
    for layer in seen.layers:
        top, gram = found.get(f"top.{layer}"), found.get(f"gram.{layer}")
        if top is None or gram is None or gram.dtype != torch.float16 or gram.dim() != 2:
            return False
        if top.shape != (count,) or len(gram) != count or not bool(top.isfinite().all()):
            return False
    return True

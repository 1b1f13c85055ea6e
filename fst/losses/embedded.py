"""The Gram matrices of the shipped paintings, in a file that comes with the package."""

import json
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from fst import assets
from fst.errors import AssetError
from fst.loss_networks.weights import EMBEDDED
from fst.losses.statistics import StyleStatistics
from fst.system.files import atomic_file

EMBEDDED_STYLES = EMBEDDED / "styles.safetensors"
"""The shipped paintings' statistics, at a few sizes and all ReLUs of the slim network."""

SHA256 = "fa36cdddd1f3b77a46688bd083948f24d2cfff7fd96b426fbf0abcb82d9285a6"
"""Of that file."""


def write_statistics(
    path: Path, paintings: Mapping[str, Mapping[int, StyleStatistics]], about: Mapping[str, Any]
) -> None:
    """Writes the statistics of paintings at several sizes; whole or not at all.

    Args:
        path: a ``.safetensors`` file.
        paintings: name -> size in pixels -> statistics, all for one network with max pooling.
        about: plain values that describe the paintings.
    """
    tensors, scales, networks = {}, {}, set()
    for name, sizes in paintings.items():
        for size, statistics in sizes.items():
            networks.add(statistics.network)
            for layer, gram in statistics.grams.items():
                key = f"{name}.{size}.{layer}"
                triangle = gram[0][_triangle(gram.shape[-1])]
                largest = float(triangle.abs().max())
                tensors[key] = (triangle / largest).half()
                scales[key] = [largest, statistics.means[layer]]
    (network,) = networks
    described = {"network": network, "scales": scales, **about}
    with atomic_file(path) as partial:
        save_file(tensors, partial, {"fst": json.dumps(described)})


def embedded_style(
    image: str, size: int, layers: Iterable[str], path: Path = EMBEDDED_STYLES
) -> StyleStatistics:
    """The shipped statistics of a painting.

    Args:
        image: the painting's file name, with or without suffix.
        size: its long side in pixels.
        layers: where statistics are wanted.
        path: the file.

    Raises:
        AssetError: none for that painting, size or layer; or the file is damaged.
    """
    name, grams, means = Path(image).stem, {}, {}
    try:
        assets.check_sha256(path, (SHA256,) if path == EMBEDDED_STYLES else ("",))
        with safe_open(path, framework="pt") as file:
            about = json.loads((file.metadata() or {})["fst"])
            known = [key.split(".") for key in file.keys()]
            if name not in {painting for painting, _, _ in known}:
                shipped = ", ".join(sorted({painting for painting, _, _ in known}))
                raise AssetError(f"no embedded style statistics of {image!r}, only of {shipped}")
            sizes = sorted({int(pixels) for painting, pixels, _ in known if painting == name})
            if size not in sizes:
                raise AssetError(
                    f"the embedded style statistics of {name} are for a style size of "
                    f"{', '.join(map(str, sizes))}, not {size}"
                )
            for layer in layers:
                key = f"{name}.{size}.{layer}"
                if key not in about["scales"]:
                    there = [place for painting, _, place in known if painting == name]
                    raise AssetError(
                        f"the embedded style statistics have no {layer}, only "
                        f"{', '.join(dict.fromkeys(there))}"
                    )
                largest, means[layer] = about["scales"][key]
                grams[layer] = _symmetric(file.get_tensor(key).float() * largest)
    except AssetError:  # an OSError, too
        raise
    except FileNotFoundError as error:
        raise AssetError(f"{path} is missing: install fst again") from error
    except (SafetensorError, OSError, KeyError, ValueError) as error:
        raise AssetError(f"{path} is no file of style statistics: {error}") from error
    return StyleStatistics(grams, means, about["network"])


def _triangle(count: int) -> tuple[Tensor, Tensor]:
    """Indices of the upper triangle of a ``(count, count)`` matrix."""
    rows, columns = torch.triu_indices(count, count)
    return rows, columns


def _symmetric(triangle: Tensor) -> Tensor:
    """``(1, C, C)`` from its upper triangle, ``(C (C + 1) / 2,)``."""
    count = math.isqrt(2 * len(triangle))
    gram = torch.zeros(count, count)
    gram[_triangle(count)] = triangle
    return (gram + gram.triu(1).T)[None]

"""What tests of several files use: small pictures, data sets, and where the scripts are."""

import io
import subprocess
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

import datasets
import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from fst.nets.johnson import JohnsonNet
from fst.nets.norm import InstanceNorm2d
from fst.styles.trained import TrainedStyle, save_checkpoint

ROOT = Path(__file__).parents[1]
SCRIPTS = ROOT / "scripts"

Run = Callable[..., subprocess.CompletedProcess[str]]
"""The ``run`` fixture: script, arguments, environment variables."""


def make_photo(width: int = 48, height: int = 40, seed: int = 0) -> Image.Image:
    """A smooth random picture: low-frequency colors, so that JPEG changes it little."""
    small = np.random.default_rng(seed).integers(0, 256, (5, 6, 3), dtype=np.uint8)
    return Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC)


def one_color(number: int, width: int = 24, height: int = 20) -> Image.Image:
    """Photo ``number`` (up to 224) of those whose crops tell from which photo they were cut."""
    return Image.new("RGB", (width, height), (10 * (number % 25), 30 * (number // 25), 90))


def numbers(crops: Tensor) -> list[int]:
    """From which :func:`one_color` the crops ``(N, 3, H, W)`` in [0, 1] were cut."""
    red, green, _ = (crops.flatten(2).mean(2).T * 255).tolist()
    return [round(r / 10) + 25 * round(g / 30) for r, g in zip(red, green, strict=True)]


def encoded(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    """The picture as the bytes of a file."""
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def write_parquet(
    folder: Path,
    shards: Sequence[int],
    column: str = "image",
    broken: Collection[int] = (),
    rows_together: int | None = None,
) -> Path:
    """A data set as the hub has them: a file for each shard, with so many :func:`one_color`."""
    folder.mkdir(parents=True)
    features = datasets.Features({column: datasets.Image()})
    first = 0
    for shard, count in enumerate(shards):
        rows = [
            {"bytes": b"no" if i in broken else encoded(one_color(i)), "path": f"{i}.png"}
            for i in range(first, first + count)
        ]
        data = datasets.Dataset.from_dict({column: rows}, features=features)
        name = f"train-{shard:05d}-of-{len(shards):05d}.parquet"
        data.to_parquet(str(folder / name), batch_size=rows_together)
        first += count
    return folder


def shaken_net(upsampling: str, width: int = 4) -> JohnsonNet:
    """A tiny net whose norms scale and shift, as trained ones do."""
    torch.manual_seed(0)
    net = JohnsonNet(width, residual_blocks=2, upsampling=upsampling).requires_grad_(False)
    for module in net.modules():
        if isinstance(module, InstanceNorm2d):
            nn.init.normal_(module.weight)
            nn.init.normal_(module.bias)
    return net


def save_tiny_style(path: Path, seed: int = 0) -> Path:
    """A style's file, of a tiny net, at that path."""
    torch.manual_seed(seed)
    arguments = {"width": 4, "residual_blocks": 1}
    description = {"net": {"name": "johnson", "arguments": arguments}, "style": {"name": path.stem}}
    save_checkpoint(path, TrainedStyle(JohnsonNet(width=4, residual_blocks=1), description))
    return path

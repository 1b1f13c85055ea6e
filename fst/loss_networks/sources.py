"""Where the weights of loss networks come from: VGG-19's, VGG-16's, and the slim network's.

The slim network has VGG-19's layers, and comes with the package (docs/slim.md).
"""

from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path

import torch

from fst import assets
from fst.errors import AssetError, InputError
from fst.loss_networks.architectures import ARCHITECTURES, CHANNELS, SUFFIX


@dataclass(frozen=True)
class WeightSource:
    """Where weights come from and what has to be known to use them.

    ``mean`` and ``std`` normalize RGB in [0, 1]; ``sha256`` are the digests (or their beginnings)
    of the files that count as this source. A network other than VGG-19 itself has another
    ``architecture``, and may have its own ``channels`` per block.
    """

    file: str
    sha256: tuple[str, ...]
    license: str
    citation: str
    architecture: str = "vgg19"
    channels: tuple[int, ...] = CHANNELS
    mean: tuple[float, float, float] = (0.485, 0.456, 0.406)
    std: tuple[float, float, float] = (0.229, 0.224, 0.225)


WEIGHTS = {
    "caffe": WeightSource(
        file="vgg19_caffe_fp16.safetensors",
        sha256=(
            "4a34924b2e9304248715388bcdb1ea76df41d926f918d5248a70e9bf0a490e2c",
            # the same tensors up to conv5_1 only, as packed for machines without a network
            "bbd8ccb1129c9b71998bc9e748fa9a37bcad67e8b00c6b5097a52d259befe47d",
        ),
        license="CC BY 4.0",
        citation="Simonyan & Zisserman 2014, arXiv:1409.1556; the authors' Caffe release",
    ),
    "torchvision": WeightSource(
        file="vgg19-dcbb9e9d.pth",
        # torchvision itself publishes and checks the first eight digits, in the file's name
        sha256=("dcbb9e9dad569fff7a846263a77324fc34978fea2bfb039c012d710e1776ae44",),
        license="BSD 3-Clause (torchvision); trained on ImageNet",
        citation="torchvision.models.VGG19_Weights.IMAGENET1K_V1",
    ),
    "slim": WeightSource(
        file="vgg19_slim.safetensors",
        sha256=("4198765b9638aca9ed90381e5e87a4b5aa688bc9c74390e7d1e63e80f4e3d434",),
        license="CC BY 4.0",
        citation="distilled from the weights of Simonyan & Zisserman 2014, arXiv:1409.1556",
        architecture="vgg19-slim",
        channels=(16, 32, 64, 128, 128),
    ),
}
"""The weight sources, of VGG-19 and of the slim network that stands in for it."""

SOURCES = {
    "vgg19": WEIGHTS,
    "slim": WEIGHTS,
    "vgg16": {
        "torchvision": WeightSource(
            file="vgg16-397923af.pth",
            sha256=("397923af8e79cdbb6a7127f12361acd7a2f83e06b05044ddf496e83de57a5bf0",),
            license="BSD 3-Clause (torchvision); trained on ImageNet",
            citation="torchvision.models.VGG16_Weights.IMAGENET1K_V1",
            architecture="vgg16",
        ),
    },
}
"""Network, of :data:`~fst.loss_networks.architectures.ARCHITECTURES` -> its weight sources."""

AUTO = ("caffe", "torchvision")
"""The sources that ``"auto"`` tries, in this order, as far as a network has them: VGG-19, and
nothing in its place."""

EMBEDDED = Path(__file__).resolve().parents[1] / "embedded"
"""What comes with the package: the slim network, and portraits of paintings."""

SLIM_INSTEAD = {
    "vgg19": "Without VGG-19: --weights slim; in a training loss=slim (without photos, too: "
    "data=sample)",
    "vgg16": "Without VGG-16: --loss-network slim; in a training loss.network=slim",
}
"""Network that can't be had -> what to do without it."""


def find_weights(weights: str, network: str) -> tuple[str, Path]:
    """The name of the source (or ``"file"``) and where its file lies; downloads it if need be.

    Args:
        weights: as for :class:`~fst.loss_networks.vgg.VGG19`.
        network: one of :data:`SOURCES`, that the weights are for.

    Raises:
        InputError: an unknown source.
        AssetError: weights that can't be had.
    """
    sources = SOURCES[network]
    if weights == "auto":
        for source in (name for name in AUTO if name in sources):
            try:
                return source, assets.find("weights", sources[source].file)
            except AssetError:
                continue
        weights = "torchvision"
    if weights == "slim":
        return weights, EMBEDDED / WEIGHTS[weights].file
    if weights == "caffe":
        try:
            return weights, assets.find("weights", WEIGHTS[weights].file)
        except AssetError as error:
            raise _nowhere(network, weights, "there is no download of it") from error
    if weights == "torchvision":
        return weights, _torchvision_file(network)
    if Path(weights).suffix != SUFFIX:
        options = ", ".join(("auto", *sources, "random"))
        title = ARCHITECTURES[network].title
        raise InputError(f"{title} weights: give {options}, or a {SUFFIX} file, not {weights!r}")
    path = assets.find("weights", weights)
    by_name = {WEIGHTS[source].file: source for source in AUTO} if network == "vgg19" else {}
    return by_name.get(path.name, "file"), path


def at_hand(network: str = "vgg19") -> Path | None:
    """The weights of VGG-19, or VGG-16, if ``"auto"`` finds them without a download."""
    sources = SOURCES[network]
    for source in (name for name in AUTO if name in sources):
        try:
            return assets.find("weights", sources[source].file)
        except AssetError:
            continue
    cached = Path(torch.hub.get_dir()) / "checkpoints" / sources["torchvision"].file
    return cached if cached.exists() else None


def _torchvision_file(network: str) -> Path:
    """Torchvision's own file: from ``FST_ASSETS``, torch.hub's cache, or downloaded into it.

    A download is a file and nothing else until its whole SHA-256 is known to be right: it gets its
    name in the cache then, and is read once, by :func:`load_weights`, which runs no code of it.
    """
    known = SOURCES[network]["torchvision"]
    cached = Path(torch.hub.get_dir()) / "checkpoints" / known.file
    try:
        return assets.find("weights", known.file)
    except AssetError:
        if cached.exists():
            return cached
    from torchvision import models  # takes a second, and few come this far

    published = {"vgg16": models.VGG16_Weights, "vgg19": models.VGG19_Weights}[network]
    try:
        cached.parent.mkdir(parents=True, exist_ok=True)
        url = published.IMAGENET1K_V1.url
        torch.hub.download_url_to_file(url, str(cached), known.sha256[0])
    except (OSError, RuntimeError, HTTPException) as error:
        reason = " ".join(str(getattr(error, "reason", error)).split())[:120]
        failed = f"its download to {cached} failed: {reason}"
        raise _nowhere(network, "torchvision", failed) from error
    return cached


def _nowhere(network: str, source: str, download: str) -> AssetError:
    """A network can't be had: where it was looked for, what became of the download, what to do."""
    *given, cache = assets.search_path("weights")
    folders = f"{given[0] if given else 'FST_ASSETS (not set)'} or {cache}"
    return AssetError(
        f"{ARCHITECTURES[network].title} can't be had: no {SOURCES[network][source].file} in "
        f"{folders}, and {download}"
    )

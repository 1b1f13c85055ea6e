"""VGG-19's layers and shapes, and where weights for them come from.

Besides VGG-19's own there are those of a slim network of the same layers, which come with the
package (docs/slim.md).
"""

import json
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from fst import assets
from fst.errors import AssetError, InputError
from fst.loss_networks.layers import CHANNELS, LAYERS, convolution_shapes, metric_shapes
from fst.system.files import utf8_path


@dataclass(frozen=True)
class WeightSource:
    """Where weights come from and what has to be known to use them.

    ``mean`` and ``std`` normalize RGB in [0, 1]; ``sha256`` are the digests (or their beginnings)
    of the files that count as this source. A network other than VGG-19 itself has another
    ``architecture``, its own ``channels`` per block, and may end at a ``last`` layer.
    """

    file: str
    sha256: tuple[str, ...]
    license: str
    citation: str
    architecture: str = "vgg19"
    channels: tuple[int, ...] = CHANNELS
    last: str = "pool5"
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
        last="relu5_1",
    ),
}
"""The weight sources."""

AUTO = ("caffe", "torchvision")
"""The sources that ``"auto"`` tries, in this order: VGG-19, and nothing in its place."""

EMBEDDED = Path(__file__).resolve().parents[1] / "embedded"
"""What comes with the package: the slim network, and portraits of paintings."""

SLIM_INSTEAD = (
    "Without VGG-19: --weights slim; in a training loss=slim (without photos, too: data=sample)"
)


def load_weights(weights: str, depth: int) -> tuple[dict[str, Tensor], str, str, WeightSource]:
    """The tensors up to layer index ``depth``, and where they are from.

    The last three are the name of the source (``"file"`` for a file of the user's), the checksum,
    and what is known of such weights: architecture, normalization.

    Args:
        weights: as for :class:`~fst.loss_networks.vgg.VGG19`.
        depth: index of the deepest layer that is needed.

    Raises:
        InputError: an unknown source, or a layer that the slim network lacks.
        AssetError: weights that can't be had, are damaged, or lack a tensor.
    """
    if weights == "random":
        print("VGG-19 has RANDOM weights: good for tests, its losses mean nothing", flush=True)
        return _random_weights(depth), "random", "random:0", WEIGHTS["torchvision"]
    try:
        source, path = _find_weights(weights)
    except AssetError as error:
        if Path(weights).suffix == ".safetensors":  # that file is asked for, and no other
            raise
        raise AssetError(f"{error}. {SLIM_INSTEAD}") from error
    known = WEIGHTS.get(source)
    sha256 = assets.check_sha256(path, known.sha256 if known else ("",))
    if known is None:
        slim = _slim_channels(path)
        known = WEIGHTS["torchvision"] if slim is None else WEIGHTS["slim"]
        channels = CHANNELS if slim is None else slim
    else:
        channels = known.channels
    shapes = convolution_shapes(depth, channels)
    if channels != CHANNELS:
        shapes |= metric_shapes(depth, channels)
        if depth > LAYERS[last := WEIGHTS["slim"].last]:
            raise InputError(f"the slim network ends at {last}: it has no {list(LAYERS)[depth]}")
    if path.suffix == ".pth" and source == "torchvision":
        state = torch.load(path, map_location="cpu", weights_only=True)
    else:
        state = _read_safetensors(path, shapes)
    for key, shape in shapes.items():
        if key not in state:
            raise AssetError(f"{path} lacks the tensor {key!r}: these are not VGG-19's weights")
        if state[key].shape != shape:
            got = tuple(state[key].shape)
            raise AssetError(f"{path}: {key} has shape {got}, expected {tuple(shape)}")
    return {key: state[key] for key in shapes}, source, sha256, known


def _random_weights(depth: int) -> dict[str, Tensor]:
    """The same each time; He initialization: activations keep their scale from layer to layer."""
    generator = torch.Generator().manual_seed(0)
    return {
        key: torch.randn(shape, generator=generator) * (2 / (9 * shape[1])) ** 0.5
        if len(shape) == 4
        else torch.zeros(shape)
        for key, shape in convolution_shapes(depth, CHANNELS).items()
    }


def _slim_channels(path: Path) -> tuple[int, ...] | None:
    """The channels of a slim network's blocks, if the file says that it is one."""
    try:
        with utf8_path(path) as same, safe_open(same, framework="pt") as file:
            about = json.loads((file.metadata() or {}).get("fst", "{}"))
        if about.get("architecture") != WEIGHTS["slim"].architecture:
            return None
        channels = tuple(int(count) for count in about["channels"])
        return channels if len(channels) == len(CHANNELS) else None
    except (SafetensorError, OSError, KeyError, TypeError, ValueError, AttributeError):
        return None


def _find_weights(weights: str) -> tuple[str, Path]:
    """The name of the source (or ``"file"``) and where its file lies; downloads it if need be."""
    if weights == "auto":
        for source in AUTO:
            try:
                return source, assets.find("weights", WEIGHTS[source].file)
            except AssetError:
                continue
        weights = "torchvision"
    if weights == "slim":
        return weights, EMBEDDED / WEIGHTS[weights].file
    if weights == "caffe":
        try:
            return weights, assets.find("weights", WEIGHTS[weights].file)
        except AssetError as error:
            raise _nowhere(weights, "there is no download of it") from error
    if weights == "torchvision":
        return weights, _torchvision_file()
    if Path(weights).suffix != ".safetensors":
        options = ", ".join(("auto", *WEIGHTS, "random"))
        raise InputError(f"VGG-19 weights: give {options}, or a .safetensors file, not {weights!r}")
    path = assets.find("weights", weights)
    by_name = {WEIGHTS[source].file: source for source in AUTO}
    return by_name.get(path.name, "file"), path


def at_hand() -> Path | None:
    """VGG-19's weights, if ``"auto"`` finds them without a download."""
    for source in AUTO:
        try:
            return assets.find("weights", WEIGHTS[source].file)
        except AssetError:
            continue
    cached = Path(torch.hub.get_dir()) / "checkpoints" / WEIGHTS["torchvision"].file
    return cached if cached.exists() else None


def _torchvision_file() -> Path:
    """Torchvision's own file: from ``FST_ASSETS``, torch.hub's cache, or downloaded into it.

    A download is a file and nothing else until its whole SHA-256 is known to be right: it gets its
    name in the cache then, and is read once, by :func:`load_weights`, which runs no code of it.
    """
    name = WEIGHTS["torchvision"].file
    cached = Path(torch.hub.get_dir()) / "checkpoints" / name
    try:
        return assets.find("weights", name)
    except AssetError:
        if cached.exists():
            return cached
    from torchvision.models import VGG19_Weights  # takes a second, and few come this far

    try:
        cached.parent.mkdir(parents=True, exist_ok=True)
        sha256 = WEIGHTS["torchvision"].sha256[0]
        torch.hub.download_url_to_file(VGG19_Weights.IMAGENET1K_V1.url, str(cached), sha256)
    except (OSError, RuntimeError, HTTPException) as error:
        reason = " ".join(str(getattr(error, "reason", error)).split())[:120]
        raise _nowhere("torchvision", f"its download to {cached} failed: {reason}") from error
    return cached


def _nowhere(source: str, download: str) -> AssetError:
    """VGG-19 can't be had: where it was looked for, what became of the download, what to do."""
    *given, cache = assets.search_path("weights")
    folders = f"{given[0] if given else 'FST_ASSETS (not set)'} or {cache}"
    return AssetError(
        f"VGG-19 can't be had: no {WEIGHTS[source].file} in {folders}, and {download}"
    )


def _read_safetensors(path: Path, shapes: dict[str, torch.Size]) -> dict[str, Tensor]:
    try:
        with utf8_path(path) as same, safe_open(same, framework="pt") as file:
            return {key: file.get_tensor(key) for key in shapes if key in file.keys()}
    except (SafetensorError, OSError) as error:
        raise AssetError(f"{path} is not a readable safetensors file: {error}") from error

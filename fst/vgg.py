"""The frozen VGG-19 that judges pictures, addressed by the layer names of the literature.

``conv4_2`` is a convolution's output before its ReLU, ``relu4_2`` after it, ``pool4`` the pooling
behind block 4. The network is a list of tensors that never train: it is not in any state dict and
so never in a checkpoint.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError

import torch
import torch.nn.functional as F
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn
from torchvision.models import VGG19_Weights

from fst import assets
from fst.errors import AssetError, InputError

CHANNELS = (64, 128, 256, 512, 512)
"""Channels of the five blocks (Simonyan & Zisserman 2014, table 1, column E)."""

CONVOLUTIONS = (2, 2, 4, 4, 4)
"""Convolutions in each block."""


def _layers() -> dict[str, int]:
    """Layer name -> its index in ``torchvision.models.vgg19().features``."""
    names = []
    for block, count in enumerate(CONVOLUTIONS, 1):
        for i in range(1, count + 1):
            names += [f"conv{block}_{i}", f"relu{block}_{i}"]
        names.append(f"pool{block}")
    return {name: index for index, name in enumerate(names)}


LAYERS = _layers()


def check_layers(names: Iterable[str]) -> tuple[str, ...]:
    """``names`` as a tuple, once every one of them is known to be a layer.

    Raises:
        InputError: an unknown name; lists the names there are.
    """
    names = tuple(names)
    if unknown := [name for name in names if name not in LAYERS]:
        raise InputError(f"no layer {unknown[0]!r} in VGG-19: there are {', '.join(LAYERS)}")
    return names


@dataclass(frozen=True)
class WeightSource:
    """Where weights come from and what has to be known to use them.

    ``mean`` and ``std`` normalize RGB in [0, 1]; ``sha256`` are the digests (or their beginnings)
    of the files that count as this source.
    """

    file: str
    sha256: tuple[str, ...]
    licence: str
    citation: str
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
        licence="CC BY 4.0",
        citation="Simonyan & Zisserman 2014, arXiv:1409.1556; the authors' Caffe release",
    ),
    "torchvision": WeightSource(
        file="vgg19-dcbb9e9d.pth",
        sha256=("dcbb9e9d",),
        licence="BSD 3-Clause (torchvision); trained on ImageNet",
        citation="torchvision.models.VGG19_Weights.IMAGENET1K_V1",
    ),
}
"""The weight sources, in the order in which ``"auto"`` tries them."""


class VGG19(nn.Module):
    """VGG-19's convolutions with frozen weights.

    Args:
        layers: the layers that will be asked for; nothing deeper than the deepest is loaded.
        weights: ``"auto"`` (the first of :data:`WEIGHTS` that can be had), one of
            :data:`WEIGHTS`, the path of a safetensors file with torchvision's key names
            (``features.0.weight`` ...), or ``"random"``: for tests only.
        pooling: ``"max"``, or ``"avg"`` (Gatys et al. 2015, section 2: slightly smoother pictures).
        dtype: to compute in. Features come back in it.

    Raises:
        InputError: an unknown layer, source or pooling.
        AssetError: weights that can't be had, are damaged, or lack a tensor.
    """

    mean: Tensor
    std: Tensor
    features_0_weight: Tensor

    def __init__(
        self,
        layers: Iterable[str],
        weights: str = "auto",
        pooling: str = "max",
        dtype: torch.dtype = torch.float32,
    ) -> None:
        super().__init__()
        if pooling not in ("max", "avg"):
            raise InputError(f"pooling must be max or avg, not {pooling!r}")
        self.pool: Callable[..., Tensor] = F.max_pool2d if pooling == "max" else F.avg_pool2d
        self.pooling = pooling
        names = check_layers(layers)
        if not names:
            raise InputError("no layer of VGG-19 is asked for")
        self.depth = max(LAYERS[name] for name in names)
        state, self.source, self.sha256 = _load_weights(weights, self.depth)
        known = WEIGHTS.get(self.source, WEIGHTS["torchvision"])
        wide = torch.promote_types(dtype, torch.float32)
        for name in ("mean", "std"):
            value = torch.tensor(getattr(known, name), dtype=wide).view(1, 3, 1, 1)
            self.register_buffer(name, value, persistent=False)
        for key, value in state.items():
            value = value.to(dtype)
            if value.dim() == 4:  # channels-last: the layout the fast convolutions want
                value = value.contiguous(memory_format=torch.channels_last)
            self.register_buffer(key.replace(".", "_"), value, persistent=False)

    def forward(self, images: Tensor, layers: Iterable[str]) -> dict[str, Tensor]:
        """The features of ``images`` at ``layers``; computes nothing deeper than the deepest.

        Args:
            images: ``(N, 3, H, W)``, RGB in [0, 1].
            layers: layer names, none deeper than those given when the network was made.

        Returns:
            Layer name -> ``(N, C, H / 2^(block - 1), W / 2^(block - 1))``, in the order asked.
        """
        layers = check_layers(layers)
        deepest = max(LAYERS[name] for name in layers)
        if deepest > self.depth:
            raise InputError(f"loaded only up to {list(LAYERS)[self.depth]}: can't give {layers}")
        found: dict[str, Tensor] = {}
        with torch.autocast(images.device.type, enabled=False):
            x = (images.to(self.mean.dtype) - self.mean) / self.std
            x = x.to(self.features_0_weight.dtype).contiguous(memory_format=torch.channels_last)
            for name, index in LAYERS.items():
                if index > deepest:
                    break
                if name.startswith("conv"):
                    weight = getattr(self, f"features_{index}_weight")
                    x = F.conv2d(x, weight, getattr(self, f"features_{index}_bias"), padding=1)
                elif name.startswith("relu"):
                    x = F.relu(x)  # out of place, else conv4_2 would silently become relu4_2
                else:
                    x = self.pool(x, 2)
                if name in layers:
                    found[name] = x
        return {name: found[name] for name in layers}

    def describe(self) -> dict[str, str]:
        """What judged: architecture, weight source, checksum and pooling, for a checkpoint."""
        names = {"architecture": "vgg19", "weights": self.source, "sha256": self.sha256}
        return {**names, "pooling": self.pooling}


def _load_weights(weights: str, depth: int) -> tuple[dict[str, Tensor], str, str]:
    """The tensors up to layer index ``depth``, the name of their source, and their checksum."""
    shapes = _shapes(depth)
    if weights == "random":
        print("VGG-19 has RANDOM weights: good for tests, its losses mean nothing", flush=True)
        generator = torch.Generator().manual_seed(0)
        state = {
            # He initialization: activations keep their scale from layer to layer
            key: torch.randn(shape, generator=generator) * (2 / (9 * shape[1])) ** 0.5
            if len(shape) == 4
            else torch.zeros(shape)
            for key, shape in shapes.items()
        }
        return state, "random", "random:0"
    source, path = _find_weights(weights)
    expected = WEIGHTS[source].sha256 if source in WEIGHTS else ("",)
    sha256 = assets.check_sha256(path, expected)
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
    return {key: state[key] for key in shapes}, source, sha256


def _shapes(depth: int) -> dict[str, torch.Size]:
    """State-dict key -> shape, of every convolution up to layer index ``depth``."""
    shapes, channels = {}, 3
    for name, index in LAYERS.items():
        if index <= depth and name.startswith("conv"):
            out = CHANNELS[int(name[4]) - 1]
            shapes[f"features.{index}.weight"] = torch.Size((out, channels, 3, 3))
            shapes[f"features.{index}.bias"] = torch.Size((out,))
            channels = out
    return shapes


def _find_weights(weights: str) -> tuple[str, Path]:
    """The name of the source (or ``"file"``) and where its file lies; downloads it if need be."""
    if weights == "auto":
        for source, about in WEIGHTS.items():
            try:
                return source, assets.find("weights", about.file)
            except AssetError:
                continue
        weights = "torchvision"
    if weights == "caffe":
        return weights, assets.find("weights", WEIGHTS[weights].file)
    if weights == "torchvision":
        return weights, _torchvision_file()
    if Path(weights).suffix != ".safetensors":
        options = ", ".join(("auto", *WEIGHTS, "random"))
        raise InputError(f"VGG-19 weights: give {options}, or a .safetensors file, not {weights!r}")
    path = assets.find("weights", weights)
    by_name = {about.file: source for source, about in WEIGHTS.items()}
    return by_name.get(path.name, "file"), path


def _torchvision_file() -> Path:
    """Torchvision's own file: from ``FST_ASSETS``, torch.hub's cache, or downloaded into it."""
    name = WEIGHTS["torchvision"].file
    cached = Path(torch.hub.get_dir()) / "checkpoints" / name
    try:
        return assets.find("weights", name)
    except AssetError:
        if cached.exists():
            return cached
    try:
        VGG19_Weights.IMAGENET1K_V1.get_state_dict(progress=True, check_hash=True)
    except (URLError, OSError, RuntimeError) as error:
        reason = f"tried to get it into {cached}, and failed: {getattr(error, 'reason', error)}"
        return assets.find("weights", name, download=reason)
    return cached


def _read_safetensors(path: Path, shapes: dict[str, torch.Size]) -> dict[str, Tensor]:
    try:
        with safe_open(path, framework="pt") as file:
            return {key: file.get_tensor(key) for key in shapes if key in file.keys()}
    except (SafetensorError, OSError) as error:
        raise AssetError(f"{path} is not a readable safetensors file: {error}") from error

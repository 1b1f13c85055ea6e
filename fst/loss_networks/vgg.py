"""The frozen network that judges pictures, addressed by the layer names of the literature.

``conv4_2`` is a convolution's output before its ReLU, ``relu4_2`` after it, ``pool4`` the pooling
behind block 4. The network is a list of tensors that never train: it is not in any state dict and
so never in a checkpoint.
"""

from collections.abc import Callable, Iterable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fst.choices import PADDINGS, POOLINGS
from fst.errors import InputError
from fst.loss_networks.architectures import ARCHITECTURES, check_layers, chosen_network
from fst.loss_networks.layers import convolve
from fst.loss_networks.sources import WeightSource
from fst.loss_networks.weights import load_weights
from fst.system.checks import one_of


def normalize_colors(images: Tensor, source: WeightSource) -> Tensor:
    """RGB in [0, 1], ``(N, 3, H, W)``, as the source's weights want it."""
    mean = torch.tensor(source.mean, dtype=images.dtype, device=images.device).view(1, 3, 1, 1)
    std = torch.tensor(source.std, dtype=images.dtype, device=images.device).view(1, 3, 1, 1)
    return (images - mean) / std


def in_metric(features: Tensor, metric: Tensor) -> Tensor:
    """Features of a slim network in a metric that makes their distances those of VGG-19's.

    Args:
        features: ``(N, C, H, W)``.
        metric: ``(C, C)``, applied to the channels at every position.
    """
    return F.conv2d(features, metric[:, :, None, None].to(features.dtype))


class VGG19(nn.Module):
    """The convolutions of VGG-19, or of another network, with frozen weights.

    Args:
        layers: the layers that will be asked for; nothing deeper than the deepest is loaded.
        weights: ``"auto"`` (the first of :data:`~fst.loss_networks.sources.AUTO` that can be had),
            one of :data:`~fst.loss_networks.sources.WEIGHTS`, the path of a safetensors file with
            torchvision's key names (``features.0.weight`` ...), or ``"random"``: for tests only.
            They are of the ``network`` that is asked for.
        pooling: ``"max"``, or ``"avg"`` (Gatys et al. 2015, section 2: slightly smoother pictures).
        dtype: to compute in. Features come back in it.
        padding: one of :data:`~fst.choices.PADDINGS`: what convolutions see beyond a picture's
            border. VGG-19 was trained with zeros, before which features fade.
        network: one of :data:`~fst.choices.NETWORKS`; None is what the weights are of: ``"slim"``
            of ``"slim"``, what a file of a slim network says, and else VGG-19.

    Raises:
        InputError: an unknown layer, network, source, pooling or padding, or weights of another
            network.
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
        padding: str = "zeros",
        network: str | None = None,
    ) -> None:
        super().__init__()
        self.padding = one_of("padding", padding, PADDINGS)
        one_of("pooling", pooling, POOLINGS)
        self.pool: Callable[..., Tensor] = F.max_pool2d if pooling == "max" else F.avg_pool2d
        self.pooling = pooling
        meant, _ = chosen_network(network, weights)
        names = check_layers(layers, meant)
        if not names:
            raise InputError("no layer of the loss network is asked for")
        self.layers = ARCHITECTURES[meant or "vgg19"].layers
        self.depth = max(self.layers[name] for name in names)
        state, self.source, self.sha256, known = load_weights(weights, self.depth, network)
        self.architecture = known.architecture
        wide = torch.promote_types(dtype, torch.float32)
        for name in ("mean", "std"):
            value = torch.tensor(getattr(known, name), dtype=wide).view(1, 3, 1, 1)
            self.register_buffer(name, value, persistent=False)
        for key, value in state.items():
            value = value.to(dtype)
            if value.dim() == 4:  # channels-last: the layout the fast convolutions want
                value = value.contiguous(memory_format=torch.channels_last)
            self.register_buffer(key.replace(".", "_"), value, persistent=False)

    def forward(
        self, images: Tensor, layers: Iterable[str], metric: bool = True
    ) -> dict[str, Tensor]:
        """The features of ``images`` at ``layers``; computes nothing deeper than the deepest.

        Args:
            images: ``(N, 3, H, W)``, RGB in [0, 1].
            layers: layer names, none deeper than those given when the network was made.
            metric: of a slim network, features that measure distances as VGG-19's do; else its own.

        Returns:
            Layer name -> ``(N, C, H / 2^(block - 1), W / 2^(block - 1))``, in the order asked.
        """
        network = "vgg16" if self.architecture == "vgg16" else None
        layers = check_layers(layers, network)
        if max(self.layers[name] for name in layers) > self.depth:
            last = list(self.layers)[self.depth]
            raise InputError(f"loaded only up to {last}: can't give {layers}")
        with torch.autocast(images.device.type, enabled=False):
            x = (images.to(self.mean.dtype) - self.mean) / self.std
            x = x.to(self.features_0_weight.dtype)
            found = convolve(x, layers, self._tensor, self.pool, self.padding, self.layers)
            for name in layers:
                if metric and (own := getattr(self, f"metric_{name}", None)) is not None:
                    found[name] = in_metric(found[name], own)
        return {name: found[name] for name in layers}

    def _tensor(self, key: str) -> Tensor:
        tensor: Tensor = getattr(self, key.replace(".", "_"))
        return tensor

    def describe(self) -> dict[str, str]:
        """What judged: architecture, weight source, checksum and pooling, for a checkpoint.

        The padding is told where it is not VGG-19's own: what was judged before there was a choice
        says nothing of it, and is the same.
        """
        names = {"architecture": self.architecture, "weights": self.source, "sha256": self.sha256}
        padding = {} if self.padding == "zeros" else {"padding": self.padding}
        return {**names, "pooling": self.pooling, **padding}

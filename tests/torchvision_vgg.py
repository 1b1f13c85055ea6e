"""Torchvision's VGGs beside ours: random weights in their shapes, and what they make of them."""

import torch
import torchvision
from torch import Tensor, nn
from torchvision.transforms.functional import normalize

SHALLOW = 12  # torchvision's features[:12] end with relu3_1


def torchvision_features(network: str = "vgg19") -> nn.Sequential:
    """Torchvision's layers, without the memory for their weights."""
    make = {"vgg16": torchvision.models.vgg16, "vgg19": torchvision.models.vgg19}[network]
    with torch.device("meta"):
        features: nn.Sequential = make(init_weights=False).features
    return features


def random_state(depth: int = SHALLOW, seed: int = 0, network: str = "vgg19") -> dict[str, Tensor]:
    """Random weights AND biases in torchvision's shapes, for its first ``depth`` layers."""
    generator = torch.Generator().manual_seed(seed)
    state = {}
    for key, value in torchvision_features(network)[:depth].state_dict().items():
        scale = (2 / value[0].numel()) ** 0.5 if value.dim() == 4 else 0.5
        state[f"features.{key}"] = torch.randn(value.shape, generator=generator) * scale
    return state


def reference(
    images: Tensor,
    state: dict[str, Tensor],
    depth: int = SHALLOW,
    average: bool = False,
    network: str = "vgg19",
) -> list[Tensor]:
    """The output of each of torchvision's first ``depth`` layers, in the dtype of ``images``."""
    stack = torchvision_features(network)[:depth]
    own = {key.removeprefix("features."): value.to(images.dtype) for key, value in state.items()}
    stack.load_state_dict(own, assign=True)
    x = normalize(images, mean=[0.485, 0.456, 0.406], std=[0.229, 0.224, 0.225])
    outputs = []
    with torch.no_grad():
        for layer in stack:
            if isinstance(layer, nn.ReLU):
                layer.inplace = False
            if average and isinstance(layer, nn.MaxPool2d):
                layer = nn.AvgPool2d(2, 2)
            x = layer(x)
            outputs.append(x)
    return outputs

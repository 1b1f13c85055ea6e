"""The training step as the literature's example code takes it: the yardstick, and nothing else.

Eager, float32, NCHW, ``InstanceNorm2d``, VGG-19 run to its deepest layer on the output and on the
photo, Adam in its default form. The same functions as :class:`~fst.nets.JohnsonNet` and
:class:`~fst.losses.perceptual.PerceptualLoss`, and tests hold them to be; what differs is the time
and the memory. Only benchmarks and tests import this module: nothing that is used belongs here.
"""

from collections import OrderedDict
from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

from fst.errors import InputError
from fst.loss_networks.layers import LAYERS
from fst.loss_networks.vgg import VGG19
from fst.losses.perceptual import LossTerms, PerceptualLoss
from fst.nets.johnson import JohnsonNet
from fst.nets.layers import widen


class TextbookNet(nn.Module):
    """The net of Johnson et al. 2016 the plain way; its state dict is :class:`JohnsonNet`'s.

    Args:
        width: channels at full resolution.
        residual_blocks: how many, at a quarter of the resolution.
        upsampling: ``"nearest"`` or ``"bilinear"``.
    """

    def __init__(
        self, width: int = 32, residual_blocks: int = 5, upsampling: str = "nearest"
    ) -> None:
        super().__init__()
        self.relu = nn.ReLU()
        self.upsample = nn.Upsample(scale_factor=2, mode=upsampling)
        self.down1 = _conv_norm(3, width, 9)
        self.down2 = _conv_norm(width, 2 * width, 3, stride=2)
        self.down3 = _conv_norm(2 * width, 4 * width, 3, stride=2)
        self.blocks = nn.Sequential(*(_Residual(4 * width) for _ in range(residual_blocks)))
        pad = nn.ReflectionPad2d if upsampling == "nearest" else nn.ReplicationPad2d
        self.up1 = _conv_norm(4 * width, 2 * width, 3, pad=pad)
        self.up2 = _conv_norm(2 * width, width, 3, pad=pad)
        self.pad = nn.ReflectionPad2d(4)
        self.out = nn.Conv2d(width, 3, 9)

    @classmethod
    def like(cls, net: JohnsonNet) -> "TextbookNet":
        """The textbook's net with a copy of ``net``'s weights."""
        copy = cls(net.out.in_channels, len(net.blocks), net.upsampling)
        copy = copy.to(net.out.weight.device).train(net.training)
        copy.load_state_dict(net.state_dict())
        return copy

    def forward(self, images: Tensor) -> Tensor:
        """``(N, 3, H, W)`` in [0, 1] to the same shape and range."""
        h, w = images.shape[2:]
        x, _ = widen(images)
        x = self.relu(self.down1(x))
        x = self.relu(self.down2(x))
        x = self.relu(self.down3(x))
        x = self.blocks(x)
        x = self.relu(self.up1(self.upsample(x)))
        x = self.relu(self.up2(self.upsample(x)))
        x = self.out(self.pad(x))
        return torch.sigmoid(x)[..., :h, :w]


class _Residual(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = _conv_norm(channels, channels, 3)
        self.second = _conv_norm(channels, channels, 3)
        self.relu = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = x + self.second(self.relu(self.first(x)))
        return y


def _conv_norm(
    inputs: int,
    outputs: int,
    kernel: int,
    stride: int = 1,
    pad: type[nn.ReflectionPad2d | nn.ReplicationPad2d] = nn.ReflectionPad2d,
) -> nn.Sequential:
    return nn.Sequential(
        OrderedDict(
            pad=pad(kernel // 2),
            conv=nn.Conv2d(inputs, outputs, kernel, stride),
            norm=nn.InstanceNorm2d(outputs, affine=True),
        )
    )


class TextbookLoss(nn.Module):
    """The objective of a :class:`PerceptualLoss` the plain way: its layers, weights and painting.

    Args:
        loss: with ``normalization="relative"``; gives the settings and, copied, VGG-19's tensors.
        painting: ``(1, 3, H, W)``, the one that ``loss`` was made with.

    Raises:
        InputError: another normalization or statistic.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, loss: PerceptualLoss, painting: Tensor) -> None:
        super().__init__()
        if loss.normalization != "relative":
            raise InputError(f"the textbook's loss is relative, not {loss.normalization!r}")
        if loss.statistic_name != "gram":
            raise InputError(f"the textbook compares Gram matrices, not {loss.statistic_name}")
        self.weights = (loss.content_weight, loss.style_weight, loss.tv_weight)
        self.content_layers, self.style_layers = loss.content_layers, loss.style_layers
        self.register_buffer("mean", loss.vgg.mean.float().clone())
        self.register_buffer("std", loss.vgg.std.float().clone())
        wanted = {*self.content_layers, *self.style_layers}
        self.vgg = _plain_vgg(loss.vgg, wanted)
        with torch.no_grad():
            features = self.features(painting.to(self.mean.device))
        self.style_targets = {name: _gram(features[name]) for name in self.style_layers}

    def features(self, images: Tensor) -> dict[str, Tensor]:
        """The features of all layers that are judged; VGG-19 is run to its deepest."""
        x = (images - self.mean) / self.std
        found = {}
        for name, layer in self.vgg.named_children():
            x = layer(x)
            found[name] = x
        return {name: found[name] for name in (*self.content_layers, *self.style_layers)}

    def forward(self, painted: Tensor, photos: Tensor) -> LossTerms:
        """Judges ``painted`` against ``photos``, ``(N, 3, H, W)`` in [0, 1] both."""
        return self.judged(painted, self.features(photos))

    def judged(self, painted: Tensor, theirs: Mapping[str, Tensor]) -> LossTerms:
        """Judges ``painted`` against photos by their :meth:`features`."""
        ours = self.features(painted)
        content = style = painted.new_zeros(len(painted))
        for name, weight in self.content_layers.items():
            content = content + weight * _relative_error(ours[name], theirs[name])
        for name, weight in self.style_layers.items():
            target = self.style_targets[name].expand(len(painted), -1, -1)
            style = style + weight * _relative_error(_gram(ours[name]), target)
        across = (painted[..., 1:] - painted[..., :-1]).pow(2).mean((1, 2, 3))
        down = (painted[..., 1:, :] - painted[..., :-1, :]).pow(2).mean((1, 2, 3))
        terms = (content, style, across + down)
        return LossTerms(*(weight * term for weight, term in zip(self.weights, terms, strict=True)))


def _plain_vgg(vgg: VGG19, wanted: set[str]) -> nn.Sequential:
    """VGG-19 to the deepest of ``wanted`` as modules named after the layers, frozen."""
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    for name, index in list(LAYERS.items())[: max(LAYERS[name] for name in wanted) + 1]:
        if name.startswith("conv"):
            weight = getattr(vgg, f"features_{index}_weight")
            conv = nn.Conv2d(weight.shape[1], weight.shape[0], 3, padding=1).to(weight.device)
            conv.padding_mode = vgg.padding  # type: ignore[assignment]
            with torch.no_grad():
                conv.weight.copy_(weight)
                assert conv.bias is not None
                conv.bias.copy_(getattr(vgg, f"features_{index}_bias"))
            layers[name] = conv
        elif name.startswith("relu"):
            # in place as torchvision's, unless that would overwrite a layer that is judged
            layers[name] = nn.ReLU(inplace=name.replace("relu", "conv") not in wanted)
        else:
            layers[name] = nn.MaxPool2d(2) if vgg.pooling == "max" else nn.AvgPool2d(2)
    return nn.Sequential(layers).requires_grad_(False)


def _gram(features: Tensor) -> Tensor:
    n, c, h, w = features.shape
    flat = features.view(n, c, h * w)
    return flat.bmm(flat.transpose(1, 2)) / (h * w)


def _relative_error(value: Tensor, target: Tensor) -> Tensor:
    return (value - target).pow(2).flatten(1).sum(1) / target.pow(2).flatten(1).sum(1)


def textbook_step(
    net: TextbookNet, loss: TextbookLoss, optimizer: torch.optim.Optimizer, photos: Tensor
) -> Tensor:
    """One step on a batch ``(N, 3, H, W)``; returns its mean objective.

    Source:
        The loop of the published examples of Johnson et al. 2016, without the printing.
    """
    optimizer.zero_grad()
    terms: LossTerms = loss(net(photos), photos)
    objective = terms.total.mean()
    objective.backward()  # type: ignore[no-untyped-call]
    optimizer.step()
    return objective.detach()


class TextbookOptimization:
    """The optimization of pixels as the well-known tutorials run it, from the photo.

    ``torch.optim.LBFGS`` with its defaults: up to 20 iterations a step, a memory of 100, no line
    search. What counts is how often the closure was called: a step has 20 such evaluations. The
    photo's features are computed once. Pixels are not bounded meanwhile.

    Args:
        loss: the textbook's.
        photo: ``(1, 3, H, W)`` in [0, 1].

    Source:
        The neural-transfer tutorials after Gatys et al. 2016, without the printing.
    """

    def __init__(self, loss: TextbookLoss, photo: Tensor) -> None:
        with torch.no_grad():
            theirs = {name: of.detach() for name, of in loss.features(photo).items()}
        self.pixels = photo.clone().requires_grad_()
        self.evaluations = 0
        optimizer = torch.optim.LBFGS([self.pixels])

        def closure() -> Tensor:
            optimizer.zero_grad()
            objective = loss.judged(self.pixels, theirs).total.sum()
            objective.backward()  # type: ignore[no-untyped-call]
            self.evaluations += 1
            return objective

        self._step: Callable[[], object] = lambda: optimizer.step(closure)  # type: ignore[no-untyped-call]

    def run(self, evaluations: int) -> None:
        """Steps until there are at least so many evaluations in all."""
        while self.evaluations < evaluations:
            self._step()

"""One Johnson net for many styles: shared convolutions, and a few thousand numbers for a style."""

import copy

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call

from fst.nets.johnson import JohnsonNet
from fst.nets.layers import ConvNorm, ResidualBlock
from fst.nets.needs import TransformerNet
from fst.nets.norm import instance_norm
from fst.nets.predictor import StylePredictor
from fst.system.checks import whole_number


class ConditionalNet(TransformerNet):
    """A Johnson net whose norms, and a little of whose kernels, depend on the style.

    A style is one row of numbers, its *embedding*: how far each norm's scales and offsets and the
    last bias are from the shared net's, and ``rank`` factors for every convolution of the residual
    blocks, each of which weighs a shared change of that kernel. With an embedding, the net is an
    ordinary :class:`~fst.nets.johnson.JohnsonNet` (:meth:`net_for`).

    Args:
        width, residual_blocks, upsampling: of the shared net.
        rank: changes of a kernel that a style can weigh; 0 leaves the kernels alone.

    Source:
        Dumoulin et al. 2017, "A Learned Representation For Artistic Style" (conditional instance
        norm); the low-rank changes after Hu et al. 2022, "LoRA", section 4.1.
    """

    def __init__(
        self,
        width: int = 32,
        residual_blocks: int = 5,
        upsampling: str = "bilinear",
        rank: int = 8,
    ) -> None:
        super().__init__()
        self.rank = whole_number("the net's rank", rank, least=0, most=1024)
        self.base = JohnsonNet(width, residual_blocks, upsampling)
        kernels, channels = 2 * residual_blocks, 4 * width
        self.low_in = nn.Parameter(torch.empty(kernels * rank, channels, 3, 3))
        self.low_out = nn.Parameter(torch.empty(kernels, channels, rank))
        if not self.low_in.is_meta:  # where drawing imports half of torch, and nothing is drawn
            # changes that matter from the first step on, while the embedding is still zero
            with torch.no_grad():
                self.low_in.normal_().div_((9 * channels) ** 0.5)
                self.low_out.normal_().mul_(0.1)

    @property
    def embedding_size(self) -> int:
        """How many numbers make a style."""
        norms = sum(2 * len(layer.norm.weight) for layer in self._layers().values())
        return norms + len(self._last_bias()) + 2 * len(self.base.blocks) * self.rank

    def forward(self, images: Tensor, embeddings: Tensor) -> Tensor:
        """Paints each picture in a style of its own.

        Args:
            images: ``(N, 3, H, W)``, RGB in [0, 1]; sides as for the Johnson net.
            embeddings: ``(N, embedding_size)``, float32.

        Returns:
            ``(N, 3, H, W)`` in [0, 1], float32.
        """
        if len(images) == 1:  # kernels are changed instead of features: the cost of a Johnson net
            state = self._state_for(embeddings[0])
            painted: Tensor = functional_call(self.base, state, (images,))
            return painted
        return _Styled(self, embeddings)(images)

    def matrices(self) -> list[Tensor]:
        """The shared net's, for Muon."""
        return self.base.matrices()

    @torch.no_grad()
    def net_for(self, embedding: Tensor) -> JohnsonNet:
        """The ordinary net of one style.

        Args:
            embedding: ``(embedding_size,)``.
        """
        net = copy.deepcopy(self.base)
        net.load_state_dict({**net.state_dict(), **self._state_for(embedding)})
        return net.to(memory_format=torch.channels_last)

    def _state_for(self, embedding: Tensor) -> dict[str, Tensor]:
        """The weights in which one style's net differs from the shared net."""
        with torch.autocast(embedding.device.type, enabled=False):
            scales, offsets, bias, factors = self.parts(embedding[None])
            state = {"out.bias": self._last_bias() + bias[0]}
            for (name, layer), scale, offset in zip(
                self._layers().items(), scales, offsets, strict=True
            ):
                state[f"{name}.norm.weight"] = layer.norm.weight + scale[0]
                state[f"{name}.norm.bias"] = layer.norm.bias + offset[0]
            if self.rank:
                reads = self.reads()
                change = torch.einsum("kor,kr,krihw->koihw", self.low_out, factors[0], reads)
                for (name, layer), kernel in zip(self._inner().items(), change, strict=True):
                    state[f"{name}.conv.weight"] = layer.conv.weight + kernel
        return state

    def parts(
        self, embeddings: Tensor
    ) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...], Tensor, Tensor]:
        """What embeddings say: scales and offsets of every norm, last bias, factors of kernels.

        Args:
            embeddings: ``(N, embedding_size)``.

        Returns:
            For every norm ``(N, C)``, twice; ``(N, 3)``; ``(N, kernels, rank)``.
        """
        sizes = [len(layer.norm.weight) for layer in self._layers().values()]
        kernels = 2 * len(self.base.blocks)
        widths = [sum(sizes), sum(sizes), len(self._last_bias()), kernels * self.rank]
        scales, offsets, bias, factors = torch.split(embeddings.float(), widths, 1)
        shaped = factors.reshape(len(embeddings), kernels, self.rank)
        return torch.split(scales, sizes, 1), torch.split(offsets, sizes, 1), bias, shaped

    def reads(self) -> Tensor:
        """What the changes of every kernel see: ``(kernels, rank, C, 3, 3)``."""
        kernels = 2 * len(self.base.blocks)
        return self.low_in.view(kernels, self.rank, *self.low_in.shape[1:])

    def _inner(self) -> dict[str, ConvNorm]:
        """The layers of the residual blocks, by their names in the shared net."""
        found: dict[str, ConvNorm] = {}
        for i, block in enumerate(self.base.blocks):
            assert isinstance(block, ResidualBlock)
            found |= {f"blocks.{i}.first": block.first, f"blocks.{i}.second": block.second}
        return found

    def _layers(self) -> dict[str, ConvNorm]:
        """All layers that end in a norm, from input to output."""
        down = {name: getattr(self.base, name) for name in ("down1", "down2", "down3")}
        return down | self._inner() | {name: getattr(self.base, name) for name in ("up1", "up2")}

    def _last_bias(self) -> Tensor:
        bias = self.base.out.bias
        assert bias is not None
        return bias


class _Styled:
    """A pass of the shared net in which every picture of the batch has norms of its own."""

    def __init__(self, net: ConditionalNet, embeddings: Tensor) -> None:
        self.net = net
        scales, offsets, self.bias, self.factors = net.parts(embeddings)
        self.norms = iter(zip(scales, offsets, strict=True))
        self.kernels = iter(range(self.factors.shape[1]))

    def __call__(self, images: Tensor) -> Tensor:
        base = self.net.base
        h, w = images.shape[2:]
        x = base.widened(images)
        for layer in (base.down1, base.down2, base.down3):
            x = F.relu(self.norm(layer, layer.convolved(x)))
        for block in base.blocks:
            assert isinstance(block, ResidualBlock)
            y = F.relu(self.norm(block.first, self.changed(block.first, x)))
            x = x + self.norm(block.second, self.changed(block.second, y))
        for up in (base.up1, base.up2):
            x = F.relu(self.norm(up, up.convolved(x)))
        x = base.out(base.pad(x)).float() + self.bias[:, :, None, None]
        return torch.sigmoid(x)[..., :h, :w]

    def norm(self, layer: ConvNorm, x: Tensor) -> Tensor:
        scale, offset = next(self.norms)
        norm = layer.norm
        return instance_norm(x, norm.weight + scale, norm.bias + offset, norm.eps)

    def changed(self, layer: ConvNorm, x: Tensor) -> Tensor:
        """The convolution of a residual block with the picture's own kernel."""
        k = next(self.kernels)
        x = layer.pad(x)
        y: Tensor = layer.conv(x)
        if not self.net.rank:
            return y
        seen = F.conv2d(x, self.net.reads()[k]) * self.factors[:, k, :, None, None].to(y.dtype)
        return y + F.conv2d(seen, self.net.low_out[k][:, :, None, None])


class AnyNet(ConditionalNet):
    """A conditional net that takes any painting: a predictor makes its embedding.

    Args:
        width, residual_blocks, upsampling, rank: as for :class:`ConditionalNet`.
        predictor_width: hidden units of the predictor's two layers.

    Source:
        Ghiasi et al. 2017, "Exploring the structure of a real-time, arbitrary neural artistic
        stylization network": one network predicts another's norms. There it is an Inception of the
        painting; here two small layers on the statistics that the style loss compares.
    """

    def __init__(
        self,
        width: int = 32,
        residual_blocks: int = 5,
        upsampling: str = "bilinear",
        rank: int = 8,
        predictor_width: int = 256,
    ) -> None:
        super().__init__(width, residual_blocks, upsampling, rank)
        self.predictor = StylePredictor(self.embedding_size, predictor_width)

    def predict(self, moments: Tensor, style_weight: Tensor, stroke_size: Tensor) -> Tensor:
        """Embeddings of paintings; arguments and result are those of :class:`StylePredictor`."""
        embeddings: Tensor = self.predictor(moments, style_weight, stroke_size)
        return embeddings


class ManyNet(ConditionalNet):
    """A conditional net that knows the embeddings of some styles.

    Args:
        width, residual_blocks, upsampling, rank: as for :class:`ConditionalNet`.
        styles: how many.
    """

    def __init__(
        self,
        width: int = 32,
        residual_blocks: int = 5,
        upsampling: str = "bilinear",
        rank: int = 8,
        styles: int = 1,
    ) -> None:
        super().__init__(width, residual_blocks, upsampling, rank)
        whole_number("the net's styles", styles, least=1, most=4096)
        self.embeddings = nn.Parameter(torch.zeros(styles, self.embedding_size))

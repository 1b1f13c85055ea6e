"""The transformer net of Johnson et al. 2016, with instance norm and resize-convolutions."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fst.choices import MIN_SIDE
from fst.errors import InputError
from fst.nets.layers import (
    ConvNorm,
    OutputConv,
    ReflectionPad2d,
    ResidualBlock,
    SmoothUpsampleConv,
    UpsampleConv,
    widen,
)
from fst.nets.needs import NetNeeds, TransformerNet
from fst.nets.stages import Stage
from fst.system.checks import one_of, whole_number

MOST = 1024
"""Of channels at full resolution, and of residual blocks: far beyond what anybody trains."""

UPSAMPLINGS: dict[str, type[UpsampleConv | SmoothUpsampleConv]] = {
    "bilinear": SmoothUpsampleConv,
    "nearest": UpsampleConv,
}


class JohnsonNet(TransformerNet):
    """Photo in, painted photo out: downsample by 4, residual blocks, upsample by 4.

    Args:
        width: channels at full resolution; 2 and 4 times as many at a half and a quarter of it.
        residual_blocks: how many, at a quarter of the resolution.
        upsampling: ``"bilinear"``, or ``"nearest"`` as in most nets of this kind: 15 % less work,
            but slopes become stairs.

    At the default size the net has 1,679,235 parameters. A final sigmoid keeps the output in
    [0, 1], so that the loss sees exactly the picture that will be written (the paper scales a tanh,
    to the same end).

    Source:
        Johnson et al. 2016, "Perceptual Losses for Real-Time Style Transfer and Super-Resolution",
        supplement, table 1; instance norm after Ulyanov et al. 2016; resize-convolution after
        Odena et al. 2016.
    """

    needs = NetNeeds(least_side=MIN_SIDE, multiple=4)

    def __init__(
        self, width: int = 32, residual_blocks: int = 5, upsampling: str = "nearest"
    ) -> None:
        super().__init__()
        whole_number("the net's width", width, least=1, most=MOST)
        whole_number("the net's residual_blocks", residual_blocks, least=0, most=MOST)
        one_of("the net's upsampling", upsampling, tuple(UPSAMPLINGS))
        self.upsampling = upsampling
        up = UPSAMPLINGS[upsampling]
        self.down1 = ConvNorm(3, width, 9)
        self.down2 = ConvNorm(width, 2 * width, 3, stride=2)
        self.down3 = ConvNorm(2 * width, 4 * width, 3, stride=2)
        self.blocks = nn.Sequential(*(ResidualBlock(4 * width) for _ in range(residual_blocks)))
        self.up1 = up(4 * width, 2 * width, 3)
        self.up2 = up(2 * width, width, 3)
        self.pad = ReflectionPad2d(4)
        self.out = OutputConv(width, 3, 9)

    def forward(self, images: Tensor) -> Tensor:
        """Stylizes ``images``.

        Args:
            images: ``(N, 3, H, W)``, RGB in [0, 1]; H and W at least 16, any number.

        Returns:
            The same shape, in [0, 1], float32 (float64 for a float64 net).

        Raises:
            InputError: a side shorter than 16 pixels.
        """
        h, w = images.shape[2:]
        x = self.widened(images)
        x = F.relu(self.down1(x))  # (N, width, H, W)
        x = F.relu(self.down2(x))  # (N, 2 width, H/2, W/2)
        x = F.relu(self.down3(x))  # (N, 4 width, H/4, W/4)
        x = self.blocks(x)
        x = F.relu(self.up1(x))  # (N, 2 width, H/2, W/2)
        x = F.relu(self.up2(x))  # (N, width, H, W)
        x = self.out(self.pad(x))  # (N, 3, H, W)
        return torch.sigmoid(x.to(self.out.weight.dtype))[..., :h, :w]

    def widened(self, images: Tensor) -> Tensor:
        """Pictures whose sides can be halved twice, once it is known that they are large enough.

        Raises:
            InputError: a side shorter than 16 pixels.
        """
        h, w = images.shape[2:]
        if min(h, w) < MIN_SIDE:
            raise InputError(f"a {w}x{h} picture is too small: each side needs {MIN_SIDE} pixels")
        return widen(images)[0]

    def matrices(self) -> list[Tensor]:
        """The weights of all convolutions but the first and the last, from input to output.

        Those two meet pictures, not features: Jordan et al. 2024 leave them to Adam.
        """
        blocks = [b for b in self.blocks if isinstance(b, ResidualBlock)]
        inside = [layer for block in blocks for layer in (block.first, block.second)]
        layers = [self.down2, self.down3, *inside, self.up1, self.up2]
        return [layer.conv.weight for layer in layers]

    def stages(self, dtype: torch.dtype = torch.float32) -> list[Stage]:
        """The same function up to the sigmoid, for :func:`fst.inference.strips.run.run`.

        Args:
            dtype: of the weights.
        """

        def cast(weight: Tensor, bias: Tensor | None) -> tuple[Tensor, Tensor | None]:
            weight = weight.detach().to(dtype).contiguous(memory_format=torch.channels_last)
            return weight, None if bias is None else bias.detach().to(dtype)

        def plain(layer: ConvNorm, relu: bool = True, keep: bool = False) -> Stage:
            conv, norm = layer.conv, layer.norm
            pad, stride = conv.kernel_size[0] // 2, conv.stride[0]
            return Stage(
                *cast(conv.weight, conv.bias),
                stride=stride,
                pad=pad,
                norm=norm,
                relu=relu,
                keep=keep,
                add=not relu,  # the second of a residual block
            )

        def up(layer: UpsampleConv | SmoothUpsampleConv) -> Stage:
            weights = cast(*layer.folded())
            spread = "interleave" if isinstance(layer, UpsampleConv) else "blocks"
            return Stage(*weights, padding="replicate", spread=spread, norm=layer.norm, relu=True)

        residual = []
        for block in self.blocks:
            assert isinstance(block, ResidualBlock)
            residual += [plain(block.first), plain(block.second, relu=False)]
        return [
            plain(self.down1),
            plain(self.down2),
            plain(self.down3, keep=True),
            *residual,
            up(self.up1),
            up(self.up2),
            Stage(*cast(*self.out.blocked()), stride=2, pad=4, spread="shuffle"),
        ]

"""From what a loss network sees in a painting to the numbers of a conditional net."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

CHANNELS = (16, 32, 64, 128, 128)
"""Of the slim network's style layers, whose moments are read."""

USUAL_WEIGHT, USUAL_SIZE = 6.0, 512.0
"""Style weight and stroke size whose logarithms are zero to the predictor."""

_PAIRS = CHANNELS[0] * (CHANNELS[0] + 1) // 2
MOMENTS = 2 * sum(CHANNELS) + _PAIRS + 3 + 6
"""Numbers of a painting, in this order: every channel's mean, every channel's mean square, the
products of the first layer's channels (its Gram matrix's upper half), the mean color, and the mean
products of the colors."""

FARTHEST = 4.0
"""Standard deviations: a painting that is farther out in a number is taken to be so far out."""

LOUDNESS = 8.0
"""Of style weight and stroke size: two numbers among 881 would hardly be heard."""

NOISE = 0.1
"""Standard deviations of the noise on the moments in training, against learning by heart."""


class StylePredictor(nn.Module):
    """Two hidden layers on a painting's moments, the style weight and the stroke size.

    What is asked for also changes every painting's numbers in one way, learned apart: it means the
    same for all of them, and is learned from every sample.

    The last layers begin at zero: every painting is first the shared net's own style.

    Args:
        outputs: numbers of an embedding.
        width: hidden units.
    """

    def __init__(self, outputs: int, width: int = 256) -> None:
        super().__init__()
        self.register_buffer("center", torch.zeros(MOMENTS))
        self.register_buffer("spread", torch.ones(MOMENTS))
        self.center: Tensor
        self.spread: Tensor
        self.first = nn.Linear(MOMENTS + 2, width)
        self.second = nn.Linear(width, width)
        self.last = nn.Linear(width, outputs)
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)
        self.asked = nn.Linear(4, outputs, bias=False)
        nn.init.zeros_(self.asked.weight)

    def forward(self, moments: Tensor, style_weight: Tensor, stroke_size: Tensor) -> Tensor:
        """Embeddings.

        Args:
            moments: ``(N, MOMENTS)``, float32; of mixtures of paintings, mixtures.
            style_weight: ``(N,)``, above 0.
            stroke_size: ``(N,)``, long side in pixels at which the painting was seen.

        Returns:
            ``(N, outputs)``.
        """
        x = ((features(moments) - self.center) / self.spread).clamp(-FARTHEST, FARTHEST)
        if self.training:
            x = x + NOISE * torch.randn_like(x)
        asked = torch.stack(
            [torch.log(style_weight / USUAL_WEIGHT), torch.log2(stroke_size / USUAL_SIZE)], 1
        )
        x = torch.cat([x, LOUDNESS * asked], 1)
        y: Tensor = self.last(F.silu(self.second(F.silu(self.first(x)))))
        wanted: Tensor = self.asked(torch.cat([asked, asked.square()], 1))
        return y + wanted

    def reading(self) -> list[nn.Parameter]:
        """The weights that read paintings, without those that know only what is asked for."""
        return [w for part in (self.first, self.second, self.last) for w in part.parameters()]

    @torch.no_grad()
    def standardize(self, moments: Tensor) -> None:
        """Takes mean and deviation of what is read from these paintings, ``(N, MOMENTS)``."""
        found = features(moments)
        self.center.copy_(found.mean(0))
        self.spread.copy_(found.std(0, correction=0).clamp_min(0.05))


def features(moments: Tensor) -> Tensor:
    """Logarithms of means, root mean squares and products; colors and roots of covariances.

    Moments add up in mixtures, but differ by orders of magnitude; these are of one magnitude.
    """
    total = sum(CHANNELS)
    means, squares, products, colors, pairs = torch.split(moments, [total, total, _PAIRS, 3, 6], 1)
    i, j = torch.triu_indices(3, 3, device=moments.device)
    covariance = pairs - colors[:, i] * colors[:, j]
    return torch.cat(
        [
            torch.log(means.clamp_min(0) + 1e-3),
            0.5 * torch.log(squares.clamp_min(0) + 1e-6),
            0.5 * torch.log(products.clamp_min(0) + 1e-6),
            colors,
            covariance.sign() * covariance.abs().sqrt(),
        ],
        1,
    )

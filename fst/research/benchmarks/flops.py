"""How much work a training step is, whoever takes it."""

from collections.abc import Iterable

from fst.loss_networks.layers import CHANNELS, LAYERS
from fst.loss_networks.sources import WEIGHTS
from fst.losses.perceptual import CONTENT_LAYERS, STYLE_LAYERS


def training_flops(size: int, width: int = 32, residual_blocks: int = 5, slim: bool = False) -> int:
    """Floating-point operations that one photo of a training step takes, convolutions alone.

    The net forward and backward, the loss network of the output forward and backward (to its input:
    its weights are frozen), and the loss network of the photo to the content layer. A
    multiplication and an addition count as two. What an implementation does beyond that is not
    counted.

    Args:
        size: side of the photo in pixels.
        width: of the net, channels at full resolution.
        residual_blocks: of the net.
        slim: whether the slim network judges, with its metrics, and not VGG-19.
    """
    full, half, quarter = (-(-size // 4) * 4 >> level for level in range(3))
    convolutions = [  # inputs, outputs, kernel, side of the output
        (3, width, 9, full),
        (width, 2 * width, 3, half),
        (2 * width, 4 * width, 3, quarter),
        *[(4 * width, 4 * width, 3, quarter)] * (2 * residual_blocks),
        (4 * width, 2 * width, 3, half),
        (2 * width, width, 3, full),
        (width, 3, 9, full),
    ]
    net = [2 * i * o * kernel * kernel * side * side for i, o, kernel, side in convolutions]
    # backward is as much for the weights and as much for the input, which the photo does not need
    total = 3 * sum(net) - net[0]
    judged = [*CONTENT_LAYERS, *STYLE_LAYERS]
    total += 2 * _judge_flops(judged, size, slim)  # forward, and to its input
    return total + _judge_flops(CONTENT_LAYERS, size, slim)


def _judge_flops(layers: Iterable[str], size: int, slim: bool) -> int:
    layers = list(layers)
    channels = WEIGHTS["slim"].channels if slim else CHANNELS
    total, inputs, deepest = 0, 3, max(LAYERS[layer] for layer in layers)
    for name, index in LAYERS.items():
        if index > deepest:
            break
        block = int(name[4])
        outputs, side = channels[block - 1], size >> (block - 1)
        if name.startswith("conv"):
            total += 2 * inputs * outputs * 9 * side * side
            inputs = outputs
        if slim and name in layers:
            total += 2 * outputs * outputs * side * side  # its metric
    return total

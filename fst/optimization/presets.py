"""Settings of the optimization that the literature uses."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Preset:
    """Named settings of the literature: keyword arguments of the loss and of the optimization.

    The latter are those of :func:`~fst.optimization.pyramid.optimize_coarse_to_fine`.
    """

    loss: dict[str, Any] = field(default_factory=dict)
    optimize: dict[str, Any] = field(default_factory=dict)


PRESETS = {
    "gatys": Preset(),
    "johnson": Preset(
        loss={
            "content_layers": {"relu2_2": 1.0},
            "style_layers": {"relu1_2": 1.0, "relu2_2": 1.0, "relu3_3": 1.0, "relu4_3": 1.0},
        },
    ),
    "course": Preset(
        loss={
            "content_weight": 10.0,
            "style_weight": 40.0,
            "content_layers": {"conv4_2": 1.0},
            "style_layers": {f"conv{block}_1": 1.0 for block in range(1, 6)},
            "tv_weight": 0.0,
            "normalization": "course",
        },
        optimize={
            "init": "blend",
            "optimizer": "adam",
            "learning_rate": 0.01,
            "iterations": 2500,
            "clamp": True,
        },
    ),
    "pyramid": Preset(
        loss={
            "content_layers": {"relu4_2": 1.0},
            "style_layers": {f"relu{block}_1": 4.0 ** (5 - block) for block in range(1, 6)},
            "padding": "first",
            "style_weight": 60.0,
            "tv_weight": 2.0,
        },
        optimize={
            "optimizer": "adam",
            "learning_rate": 0.02,
            "average": 0.99,
            "clamp": True,
            "iterations": 1500,
            "coarsest": 128,
        },
    ),
}
"""``"gatys"`` is every default; ``"johnson"`` has the layers of Johnson et al. 2016 (section 4.1,
there of VGG-16); ``"course"`` is the recipe of the well-known course notebooks; ``"pyramid"``
follows crowsonkb/style-transfer-pytorch: style layers of 256:64:16:4:1, from 128 pixels on by steps
of the square root of 2, Adam with averaged iterates, a first convolution that replicates the
border. There the painting grows with the picture, every size has as many iterations, and losses are
normalized by their gradients; here losses and pyramid are our own."""

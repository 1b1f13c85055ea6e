"""Settings of the optimization that the literature uses."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Preset:
    """Named settings of the literature: keyword arguments of the loss and of :func:`optimize`."""

    loss: dict[str, Any] = field(default_factory=dict)
    optimize: dict[str, Any] = field(default_factory=dict)


PRESETS = {
    "gatys": Preset(),
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
            "learning_rate": 0.03,
            "iterations": 2500,
            "clamp": True,
        },
    ),
}
"""``"gatys"`` is every default; ``"course"`` is the recipe of the well-known course notebooks."""

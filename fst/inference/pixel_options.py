"""What can be chosen when pixels are optimized, as a value that checks itself.

None is "not chosen": the preset's, or the default. Torch is not imported here: a command line can
be read, and refused, without it.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from fst.choices import INITS, PADDINGS, POOLINGS, RECOLORS
from fst.errors import InputError
from fst.inference.options import check_each, check_strokes, given, listed, set_value
from fst.loss_networks.architectures import check_layers, chosen_network, parse_layers
from fst.losses.style.choice import CHOSEN, check_statistic
from fst.optimization.optimizers import OPTIMIZERS, USUAL
from fst.optimization.presets import PRESETS
from fst.system.checks import number, one_of, shown, switch, text, whole_number

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

    from fst.image.picture import Picture

SEEDS = (-(2**63), 2**64 - 1)
"""The least and the greatest that torch's generators take."""


NOISY = ("noise", "blend")
"""Starts that have noise of their own, so that a seed has to do with them."""


@dataclass(frozen=True)
class PixelOptions:
    """How the pixels of a photo are optimized, and for which loss.

    Attributes:
        preset: one of :data:`~fst.optimization.presets.PRESETS`; None is ``"gatys"``.
        iterations: at least 1; None is the preset's, or else 500.
        optimizer: one of :data:`~fst.optimization.optimizers.OPTIMIZERS`.
        learning_rate: above 0.
        init: one of :data:`fst.choices.INITS`, a picture's file, or a picture; of any size.
        init_noise: share of noise mixed into a start that has none, from 0 to 1.
        seed: of the noise; a whole number.
        clamp: bring the pixels back to [0, 1] after every step; not with lbfgs.
        average: decay of the average of iterates that is the result, above 0 and below 1.
        tolerance: stop when the objective falls by less than this share, from 0 to below 1, as for
            :func:`~fst.optimization.pixels.optimize`.
        style_size: long side of the painting in pixels, at least 16: the size of the strokes; of a
            pass also a word, one of :data:`fst.choices.STROKES`.
        content_weight: at least 0, and so are ``style_weight`` and ``tv_weight``.
        pooling: of VGG-19, ``"max"`` or ``"avg"``.
        loss_network: one of :data:`fst.choices.NETWORKS`; None is VGG-19, or what the weights say.
        weights: of it, as for :class:`~fst.loss_networks.vgg.VGG19`.
        padding: of its convolutions, one of :data:`fst.choices.PADDINGS`.
        content_layers: layer name -> weight, or ``"relu1_1=1,relu3_1=2"``, where a bare name counts
            1; and so are ``style_layers``.
        normalization: as for :class:`~fst.losses.perceptual.PerceptualLoss`.
        statistic: what style is compared by, one of :data:`~fst.choices.STATISTICS`.
        patch_size: of statistic ``"patches"``, in positions of a layer, from 1 to 31.
        patch_stride: likewise, at most the patch's size.
        labels: the photo's regions: a picture, or its file, in which each has a color of its own.
        style_labels: the same of the painting; of several paintings, a list in their order.
        luminance: paint brightness alone; colors stay the photo's.
        recolor: gives paintings the photo's colors before: one of :data:`fst.choices.RECOLORS`.

    Raises:
        InputError: a value of another kind or out of its range, or two that don't go together.
    """

    preset: str | None = None
    iterations: int | None = None
    optimizer: str | None = None
    learning_rate: float | None = None
    init: "str | Tensor | None" = None
    init_noise: float | None = None
    seed: int | None = None
    clamp: bool | None = None
    average: float | None = None
    tolerance: float | None = None
    style_size: int | str | None = None
    content_weight: float | None = None
    style_weight: float | None = None
    tv_weight: float | None = None
    pooling: str | None = None
    loss_network: str | None = None
    weights: str | None = None
    padding: str | None = None
    content_layers: Mapping[str, float] | str | None = None
    style_layers: Mapping[str, float] | str | None = None
    normalization: str | None = None
    statistic: str | None = None
    patch_size: int | None = None
    patch_stride: int | None = None
    labels: "str | Path | Picture | None" = None
    style_labels: "str | Path | Picture | Sequence[str | Path | Picture] | None" = None
    luminance: bool | None = None
    recolor: str | None = None

    def __post_init__(self) -> None:
        check_each(self, ("preset",), one_of, tuple(PRESETS))
        check_each(self, ("optimizer",), one_of, tuple(OPTIMIZERS))
        if not hasattr(self.init, "shape"):
            check_each(self, ("init",), _start)
        check_each(self, ("pooling",), one_of, POOLINGS)
        check_each(self, ("clamp",), switch)
        check_each(self, ("iterations",), whole_number, 1)
        check_each(self, ("style_size",), check_strokes)
        check_each(self, ("seed",), whole_number, *SEEDS)
        check_each(self, ("content_weight", "style_weight", "tv_weight"), number, 0)
        check_each(self, ("learning_rate",), number, None, None, 0)
        check_each(self, ("init_noise",), number, 0, 1)
        check_each(self, ("average",), number, None, None, 0, 1)
        check_each(self, ("tolerance",), number, 0, None, None, 1)
        check_each(self, ("weights", "normalization"), text)
        check_each(self, ("padding",), one_of, PADDINGS)
        check_each(self, ("content_layers", "style_layers"), parse_layers)
        check_statistic(self.loss())
        self._check_judge()
        self._check_search()
        self._check_guidance()

    def _check_judge(self) -> None:
        """That the loss network has these weights and layers, the preset's, too."""
        network, _ = chosen_network(self.loss_network, self.weights)
        for name in ("content_layers", "style_layers"):
            option = f"{name} (--{name.replace('_', '-')})"
            check_layers(self.loss().get(name, ()), network, option)

    def _check_search(self) -> None:
        """That what is chosen of the search goes together, the preset's, too."""
        used = self.optimization()
        if self.clamp and used["optimizer"] == "lbfgs":
            raise InputError("clamp goes with optimizer adam or sgd, not with lbfgs")
        init = used.get("init")
        if self.init_noise and isinstance(init, str) and init in NOISY:
            raise InputError(
                f"init_noise (--init-noise) goes with a start without noise, not with init {init}"
            )

    def _check_guidance(self) -> None:
        """Regions and colors; their files are read later."""
        check_each(self, ("luminance",), switch)
        set_value(self, "luminance", self.luminance or None)
        check_each(self, ("recolor",), one_of, RECOLORS)
        for name, several in (("labels", False), ("style_labels", True)):
            value = getattr(self, name)
            for one in listed(value) if several else [value]:
                if not (one is None or hasattr(one, "rgb") or isinstance(one, str | os.PathLike)):
                    raise InputError(f"{name} must be a picture or its file, not {shown(one)}")
        if (self.labels is None) != (not listed(self.style_labels)):
            raise InputError(
                "labels (--labels) of the photo and style_labels (--style-labels) of the painting "
                "go together: give both"
            )
        if self.luminance and self.recolor is not None:
            raise InputError(
                "luminance (--luminance) paints no colors: leave recolor (--recolor) out"
            )

    def given(self) -> dict[str, Any]:
        """The options that were chosen, by name."""
        return given(self)

    def loss(self) -> dict[str, Any]:
        """Those of the loss, over the preset's: arguments of a ``PerceptualLoss``."""
        preset = PRESETS[self.preset or "gatys"].loss
        chosen = {name: value for name, value in self.given().items() if name in LOSS}
        network = {} if self.loss_network is None else {"network": self.loss_network}
        return {**preset, **chosen, **network}

    def optimization(self) -> dict[str, Any]:
        """Those of the search, over the preset's: arguments of ``optimize``."""
        defaults = {"optimizer": USUAL, **PRESETS[self.preset or "gatys"].optimize}
        chosen = {name: value for name, value in self.given().items() if name in SEARCH}
        if chosen.get("optimizer", defaults["optimizer"]) != defaults["optimizer"]:
            for name in ("learning_rate", "clamp", "average"):  # another optimizer's
                defaults.pop(name, None)
        return {**defaults, **chosen}


LOSS = (
    "content_weight", "style_weight", "tv_weight", "pooling", "weights", "padding",
    "content_layers", "style_layers", "normalization", *CHOSEN,
)  # fmt: skip
SEARCH = (
    "iterations", "optimizer", "learning_rate", "init", "init_noise", "seed", "clamp", "average",
    "tolerance",
)  # fmt: skip

OF_PIXELS = tuple(field.name for field in fields(PixelOptions))


def _start(name: str, value: object) -> str:
    """The name of a start, or the path of a picture that is there."""
    if isinstance(value, str) and (value in INITS or os.path.isfile(value)):
        return value
    if isinstance(value, os.PathLike) and os.path.isfile(value):
        return os.fsdecode(value)
    raise InputError(
        f"{name} must be one of {', '.join(INITS)}, or a picture that is there, not {shown(value)}"
    )

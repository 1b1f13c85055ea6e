"""How a net learns: the one list of a training's settings."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from fst.choices import PRECISIONS
from fst.system.checks import number, one_of, switch, whole_number

SCHEDULES = ("cosine", "constant")

OPTIMIZERS = ("muon", "adam")


@dataclass(frozen=True)
class Recipe:
    """The settings of the optimizer and of a step; checked once, when it is made.

    ``configs/train.yaml`` has these names and defaults, a finished style carries them, and the
    command that reproduces a style prints them; a test holds the three together.

    Raises:
        InputError: a value of the wrong type, or out of its range.
    """

    optimizer: str = "muon"
    """``"muon"``: :class:`~fst.training.muon.Muon` for the matrices that the net names, Adam for
    the rest; or ``"adam"`` for all, as in the paper."""

    learning_rate: float = 3e-3
    """Of both; the paper: 1e-3, with Adam."""

    schedule: str = "cosine"
    """``"cosine"`` decay to zero at the last step, or ``"constant"`` as in the paper."""

    warmup_steps: int = 20
    """Over which the learning rate rises from zero."""

    ema: float = 0.0
    """Decay of the exponential moving average of the weights, which is then validated and kept; 0
    keeps the weights themselves. At step ``s`` it is (1 + s) / (10 + s) at most."""

    pattern_weight: float = 3000.0
    """Of :func:`~fst.losses.functional.upsampling_pattern`, which is no part of the objective."""

    accumulate: int = 1
    """Micro-batches in which a step takes its batch, one after the other; more, once memory has
    run out."""

    precision: str = "auto"
    """Of the net's convolutions: ``"fp32"``, ``"bf16"``, or ``"auto"`` for the faster one. Weights,
    statistics and losses are float32 in any case."""

    compile: bool = False
    """``torch.compile`` for net and loss network; the first step waits a minute."""

    seed: int = 0
    """Of the first weights, of the photos' order, of crops and flips."""

    freeze: bool = False
    """Whether shared convolutions stay as they are, and only the styles' numbers learn: of a net of
    one style, its norms' scales and offsets and its last bias."""

    color_weight: float = 0.0
    """Of :func:`~fst.losses.colors.color_error`, times the style weight; no part of the objective
    either. A net for any painting needs it, else rare hues get lost."""

    brightness_weight: float = 0.0
    """Of :func:`~fst.losses.brightness.brightness_error`, times the style weight: light where the
    photo is light. No part of the objective either."""

    frame_weight: float = 0.0
    """Of :func:`~fst.losses.frame.frame_error`, times the style weight: the border is painted as
    the middle. No part of the objective either; a step paints most of the photo again."""

    weave_weight: float = 0.0
    """Of :func:`~fst.evaluation.regularity.weave`, times the style weight: against a regular
    texture in flat parts. No part of the objective either."""

    stability_weight: float = 0.0
    """Of :func:`~fst.losses.stability.instability`, times the style weight: against flicker in
    clips. No part of the objective either; a step takes a second pass of the net."""

    def __post_init__(self) -> None:
        one_of("optimizer", self.optimizer, OPTIMIZERS)
        number("learning_rate", self.learning_rate, above=0)
        one_of("schedule", self.schedule, SCHEDULES)
        whole_number("warmup_steps", self.warmup_steps, least=0)
        number("ema", self.ema, least=0, below=1)
        number("pattern_weight", self.pattern_weight, least=0)
        number("color_weight", self.color_weight, least=0)
        number("brightness_weight", self.brightness_weight, least=0)
        number("frame_weight", self.frame_weight, least=0)
        number("weave_weight", self.weave_weight, least=0)
        number("stability_weight", self.stability_weight, least=0)
        whole_number("accumulate", self.accumulate, least=1)
        one_of("precision", self.precision, PRECISIONS)
        switch("compile", self.compile)
        whole_number("seed", self.seed, least=0)
        switch("freeze", self.freeze)

    @property
    def weighs_with_the_style(self) -> bool:
        """Whether a step has terms that count with the style weight, besides the objective."""
        return any(
            (
                self.color_weight,
                self.brightness_weight,
                self.frame_weight,
                self.weave_weight,
                self.stability_weight,
            )
        )

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> "Recipe":
        """The recipe among other settings, by its fields' names; what is missing has its default.

        Raises:
            InputError: as for the class.
        """
        names = (field.name for field in fields(cls))
        return cls(**{name: settings[name] for name in names if name in settings})

    def as_dict(self) -> dict[str, Any]:
        """The settings as plain values, for a checkpoint."""
        return asdict(self)

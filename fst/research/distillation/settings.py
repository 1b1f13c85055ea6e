"""How a slim network is taught, and what is told of every step."""

from dataclasses import dataclass


@dataclass(frozen=True)
class DistillationSettings:
    """How a slim network is taught.

    ``feature_steps`` and ``gradient_steps`` are the two stages' lengths, with their learning rates;
    ``groups`` the half-stylized pictures that are kept, in fours; ``size`` the pictures' side in
    pixels; ``direction`` and ``magnitude`` weigh the gradient's direction and its length and the
    terms' values, against the features' relative errors, which are summed over the layers.
    """

    feature_steps: int = 1600
    feature_rate: float = 2e-3
    gradient_steps: int = 1000
    gradient_rate: float = 5e-4
    groups: int = 24
    groups_a_step: int = 3
    styles: int = 120
    style_size: int = 192
    size: int = 128
    direction: float = 4.0
    magnitude: float = 0.1
    average: float = 0.99
    seed: int = 0


@dataclass(frozen=True)
class DistillationStep:
    """One step: its stage and number, how many there are, and what was measured."""

    stage: str
    step: int
    steps: int
    figures: dict[str, float]

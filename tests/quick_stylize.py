"""``fst stylize`` in no time: styles that need no net, and a stylizer that paints the negative."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from fst.inference.optimizing import (
    OnIterate,
    OptimizingStylizer,
)
from fst.interfaces.arguments.stylize import parser
from fst.interfaces.commands import stylize
from fst.losses.perceptual import LossTerms
from fst.optimization.pixels import Iterate
from fst.styles.style import Style

TERMS = LossTerms(*(torch.zeros(1) for _ in LossTerms._fields))


RECORD: dict[str, Any] = {
    "format": 1, "program": "fst", "styles": [{"name": "m", "weights_sha256": "m"}], "settings": {}
}  # fmt: skip
"""Of what is painted in the style m, without what is its photo's."""


class Negative(OptimizingStylizer):
    """Paints the negative in four steps; ``stops`` says at which one somebody interrupts."""

    stops: int | None = None

    def __call__(self, photo: Tensor, on_iterate: OnIterate | None = None) -> Tensor:
        """All of it."""
        for i in range(5):
            if i == Negative.stops:
                raise KeyboardInterrupt
            if on_iterate is not None:
                on_iterate(Iterate(i, torch.lerp(photo, 1 - photo, i / 4), TERMS))
        return 1 - photo


def make_quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Styles are found and nets are made in no time."""
    loss: Any = None

    def find(options: Any) -> list[Style]:
        return [Style(Path(name).stem, name, {}) for name in options.style]

    def make(options: Any, styles: list[Style]) -> list[OptimizingStylizer]:
        return [Negative(loss, torch.device("cpu"), {"iterations": 4}) for _ in styles]

    def painted_with(styles: list[Style], *_: Any) -> dict[str, Any]:
        painted = [{"name": style.name, "weights_sha256": style.name} for style in styles]
        return {**RECORD, "styles": painted}

    monkeypatch.setattr(stylize, "find_styles", find)
    monkeypatch.setattr(stylize, "painted_with", painted_with)
    monkeypatch.setattr(stylize, "make_stylizers", make)
    monkeypatch.setattr(Negative, "stops", None)


def call(*words: str) -> int:
    """``fst stylize``; its exit status."""
    return stylize.main(parser().parse_args(list(words)))

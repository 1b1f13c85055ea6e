"""A style, found once: what is known of it travels as one value."""

import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fst.errors import CheckpointError
from fst.image.picture import Picture
from fst.styles.trained import TrainedStyle

SIZE = 512
"""Long side of a painting in pixels, where nothing else is said."""


@dataclass(frozen=True)
class Style:
    """What :func:`fst.styles.catalog.find_style` found.

    Attributes:
        name: what pictures in this style are named after.
        asked: what it was asked for by: a name, a path, a blend.
        about: what its style file says (title, painter, image, ...), or else its checkpoint.
        image: its painting, a path or a file name; None of a blend.
        picture: the painting itself, where no file has it.
        trained: the net that paints in it, with its description; None where there is none.
        shares: of a blend, each style's; of several paintings, each one's; else empty.
        paintings: where pixels are optimized for several at once: the style of each.
        searched: the folder in which a checkpoint was looked for first.
        fitted: of a painting whose stroke size nobody has chosen: the net whose strokes fit a
            picture with a long side of so many pixels.
    """

    name: str
    asked: str
    about: Mapping[str, Any]
    image: str | None = None
    trained: TrainedStyle | None = None
    shares: Mapping[str, float] = field(default_factory=dict)
    searched: Path = Path("checkpoints")
    picture: Picture | None = None
    fitted: Callable[[int], TrainedStyle] | None = None
    paintings: "tuple[Style, ...]" = ()

    @property
    def size(self) -> int:
        """Long side of the painting in pixels: the size whose strokes are meant."""
        return int(self.about.get("size", SIZE))

    @property
    def weights(self) -> dict[str, float]:
        """The weights of the loss terms that the style sets: ``content_weight`` ..."""
        return term_weights(self.about)

    @property
    def description(self) -> Mapping[str, Any]:
        """The checkpoint's own, or empty."""
        return {} if self.trained is None else self.trained.description

    @property
    def predicted(self) -> bool:
        """Whether its net was made from its painting at once, or mixed with such a net."""
        return "predicted" in self.description

    def net(self) -> TrainedStyle:
        """The trained net.

        Raises:
            CheckpointError: there is none; says how to get one.
        """
        if self.trained is not None:
            return self.trained
        if self.picture is not None:
            raise CheckpointError(
                "a painting is no trained style, and there is no any-painting net "
                f"(any.safetensors in {self.searched}/): paint with method optimize"
            )
        if self.asked != self.name:
            raise CheckpointError(
                f"{self.asked} is a painting, not a trained style: train one with fst train "
                f"{shlex.quote(f'style={self.asked}')}, or paint with fst stylize --method optimize"
            )
        raise CheckpointError(
            f"no checkpoint for {self.name!r} in {self.searched}/: train one with fst train "
            f"style={self.name}, or paint with fst stylize --method optimize"
        )


def term_weights(about: Mapping[str, Any]) -> dict[str, float]:
    """The weights of the loss terms that a style's description sets."""
    return {key: value for key, value in about.items() if key.endswith("_weight")}

"""What keys change while a camera is painted, and what is drawn on the picture."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from fst.inference.video.window import CLOSED

HELP = (
    "n, p, arrows: next and previous style", "+, -: strength", "s: snapshot", "m: mirror",
    "space: pause", "f: full screen", "t: text", "h: these keys", "q, Esc: end",
)  # fmt: skip

SHOWN_SIDE = 720
"""Long side that a picture is shown with at least, in pixels."""

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Settings:
    """What keys change.

    Attributes:
        styles: their names.
        style: which of them is painted.
        strength: as of :class:`~fst.inference.control.Control`.
        mirror: left and right are exchanged.
        text: style and rate are drawn on the picture, and ``help``: the keys.
        full: the window fills the screen.
        paused: the picture stands still.
        snapshots: how many were asked for.
        ended: it is to end.
    """

    styles: tuple[str, ...]
    style: int = 0
    strength: float = 1.0
    mirror: bool = False
    text: bool = True
    help: bool = False
    full: bool = False
    paused: bool = False
    snapshots: int = 0
    ended: bool = False

    @property
    def name(self) -> str:
        """Of the style."""
        return self.styles[self.style]

    @property
    def looks(self) -> tuple[int, float, bool]:
        """What makes another picture of the same frame."""
        return self.style, self.strength, self.mirror


def pressed(settings: Settings, key: str) -> Settings:
    """The settings after a key; a key that means nothing changes nothing.

    Args:
        settings: before.
        key: a letter, or a name of :data:`~fst.inference.video.window.KEYS`.
    """
    if key in ("q", "esc", CLOSED):
        return replace(settings, ended=True)
    if key in ("n", "right", "p", "left"):
        way = 1 if key in ("n", "right") else -1
        return replace(settings, style=(settings.style + way) % len(settings.styles))
    if key in ("+", "=", "-", "_"):
        step = 0.1 if key in ("+", "=") else -0.1
        return replace(settings, strength=round(min(1.0, max(0.0, settings.strength + step)), 1))
    if key == "s":
        return replace(settings, snapshots=settings.snapshots + 1)
    switches = {"m": "mirror", "t": "text", "h": "help", "f": "full", "space": "paused"}
    if key not in switches:
        return settings
    changed: dict[str, Any] = {switches[key]: not getattr(settings, switches[key])}
    return replace(settings, **changed)


def drawn(pixels: Pixels, settings: Settings, rate: float) -> Pixels:
    """The picture as it is shown: with style and rate in its corner, and the keys, if wanted.

    A small one is enlarged by a whole number, so that letters are sharp.

    Args:
        pixels: ``(H, W, 3)``, RGB.
        settings: say what is wanted.
        rate: in frames a second.
    """
    image = Image.fromarray(np.ascontiguousarray(pixels))
    times = max(1, -(-SHOWN_SIDE // max(image.size)))
    image = image.resize((image.width * times, image.height * times), Image.Resampling.BILINEAR)
    lines = list(HELP) if settings.help else []
    if settings.text:
        strength = "" if settings.strength == 1 else f"  {settings.strength:.0%}"
        lines.append(f"{settings.name}{strength}  {rate:.1f}/s{'  paused' * settings.paused}")
    if not lines:
        return np.asarray(image)
    size = max(9, min(image.height // (2 * len(lines)), max(image.size) // 32))
    font = ImageFont.load_default(size)
    place = (size // 2, image.height - size // 2)
    ImageDraw.Draw(image).multiline_text(
        place, "\n".join(lines), (255, 255, 255), font, "ld", stroke_width=max(1, size // 9),
        stroke_fill=(0, 0, 0),
    )  # fmt: skip
    return np.asarray(image)

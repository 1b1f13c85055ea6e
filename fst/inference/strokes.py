"""Strokes of another size than a net has learned.

A net paints strokes of so many pixels, however large the photo is. So it is shown the photo
smaller, and what it paints is enlarged: strokes grow, edges stay where the photo has them.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from fst.choices import STROKES
from fst.errors import InputError
from fst.image.guided import guided_upsample
from fst.image.periodic import resize_periodic
from fst.image.picture import MIN_SIDE, resize_tensor
from fst.styles.style import SIZE, Style

FINEST = 2.0
"""How much larger than it is a photo is shown at most."""


@dataclass(frozen=True)
class Strokes:
    """The size of the strokes that are wanted.

    Attributes:
        wanted: long side of the painting in pixels, against the pixels of the photo; or a word:
            ``"small"`` is what the net has learned, ``"large"`` stands to the photo as the
            strokes stand to the painting, ``"medium"`` lies halfway.
        learned: long side of the painting that the net has learned its strokes from.
    """

    wanted: int | str
    learned: int

    def __post_init__(self) -> None:
        if not isinstance(self.wanted, str):
            self.scale(self.wanted)  # what is too fine for every photo is told at once

    def scale(self, side: int) -> float:
        """What a photo with this long side is multiplied by before it is painted.

        Raises:
            InputError: strokes so fine that the photo would have to be more than twice as large.
        """
        if isinstance(self.wanted, str):
            shrunk: float = max(1.0, side / self.learned) ** STROKES[self.wanted]
            return 1 / shrunk
        scale = self.learned / self.wanted
        if scale > FINEST:
            least = math.ceil(self.learned / FINEST)
            raise InputError(
                f"this net's strokes get no finer than stroke_size {least} (--stroke-size), not "
                f"{self.wanted}: it has learned them from a painting of {self.learned} pixels"
            )
        return scale

    def painted(
        self, photo: Tensor, paint: Callable[[Tensor], Tensor], tiles: bool = False
    ) -> Tensor:
        """The photo, painted in these strokes.

        Args:
            photo: ``(1, 3, H, W)`` in [0, 1].
            paint: the net's pass, which keeps a picture's size.
            tiles: the photo, and what is painted, continue on the other side.

        Returns:
            ``(1, 3, H, W)`` in [0, 1].

        Raises:
            InputError: as for :meth:`scale`; strokes so large that nothing is left of the photo.
        """
        h, w = photo.shape[2:]
        scale, step = self.scale(max(h, w)), 4 if tiles else 1
        if isinstance(self.wanted, str):  # a word fits every photo, a thin one as far as it goes
            scale = max(scale, min(1.0, MIN_SIDE / min(h, w)))
        shown = (round(h * scale / step) * step, round(w * scale / step) * step)
        if shown == (h, w):
            return paint(photo)
        if scale < 1 and min(shown) < MIN_SIDE:
            raise InputError(
                f"strokes of stroke_size {self.wanted} (--stroke-size) leave {max(shown[1], 1)} x "
                f"{max(shown[0], 1)} pixels of a photo of {w} x {h}: take smaller ones"
            )
        if tiles:
            return resize_periodic(paint(resize_periodic(photo, shown)), (h, w))
        small = paint(resize_tensor(photo, shown))
        return guided_upsample(small, photo) if scale < 1 else resize_tensor(small, (h, w))


def learned_size(style: Style) -> int:
    """Long side in pixels of the painting whose strokes a style's net has learned.

    Of a blend, the mean of its parts in octaves, by their shares.
    """
    if not style.shares:
        return style.size
    sizes = style.description.get("sizes", {})
    octaves = [share * math.log2(sizes.get(name, SIZE)) for name, share in style.shares.items()]
    return round(2 ** (sum(octaves) / sum(style.shares.values())))

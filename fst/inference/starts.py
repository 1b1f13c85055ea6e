"""What an optimization begins with, where that is another picture than the photo or noise."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import Tensor

from fst.choices import INITS
from fst.image.io import load_image
from fst.image.picture import resize_tensor
from fst.system.checksum import checksum

if TYPE_CHECKING:
    from fst.inference.stylizers import FeedForwardStylizer
    from fst.styles.style import Style


@dataclass(frozen=True)
class Start:
    """A picture to begin with, once the photo is known.

    Attributes:
        paint: makes it of a photo ``(1, 3, H, W)``: ``(1, 3, H, W)``, both in [0, 1].
        said: what a result's record says of it, in plain values.
        passed: of a start that is painted in one pass, the style and what paints it.
    """

    paint: Callable[[Tensor], Tensor]
    said: Any = "picture"
    passed: "tuple[Style, FeedForwardStylizer] | None" = None


def of_picture(picture: Tensor, said: Any = "picture") -> Start:
    """A picture of any size, ``(1, 3, H, W)`` in [0, 1]; it covers the photo (:func:`covering`)."""
    return Start(lambda photo: covering(picture.to(photo.device), photo), said)


def of_file(path: Path) -> Start:
    """The picture of a file, of any size.

    Raises:
        InputError: it can't be read.
    """
    picture = load_image(path, min_side=1).rgb
    return of_picture(picture, {"name": path.name, "sha256": checksum(path)})


def is_file(init: object) -> bool:
    """Whether a start is a picture's file, not one of :data:`~fst.choices.INITS`."""
    return isinstance(init, str) and init not in INITS


def covering(picture: Tensor, photo: Tensor) -> Tensor:
    """The picture at the photo's size: as large as it takes to cover it, and its middle.

    Args:
        picture: ``(1, 3, h, w)`` in [0, 1].
        photo: ``(1, 3, H, W)``; only its size counts.
    """
    height, width = photo.shape[2:]
    h, w = picture.shape[2:]
    scale = max(height / h, width / w)
    # cut first: a strip that is thousands of times as long would be enlarged as a whole
    rows, columns = min(h, max(1, round(height / scale))), min(w, max(1, round(width / scale)))
    top, left = (h - rows) // 2, (w - columns) // 2
    return resize_tensor(picture[:, :, top : top + rows, left : left + columns], (height, width))

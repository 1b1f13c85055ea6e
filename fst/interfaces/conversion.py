"""What other programs have as pictures, and painted pictures as what that was."""

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from fst.errors import InputError
from fst.image.arrays import from_array, from_tensor, like_array, like_tensor
from fst.image.decoding import opened
from fst.image.picture import _DECODER_ERRORS, Picture, from_pil, to_pil
from fst.inference.masks import Mask, read_mask
from fst.system.checks import shown

PICTURES = (Image.Image, np.ndarray, Tensor)
"""Their kinds."""

Given = Image.Image | np.ndarray[Any, Any] | Tensor
"""One of them."""


def to_pictures(given: object, what: str) -> list[Picture]:
    """What was given, as pictures.

    Raises:
        InputError: it isn't one that can be read.
    """
    if isinstance(given, np.ndarray):
        return from_array(given, what)
    if isinstance(given, Tensor):
        return from_tensor(given, what)
    if isinstance(given, Image.Image):
        if 0 in given.size:
            raise InputError(f"a {what} without pixels: it is {given.width}x{given.height}")
        try:
            return [from_pil(*opened(given, f"the {what}"), f"the {what}")]
        except InputError:
            raise
        except (*_DECODER_ERRORS, Image.DecompressionBombError) as error:
            reason = " ".join(str(error).split()) or type(error).__name__
            raise InputError(f"the {what}, a PIL picture, can't be read: {reason}") from error
    hint = "; open a file first (PIL.Image.open)" if isinstance(given, str | os.PathLike) else ""
    raise InputError(
        f"expected a PIL picture, array or tensor as {what}, not {type(given).__name__}{hint}"
    )


def to_picture(given: object, what: str) -> Picture:
    """The one picture that was given, on the CPU; what is given may change later.

    Raises:
        InputError: several, or none that can be read.
    """
    found = to_pictures(given, what)
    if len(found) != 1:
        raise InputError(f"a {what} is one picture, not {len(found)}")
    rgb, alpha = found[0].rgb.cpu().clone(), found[0].alpha
    return replace(found[0], rgb=rgb, alpha=None if alpha is None else alpha.cpu().clone())


def from_pictures(painted: list[Picture], photo: Any) -> Any:
    """Painted pictures as what the photo was."""
    if isinstance(photo, np.ndarray):
        return like_array(painted, photo)
    if isinstance(photo, Tensor):
        return like_tensor(painted, photo)
    (picture,) = painted
    rgb, alpha = picture.rgb, picture.alpha
    finished = to_pil(rgb if alpha is None else torch.cat([rgb, alpha], 1))
    if picture.icc_profile:
        finished.info["icc_profile"] = picture.icc_profile
    return finished


def to_path(path: object, what: str) -> str:
    """A path, or a name, as a text.

    Raises:
        InputError: it can't be one.
    """
    text = os.fspath(path) if isinstance(path, str | os.PathLike) else path
    if not isinstance(text, str):
        kind = type(path).__name__
        raise InputError(f"a {what} is given as a text or path, not as {shown(path)} ({kind})")
    if not text.strip() or "\0" in text:
        raise InputError(f"a {what} is given by its name or path, not by {shown(text)}")
    return text


def to_mask(mask: object) -> Mask | None:
    """A mask, read once for any number of pictures: a picture, or a file's path; None is none.

    Raises:
        InputError: it can't be read, or there are several.
    """
    if mask is None:
        return None
    if isinstance(mask, str | os.PathLike):
        return read_mask(Path(to_path(mask, "mask")))
    masks = to_pictures(mask, "mask")
    if len(masks) > 1:
        raise InputError(f"one mask for all pictures of a batch, not {len(masks)}")
    return read_mask(masks[0])

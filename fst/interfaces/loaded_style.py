"""A style that is ready to paint: photos, frames of a clip, whole clips."""

import inspect
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from PIL import Image
from torch import Tensor

from fst.choices import FEATHER
from fst.errors import InputError
from fst.inference.control import Control, Layer, paint
from fst.inference.options import check_names
from fst.inference.stylizers import FeedForwardStylizer, Stylizer
from fst.interfaces.conversion import Given, from_pictures, to_mask, to_picture, to_pictures
from fst.interfaces.own_modes import in_memory, own_modes
from fst.styles.style import Style
from fst.system.checks import whole_number

if TYPE_CHECKING:
    from fst.inference.video.frames import Frame
    from fst.interfaces.steps import Step

Photo = TypeVar("Photo", Image.Image, np.ndarray[Any, Any], Tensor)
MaskPicture = str | os.PathLike[str] | Given


class LoadedStyle:
    """A style, ready to paint any number of photos, in any number of threads.

    Made by :func:`fst.load`.
    """

    def __init__(
        self,
        stylizer: Stylizer,
        tiling: Stylizer | None,
        seamless: bool = False,
        style: Style | None = None,
    ) -> None:
        self.stylizer, self.tiling, self.seamless = stylizer, tiling, seamless
        self.style = style
        self.name = "style" if style is None else style.name
        """What results are called after, where they go into a folder."""

    def __call__(
        self,
        photo: Photo,
        strength: float = 1.0,
        preserve_color: str | None = None,
        size: int | None = None,
        upsample: str | None = None,
        mask: MaskPicture | None = None,
        seamless: bool | None = None,
        feather: float | None = None,
        **others: Any,
    ) -> Photo:
        """The photo in this style; what comes back is of the kind and type that was given.

        Args:
            photo: a PIL picture (turned upright; alpha and profile are kept, other modes become
                RGB); an array as for :func:`~fst.image.arrays.from_array`; or a tensor as for
                :func:`~fst.image.arrays.from_tensor`. Gray becomes RGB.
            strength: from 0, the photo, to 1.
            preserve_color: ``"luma"``, ``"lab"`` or ``"histogram"``, as for
                :func:`fst.image.color.preserve_color`.
            size: long side in pixels to paint at, and of the result where ``upsample`` is None.
            upsample: ``"guided"`` or ``"bicubic"``: back to the photo's size.
            mask: a picture, array or tensor, or a picture's file, white where the style is painted.
            seamless: make the result tile the plane; None is what :func:`load` was told by
                ``circular``.
            feather: blurs the mask's edges, as a share of the picture's long side; None is
                :data:`fst.choices.FEATHER`.
            others: nothing; a name that is no option is told with those that come close.

        Raises:
            InputError: not such a picture, a value out of its range, an option that is none or is
                of no use.
        """
        check_names(others, CALL_OPTIONS)
        seamless = self.seamless if seamless is None else seamless
        control = _control(strength, preserve_color, size, upsample, mask, seamless, feather)
        if control.seamless and self.tiling is None:
            raise InputError(
                "to tile (seamless), a style needs a checkpoint whose net says its stages, and no "
                "refining"
            )
        stylizer = self.tiling if self.tiling and control.seamless else self.stylizer
        with own_modes(stylizer.device), in_memory():
            given = to_pictures(photo, "photo")
            layers = [Layer(stylizer, to_mask(mask))]
            result: Photo = from_pictures(
                [paint(picture, layers, control) for picture in given], photo
            )
        return result

    def iterations(
        self,
        photo: Photo,
        every: int = 1,
        strength: float = 1.0,
        preserve_color: str | None = None,
        size: int | None = None,
        upsample: str | None = None,
        mask: MaskPicture | None = None,
        feather: float | None = None,
        **others: Any,
    ) -> "Iterator[Step[Photo]]":
        """The optimization of a photo, step by step: for progress, curves, and stopping early.

        It is computed while the steps are taken, and ends when the loop over them is left. The last
        step's picture is what the style called with the photo gives.

        Args:
            photo: one, as for a call.
            every: so many iterations lie between two steps; the first, before any, and the last
                come in any case.
            strength: as for a call, and so are the next ones.
            preserve_color: whose colors.
            size: to paint at.
            upsample: back to the photo's size.
            mask: where.
            feather: of the mask.
            others: nothing.

        Returns:
            Steps, with number, losses and :attr:`~fst.interfaces.steps.Step.picture`.

        Raises:
            InputError: the style paints in one pass and refines nothing; else as for a call.
        """
        from fst.interfaces.steps import steps

        check_names(others, STEP_OPTIONS)
        whole_number("every", every, 1)
        control = _control(strength, preserve_color, size, upsample, mask, False, feather)
        stylizer = self.stylizer
        if isinstance(stylizer, FeedForwardStylizer):
            raise InputError(
                "a style that paints in one pass has no iterations: load it with refine=50, or "
                'with method="optimize"'
            )
        with own_modes(stylizer.device), in_memory():
            picture, read = to_picture(photo, "photo"), to_mask(mask)
        return steps(
            picture, stylizer, read, control, every, lambda made: from_pictures([made], photo)
        )

    def video(self, clip: str | os.PathLike[str], **options: Any) -> "Iterator[Frame]":
        """The frames of a clip in this style, painted while they are taken.

        Args:
            clip: its path; also of an animated picture or of a folder of numbered frames.
            options: those of :class:`~fst.interfaces.video.VideoOptions`, by name.

        Returns:
            Frames, with pixels, time and :attr:`~fst.inference.video.frames.Frame.image`.

        Raises:
            InputError: it is no clip, a value out of its range, an option that is none.
        """
        from fst.interfaces.video import VideoOptions, frames

        return frames(self, clip, VideoOptions.of(options))

    def paint_video(
        self,
        clip: str | os.PathLike[str],
        target: str | os.PathLike[str],
        crf: int | None = None,
        codec: str | None = None,
        overwrite: bool = False,
        record: bool = True,
        on_frame: Callable[[int, int | None], None] | None = None,
        **options: Any,
    ) -> list[str]:
        """Paints a clip, with its sound, as ``fst video`` does.

        Where it was stopped before, it goes on. Where it was painted with the same settings
        already, nothing is done.

        Args:
            clip: its path.
            target: of the painted clip; its suffix says the format.
            crf: quality of a video, less is better; None is the codec's default.
            codec: of a video; None is the format's default.
            overwrite: replace what is there; a folder, where all in it are painted frames.
            record: the result says how it was painted.
            on_frame: is told after each frame how many are painted, and of how many.
            options: those of :class:`~fst.interfaces.video.VideoOptions`, by name.

        Returns:
            Lines on what was found in the clip, and on what could not be written.

        Raises:
            InputError: it is no clip, another file is at the target, a value out of its range ...
            OSError: no room on the disk; what is painted stays.
        """
        from fst.interfaces.video import VideoOptions, Written, paint_video

        written = Written(crf, codec, overwrite, record)
        return paint_video(self, clip, target, VideoOptions.of(options), written, on_frame)

    def export(self, to: str, folder: str | os.PathLike[str], **options: Any) -> list[Path]:
        """Puts the net into a file for another runtime, as ``fst export`` does, and proves it.

        Args:
            to: one of :data:`fst.choices.EXPORT_TARGETS`.
            folder: of the file, made if need be.
            options: ``uint8``, ``half``, ``int8``, ``margin``, ``calibrate`` (photos and folders of
                them), ``size`` (width and height), ``runtime`` and ``overwrite``; see
                docs/export.md.

        Returns:
            What was written; what readers open comes last.

        Raises:
            InputError: an option that is none or of no use, a package that is missing, something
                that is there, a file that paints other pictures.
        """
        from fst.interfaces.exporting import export_style

        return export_style(self.style, to, folder, options)


def _control(
    strength: float,
    preserve_color: str | None,
    size: int | None,
    upsample: str | None,
    mask: MaskPicture | None,
    seamless: bool,
    feather: float | None,
) -> Control:
    """The options of a call, once they are known to go together."""
    if feather is not None and mask is None:
        raise InputError("feather is of no use without a mask")
    blur = FEATHER if feather is None else feather
    return Control(strength, preserve_color, size, upsample, blur, seamless)


CALL_OPTIONS, STEP_OPTIONS = (
    tuple(
        name
        for name in inspect.signature(method).parameters
        if name not in ("self", "photo", "others")
    )
    for method in (LoadedStyle.__call__, LoadedStyle.iterations)
)

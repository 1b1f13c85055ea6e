"""Which encoder a clip is written with, and which container holds it."""

import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from fst.errors import InputError
from fst.inference.video.containers import load_av

if TYPE_CHECKING:
    from av.codec import Codec

CONTAINERS = MappingProxyType(
    {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".mkv": "matroska", ".webm": "webm"}
)
"""Suffix of a clip -> FFmpeg's name of the container."""

CODECS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "h264": ("libx264", "libopenh264"),
        "hevc": ("libx265",),
        "h265": ("libx265",),
        "vp9": ("libvpx-vp9",),
        "vp8": ("libvpx",),
        "av1": ("libsvtav1", "libaom-av1", "librav1e"),
        "prores": ("prores_ks", "prores"),
        "ffv1": ("ffv1",),
    }
)
"""Names that people use -> encoders of FFmpeg, the best one first."""

LOSSLESS = ("ffv1", "libx264rgb", "utvideo", "huffyuv", "ffvhuff", "png", "qtrle", "rawvideo")
"""Encoders that are given RGB where they take it: nothing is lost, whatever the colors."""

_RGB_KINDS = ("gbrp", "bgr0", "rgb24", "bgr24")
_EVEN_KINDS = ("yuv420p", "yuv422p", "yuv444p", "yuv422p10le", "yuv420p10le", "yuv444p10le")
_ODD_KINDS = ("yuv444p", "yuv444p10le", "yuv422p", "yuv422p10le", "yuv420p", "yuv420p10le")


@dataclass(frozen=True)
class Rules:
    """What is known of an encoder.

    Attributes:
        crf: constant rate factor where none is asked for; None where it has none.
        most: largest factor it takes.
        least: smallest one.
        options: that it is always given. Their number of threads is fixed where the result depends
            on it: a clip is the same on every machine.
        odd: takes odd sides with chroma of half the size.
    """

    crf: int | None = None
    most: int = 51
    least: int = 0
    options: Mapping[str, str] = field(default_factory=dict)
    odd: bool = False


# without the macroblock tree, as what it does with AVX-512 differs from run to run (measured with
# x264 of PyAV 18), and what is painted again would no longer be the same
_X264 = {"threads": "4", "mbtree": "0"}

RULES: Mapping[str, Rules] = MappingProxyType(
    {
        "libx264": Rules(18, options=_X264),
        "libx264rgb": Rules(18, options=_X264),
        "libx265": Rules(20, options={"x265-params": "log-level=none:frame-threads=2:open-gop=0"}),
        "libvpx-vp9": Rules(24, 63, options={"b": "0", "cpu-used": "2", "threads": "4"}, odd=True),
        "libvpx": Rules(10, 63, 4, options={"b": "20M", "cpu-used": "2", "threads": "4"}, odd=True),
        "libsvtav1": Rules(26, 63, 1, options={"preset": "8"}),
        "libaom-av1": Rules(24, 63, options={"b": "0", "cpu-used": "6"}, odd=True),
        "prores_ks": Rules(),
        "ffv1": Rules(options={"level": "3", "slices": "4", "g": "1"}),
    }
)
"""Encoder -> what is known of it. Factors that look alike to the eye: x264's 18."""


@dataclass(frozen=True)
class Encoding:
    """How a clip is encoded, as asked for.

    Attributes:
        crf: constant rate factor: smaller is better and larger; None is the codec's usual one.
        codec: a name of :data:`CODECS` or of an encoder of FFmpeg's; None is the container's.
    """

    crf: int | None = None
    codec: str | None = None


def container_of(target: Path) -> str:
    """FFmpeg's name of the container that a file's suffix asks for.

    Raises:
        InputError: there is none of that suffix.
    """
    container = CONTAINERS.get(target.suffix.lower())
    if container is None:
        got = f"no video ends in {target.suffix}" if target.suffix else "the name has no suffix"
        raise InputError(f"{target}: {got}; a video can be {', '.join(CONTAINERS)}")
    return container


def usual_codec(target: Path) -> str:
    """What a clip is encoded as where nothing is asked for."""
    return "vp9" if container_of(target) == "webm" else "h264"


def pick_encoder(codec: str | None, target: Path) -> str:
    """The encoder of FFmpeg's for a clip.

    Args:
        codec: as asked for.
        target: file, whose suffix is one of :data:`CONTAINERS`.

    Raises:
        InputError: this FFmpeg hasn't got it, or the container can't hold it; names what fits.
    """
    container = container_of(target)
    name = usual_codec(target) if codec is None else codec.lower()
    for encoder in CODECS.get(name, (name,)):
        if encoder_of(encoder) is not None:
            if holds(container, encoder):
                return encoder
            raise InputError(
                f"codec (--codec) {name}: {target.suffix} can't hold it; it can be "
                f"{_fitting(container)}"
            )
    raise InputError(
        f"codec (--codec) {name}: this FFmpeg can't encode it; for {target.suffix} it can be "
        f"{_fitting(container)}"
    )


def encoder_of(name: str) -> "Codec | None":
    """A video encoder of this FFmpeg; None if it has none of that name."""
    av = load_av()
    try:
        codec: Codec = av.Codec(name, "w")
    except (av.codec.codec.UnknownCodecError, ValueError):
        return None
    return codec if codec.type == "video" and codec.name == name else None


def holds(container: str, encoder: str) -> bool:
    """Whether a container can hold what an encoder makes."""
    with load_av().open(io.BytesIO(), "w", format=container) as trial:
        try:
            trial.add_stream(encoder)
        except ValueError:
            return False
    return True


def _fitting(container: str) -> str:
    """The known names of what a container can hold and this FFmpeg can encode."""
    return ", ".join(
        name
        for name, encoders in CODECS.items()
        if any(encoder_of(one) is not None and holds(container, one) for one in encoders)
    )


def pick_crf(crf: int | None, encoder: str, name: str) -> int | None:
    """The constant rate factor for an encoder; None where it has none.

    Args:
        crf: as asked for; None is the usual one.
        encoder: FFmpeg's name.
        name: what the user calls it.

    Raises:
        InputError: it takes none, or not this one.
    """
    rules = RULES.get(encoder) or _own_rules(encoder)
    if crf is None:
        return rules.crf
    if rules.crf is None:
        raise InputError(f"crf (--crf) {crf}: {name} takes none; leave it out")
    if not rules.least <= crf <= rules.most:
        raise InputError(
            f"crf (--crf) must be a whole number from {rules.least} to {rules.most} for {name}, "
            f"got {crf}"
        )
    return crf


def _own_rules(encoder: str) -> Rules:
    """Of an encoder that is not in :data:`RULES`, as FFmpeg describes it."""
    context = load_av().CodecContext.create(encoder, "w")
    for option in context.supported_options.private:
        if option.name == "crf":
            most = round(min(option.max, 63))
            return Rules(most // 3, most, max(0, round(option.min)))
    return Rules()


def pick_kind(encoder: str, width: int, height: int) -> str:
    """The pixel format that an encoder is given: what most players show, at the size as it is."""
    codec = encoder_of(encoder)
    kinds = [one.name for one in codec.video_formats or ()] if codec else []
    odd = (width % 2 or height % 2) and not RULES.get(encoder, Rules()).odd
    wanted: tuple[str, ...] = _ODD_KINDS if odd else _EVEN_KINDS
    if encoder in LOSSLESS:
        wanted = (*_RGB_KINDS, *wanted)
    return next((kind for kind in wanted if kind in kinds), kinds[0] if kinds else "yuv420p")

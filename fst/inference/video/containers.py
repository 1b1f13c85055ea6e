"""Video files, opened by FFmpeg (PyAV), with one clear line where that can't be."""

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import IO, TYPE_CHECKING

from fst.errors import InputError
from fst.system.files import utf8_path
from fst.system.packages import need

if TYPE_CHECKING:
    from av.container import InputContainer, OutputContainer

PICTURES = ("jpg", "jpeg", "png", "webp", "bmp", "tif", "tiff", "heic", "heif", "avif", "gif")
"""Suffixes of what is a picture or an animation, without the dot."""

_NO_VIDEO = {"tty", "hls", "dash", "concat", "sdp", "lavfi", "image2", "gif", "apng", "webp_anim"}
"""Formats of FFmpeg's that stand for other files, or show what is no video."""


_PICTURE_BRANDS = ("avif", "heic", "heix", "mif1")
"""Of files that are built as an MP4 and hold a picture."""

_PICTURE = "this is a picture ({}), not a video; fst stylize paints pictures"


def load_av() -> ModuleType:
    """PyAV, silent: what goes wrong is said by whom it goes wrong for.

    Raises:
        InputError: it is not installed.
    """
    return need("av", "video", "fst video")


@contextmanager
def opened(path: Path) -> Iterator["InputContainer"]:
    """A video file, to read.

    No other file is opened, whatever this one says, and nothing is fetched.

    Raises:
        InputError: it is not there, or it is no video that can be read.
        OSError: the disk can't be read.
    """
    av = load_av()
    _check_file(path)
    with utf8_path(path) as name:
        try:
            container = av.open(
                f"file:{name}",
                metadata_errors="replace",
                options={"protocol_whitelist": "file"},
            )
        except (av.error.FFmpegError, ValueError) as error:
            raise InputError(f"{path}: {_what_is_wrong(path, error)}") from error
        with container:
            kinds = set(container.format.name.split(","))
            if kinds & _NO_VIDEO or any(kind.endswith("_pipe") for kind in kinds):
                raise InputError(f"{path}: {_what_is_wrong(path, None)}")
            if (brand := container.metadata.get("major_brand", "")) in _PICTURE_BRANDS:
                raise InputError(f"{path}: {_PICTURE.format(brand.upper())}")
            yield container


@contextmanager
def written(
    file: Path | IO[bytes], container: str, options: dict[str, str]
) -> Iterator["OutputContainer"]:
    """A video file, to write.

    Args:
        file: its path, or an open file.
        container: FFmpeg's name.
        options: of the container.

    Raises:
        OSError: the disk is full, and the like; it names the file.
    """
    av = load_av()
    name = f"file:{file}" if isinstance(file, Path) else file
    try:
        with av.open(name, "w", format=container, container_options=options) as made:
            yield made
    except av.error.FFmpegError as error:
        if is_of_the_disk(error):
            raise OSError(error.errno, error.strerror, str(file)) from error
        raise


def is_of_the_disk(error: Exception) -> bool:
    """Whether an error is of the file that is written, not of a codec."""
    if not isinstance(error, OSError):
        return False
    return error.filename is None or str(error.filename).startswith("file:")


def _check_file(path: Path) -> None:
    try:
        with path.open("rb") as file:
            empty = not file.read(1)
    except FileNotFoundError as error:
        raise InputError(f"{path}: there is no such file") from error
    except IsADirectoryError as error:
        raise InputError(f"{path} is a folder, not a video file") from error
    if empty:
        raise InputError(f"{path} is empty")


def _what_is_wrong(path: Path, error: Exception | None) -> str:
    """Why a file can't be read as a video."""
    with path.open("rb") as file:
        start = file.read(4096)
        if start[4:8] in (b"ftyp", b"mdat", b"moov", b"wide", b"free", b"skip"):
            if "moov" not in _boxes(file):
                return (
                    "its index (moov) is missing, as where a recording was not ended properly or "
                    "a copy is cut off; it can't be read without"
                )
            return "it is damaged and can't be read"
    if (kind := _kind(start)) in PICTURES:
        return _PICTURE.format(kind.upper())
    if kind:
        return f"this is {kind}, not a video"
    return f"it can't be read as a video{_reason(error)}"


def _reason(error: Exception | None) -> str:
    strerror = getattr(error, "strerror", None)
    return f" ({strerror})" if strerror and "Invalid data" not in strerror else ""


def _boxes(file: IO[bytes]) -> list[str]:
    """Names of the outermost boxes of an MP4, as far as they can be told."""
    names: list[str] = []
    place = 0
    while len(names) < 10_000:
        file.seek(place)
        header = file.read(16)
        if len(header) < 8:
            break
        size = struct.unpack(">I", header[:4])[0]
        if size == 1 and len(header) == 16:
            size = struct.unpack(">Q", header[8:])[0]
        names.append(header[4:8].decode("latin-1"))
        if size < 8:  # 0 is to the end of the file
            break
        place += size
    return names


def _kind(start: bytes) -> str:
    """What a file is that is no video, by its first bytes; empty if that can't be told."""
    marks = {
        b"\xff\xd8\xff": "jpeg",
        b"\x89PNG\r\n\x1a\n": "png",
        b"GIF8": "gif",
        b"BM": "bmp",
        b"II*\0": "tiff",
        b"MM\0*": "tiff",
        b"%PDF": "a PDF",
        b"PK\3\4": "a ZIP archive",
        b"\x1f\x8b": "a gzip archive",
    }
    if start[:4] == b"RIFF" and start[8:12] == b"WEBP":
        return "webp"
    for mark, kind in marks.items():
        if start.startswith(mark):
            return kind
    try:
        text = start[:4000].decode("utf-8", errors="strict" if len(start) < 4000 else "ignore")
    except UnicodeDecodeError:
        return ""
    return "text" if text and all(one.isprintable() or one in "\r\n\t\f" for one in text) else ""

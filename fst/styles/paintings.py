"""Where the painting of a style lies: a name is sought among the assets, a path where it says."""

import warnings
from pathlib import Path

from fst import assets
from fst.errors import AssetError, FstWarning, InputError
from fst.image.record import read_record
from fst.styles.portraits import read_figures
from fst.system.checksum import checksum


def find_painting(image: str, sha256: str | None = None) -> Path:
    """The file of a painting.

    The paintings of the shipped styles are names: they are sought in the folders of
    :mod:`fst.assets` alone, since any picture in the current folder may be called ``monet.jpg``. A
    path has a slash; other names are sought in the current folder first.

    Args:
        image: a path, or a painting's file name.
        sha256: of the file that is meant, where that is known: whichever has it is taken.

    Raises:
        AssetError: there is none.
    """
    among = [path for folder in assets.search_path("styles") for path in _named(folder, image)]
    here = [Path(image)] if Path(image).is_file() else []
    by_name = is_shipped(image) or ("/" not in image and not Path(image).suffix)
    found = among + here if by_name else here + among
    if sha256 is not None:
        for path in found:
            if checksum(path) == sha256:
                return path
    if is_shipped(image):
        if here:
            taken = among[0] if among else "a stand-in"
            _warn(f"{image} means the painting that comes with fst ({taken}), not the file of this "
                  f"folder, which is ./{image}")  # fmt: skip
        found = among
    if not found:
        raise AssetError(_nowhere(image))
    if sha256 is not None:
        _warn(f"{found[0]} is not the painting that the style was trained on: its checksum differs")
    return found[0]


def find_again(image: str, sha256: str | None = None) -> Path:
    """As :func:`find_painting`, for who asks once more: what there is to warn of was said."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FstWarning)
        return find_painting(image, sha256)


def _warn(line: str) -> None:
    warnings.warn(line, FstWarning, stacklevel=4)


def _named(folder: Path, image: str) -> list[Path]:
    """The painting of that name in a folder, whose suffix may be left out."""
    if Path(image).is_absolute() or image.startswith("./"):
        return []
    candidates = (folder / f"{image}{suffix}" for suffix in ("", *assets.IMAGE_SUFFIXES))
    return [path for path in candidates if path.is_file()][:1]


def _nowhere(image: str) -> str:
    if Path(image).is_dir():
        return f"{image} is a folder: give the file of one painting"
    if "/" in image:
        return f"no painting {image}: no such file"
    *folders, cache = assets.search_path("styles")
    given = folders[0] if folders else "not set"
    return f"no painting {image!r}: no such file here, in FST_ASSETS ({given}) or cache ({cache})"


def is_shipped(image: str) -> bool:
    """Whether it is the name of a shipped style's painting, or of the style."""
    return any(image in (style, about.get("painting")) for style, about in read_figures().items())


def as_path(typed: str) -> str:
    """What a user has typed for a painting: a file of this folder is written as a path.

    It is said where the painting of a shipped style has that name, too.
    """
    if "/" in typed or not Path(typed).suffix or not Path(typed).is_file():
        return typed
    if not is_shipped(typed):
        return typed
    _warn(f"{typed} is the file of this folder, not the painting that comes with fst")
    return f"./{typed}"


def paintings_in(folder: Path) -> list[Path]:
    """The pictures below a folder but for results of fst, sorted by path.

    Raises:
        InputError: there are none.
    """
    found = [path for path in assets.list_images(folder) if read_record(path) is None]
    if not found:
        raise InputError(f"{folder} holds no paintings, only results of fst")
    return found

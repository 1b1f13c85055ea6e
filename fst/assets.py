"""Finds weights, paintings, photos and trained styles by name.

A name is looked for, in this order: as a path; in the folder that ``FST_ASSETS`` names, laid out as
``weights/``, ``styles/`` (or ``paintings/``) and ``photos/``; in the cache (``~/.cache/fst``, or
``torch.hub``'s for torchvision's VGG-19); and as a download, where there is one. Nothing is
replaced by something else behind the user's back: what can't be had is an
:class:`~fst.errors.AssetError` that names all four.
"""

import os
import re
import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

import platformdirs
import pooch

from fst.errors import AssetError, FstWarning, InputError
from fst.system.files import files_below

HEIF_SUFFIXES = (".heic", ".heif")

IMAGE_SUFFIXES = (
    *(".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".gif", ".bmp", ".jp2", ".j2k", ".avif"),
    *HEIF_SUFFIXES,
)
"""What counts as a picture in a folder."""

ITERATES = ".iterates"
"""What the name of a folder of iterates ends in: they are neither photos nor results."""

RESUME = ".resume"
"""Of a folder in which a stopped optimization is kept."""

INTERRUPTED = re.compile(r".+\.interrupted-\d{5,}(-\d+)?")
"""Of what an interrupted optimization has left, the name without suffix: no photo either."""

HEIF_PACKAGE = "pillow-heif"
"""Reads HEIC, what phones take. Its wheels are under the GPL, so it comes as an extra only."""


def shipped(name: str) -> Path:
    """A folder that comes with fst: inside the package once installed, beside it in a checkout."""
    package = Path(__file__).resolve().parent
    inside = package / name
    return inside if inside.is_dir() else package.parent / name


def user_folder(name: str) -> Path:
    """The user's own folder of that name: ``~/.local/share/fst/…``, or below ``XDG_DATA_HOME``.

    ``fst train --user`` writes its runs and checkpoints there.
    """
    return platformdirs.user_data_path("fst", appauthor=False) / name


def checkpoint_folders() -> tuple[Path, ...]:
    """Where trained styles lie: the current folder's, the user's, and those that come with fst."""
    return Path("checkpoints"), user_folder("checkpoints"), shipped("checkpoints")


def search_path(kind: str) -> list[Path]:
    """The folders in which an asset of ``kind`` ("weights", "styles", "photos") may lie.

    Styles are paintings, and are looked for in ``paintings/``, too.
    """
    folders = [Path(pooch.os_cache("fst")) / kind]
    if root := os.environ.get("FST_ASSETS"):
        names = (kind, "paintings") if kind == "styles" else (kind,)
        folders = [*(Path(root).expanduser() / name for name in names), *folders]
    return folders


def find(kind: str, name: str, download: str = "there is none for it") -> Path:
    """The file or folder called ``name``.

    Args:
        kind: ``"weights"``, ``"styles"`` or ``"photos"``.
        name: a path, or a name relative to the asset folders. Paintings need no suffix.
        download: what became of the download, for the message.

    Raises:
        AssetError: it is in none of the places; the message names them and what to do.
    """
    fits = Path.exists if kind == "photos" else Path.is_file
    if fits(Path(name)):
        return Path(name)
    if Path(name).is_absolute():
        raise AssetError(f"{name}: no such file or folder")
    suffixes = ("", *IMAGE_SUFFIXES) if kind == "styles" else ("",)
    for folder in search_path(kind):
        for suffix in suffixes:
            if fits(candidate := folder / f"{name}{suffix}"):
                return candidate
    root = os.environ.get("FST_ASSETS")
    second = search_path(kind)[0] / name if root else "FST_ASSETS is not set"
    raise AssetError(
        f"no {kind} {name!r}. Looked for (1) that path, (2) the FST_ASSETS folder: {second}, "
        f"(3) the cache: {search_path(kind)[-1] / name}, (4) a download: {download}. "
        f"Give a path, or set FST_ASSETS to a folder that holds {kind}/{Path(name).name}"
    )


def check_sha256(path: Path, expected: tuple[str, ...]) -> str:
    """The file's SHA-256, which has to start with one of ``expected``.

    Raises:
        AssetError: the file's digest is another.
    """
    digest: str = pooch.file_hash(str(path), alg="sha256")
    if not digest.startswith(expected):
        raise AssetError(
            f"{path} is damaged or another file: its SHA-256 is {digest[:16]}…, "
            f"expected {' or '.join(e[:16] + '…' for e in expected)}"
        )
    return digest


def has_heif() -> bool:
    """Whether HEIC pictures can be read here."""
    try:
        return find_spec("pillow_heif") is not None
    except ValueError:  # a module without a specification, as tests leave one
        return False


@dataclass(frozen=True)
class Images:
    """What :func:`find_images` found.

    Attributes:
        photos: the pictures, sorted by path.
        heif: how many HEIC pictures can't be read here, and are not among them.
        others: suffix -> how many files are no pictures by their suffix.
        interrupted: how many are what an interrupted optimization left (:data:`INTERRUPTED`).
        hidden: how many pictures are hidden, by a dot at the start of their names.
        hidden_folders: how many folders are, and were not looked into.
        errors: a line each for folders that can't be read and links that lead nowhere.
    """

    photos: list[Path]
    heif: int = 0
    others: Mapping[str, int] = field(default_factory=dict)
    interrupted: int = 0
    hidden: int = 0
    hidden_folders: int = 0
    errors: Sequence[str] = ()


def find_images(folder: Path) -> Images:
    """Looks for pictures below ``folder``, by their suffixes; links to folders are followed.

    Hidden files and folders are passed over; so are iterates (:data:`ITERATES`,
    :data:`INTERRUPTED`, :data:`RESUME`).

    Raises:
        InputError: no such folder.
    """
    if not folder.is_dir():
        raise InputError(f"no folder {str(folder)!r}")
    hidden_folders: list[str] = []

    def enter(name: str) -> bool:
        if name.startswith("."):
            hidden_folders.append(name)
            return False
        return not name.endswith((ITERATES, RESUME))

    files, failed = files_below(folder, enter)
    errors = [f"can't read {error.filename}: {error.strerror}" for error in failed]
    photos, heif, interrupted, hidden, others = [], 0, 0, 0, Counter[str]()
    readable = has_heif()
    for path in sorted(files):
        kind = path.suffix.lower()
        if path.name.startswith("."):
            hidden += kind in IMAGE_SUFFIXES
            continue
        if kind not in IMAGE_SUFFIXES:
            others[kind] += 1
        elif INTERRUPTED.fullmatch(path.stem):
            interrupted += 1
        elif path.is_file():
            if kind in HEIF_SUFFIXES and not readable:
                heif += 1
            else:
                photos.append(path)
        elif path.is_symlink():
            errors.append(f"{path} is a link that leads nowhere")
        else:
            errors.append(f"{path} is neither a file nor a folder")
    return Images(photos, heif, others, interrupted, hidden, len(hidden_folders), errors)


def say_heif(folder: Path, found: Images) -> str:
    """What is said of the HEIC pictures that are left out."""
    several = f"{found.heif} of {found.heif + len(found.photos)} pictures in {str(folder)!r}"
    return f"{several} can't be read, being HEIC: pip install {HEIF_PACKAGE}"


def list_images(folder: Path) -> list[Path]:
    """Every picture below ``folder``, sorted by path; see :func:`find_images`.

    Where the package for HEIC is missing, such pictures are left out, with a warning; so is what is
    in a folder that can't be read.

    Raises:
        InputError: there is none, or no such folder.
    """
    found = find_images(folder)
    if not found.photos:
        if found.heif:
            raise InputError(say_heif(folder, found))
        if found.errors:
            raise InputError(found.errors[0])
        raise InputError(f"no photos in {str(folder)!r} (looked for {', '.join(IMAGE_SUFFIXES)})")
    for line in [*found.errors, *([say_heif(folder, found)] if found.heif else [])]:
        warnings.warn(line, FstWarning, stacklevel=2)
    return found.photos

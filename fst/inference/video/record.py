"""What a painted clip says of how it was painted, as photos do (:mod:`fst.inference.record`).

A video has the record as JSON in its tag ``comment``, an animated WebP or PNG where pictures have
it, a GIF in the last line of a comment, and a folder of frames in each picture.
"""

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from PIL import Image

from fst.assets import IMAGE_SUFFIXES
from fst.errors import FstError
from fst.image.record import parsed, read_record
from fst.inference.difference import NO_RECORD, differences
from fst.inference.targets import Job
from fst.inference.video.containers import opened
from fst.system.checksum import checksum

_BOMB = Image.DecompressionBombError


def clip_record(
    common: Mapping[str, Any], source: Path, digest: str, settings: Mapping[str, Any]
) -> dict[str, Any]:
    """The record of one clip.

    Args:
        common: from :func:`~fst.inference.record.painted_with`.
        source: the clip.
        digest: of it, from :func:`clip_checksum`.
        settings: that only clips have; None is left out.
    """
    own = {name: value for name, value in settings.items() if value is not None}
    clip = {"name": source.name, "sha256": digest}
    return {**common, "clip": clip, "settings": {**common["settings"], **own}}


def clip_checksum(path: Path) -> str:
    """SHA-256 of a clip; of a folder, or of a pattern in one, that of its files and their names."""
    if path.is_file():
        return checksum(path)
    folder = path if path.is_dir() else path.parent
    whole = hashlib.sha256()
    for file in sorted(file for file in folder.iterdir() if file.is_file()):
        whole.update(f"{file.name}\0{checksum(file)}\n".encode(errors="surrogateescape"))
    return whole.hexdigest()


def read_clip_record(path: Path) -> dict[str, Any] | None:
    """The record of a clip; None where there is none that can be read."""
    try:
        if path.is_dir():
            files = (one for one in path.iterdir() if one.suffix.lower() in IMAGE_SUFFIXES)
            found = read_record(min(files, default=path))
            return found if found and "clip" in found else None
        if not path.is_file():
            return None
        if (found := read_record(path)) is not None:
            return found if "clip" in found else None
        if path.suffix.lower() == ".gif":
            with Image.open(path, formats=("GIF",)) as image:
                text = str(image.info.get("comment", b""), "latin-1").rpartition("\n")[2]
        else:
            text = _comment(path)
        found = parsed(text)
    except (OSError, ValueError, SyntaxError, RecursionError, FstError, _BOMB):
        return None
    return found if found and "clip" in found else None


def _comment(path: Path) -> str:
    """The tag of a video."""
    with opened(path) as container:
        tags = {name.lower(): value for name, value in container.metadata.items()}
    return tags.get("comment", "")


def clip_comparison(
    record: Callable[[Path], Mapping[str, Any]] | None, trust: bool = False
) -> Callable[[Job], str | None]:
    """What tells how the clip at a job's target differs from the one that would be painted.

    Args:
        record: of a source, that would be written; None where none is.
        trust: what has no record is taken for that clip.

    Returns:
        A function of the job: in words, and None where nothing differs.
    """

    def differs(job: Job) -> str | None:
        there = read_clip_record(job.target)
        if there is None:
            return None if trust else NO_RECORD
        if record is None:
            return "it says how it was painted"
        try:
            now = record(job.source)
        except OSError as error:
            return f"{job.source} can't be read: {error.strerror}"
        return ", ".join(differences(there, now)) or None

    return differs

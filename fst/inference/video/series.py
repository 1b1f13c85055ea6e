"""Pictures of consecutive numbers in a folder: what they are called, and whether one is missing."""

import re
from dataclasses import dataclass
from pathlib import Path

from fst.assets import IMAGE_SUFFIXES
from fst.errors import InputError

_NUMBERED = re.compile(r"(.*?)(\d+)(\D*)", re.DOTALL)
"""Of a name without suffix: the last number in it, and what is around."""

_PLACE = re.compile(r"%(?:0(\d+))?d")
"""Where FFmpeg's patterns have the number."""

_MEANT = re.compile(r"%(?:0\d+|\d)?[dsiu](?![a-zA-Z])")
"""What is meant as a place, though FFmpeg's patterns may not have it."""


@dataclass(frozen=True)
class Naming:
    """What the frames of a series are called.

    Attributes:
        before: what stands before the number.
        digits: of the number at least, filled up with zeros.
        after: what stands behind it, with the suffix.
    """

    before: str
    digits: int
    after: str

    def name(self, number: int) -> str:
        """The file name of a frame."""
        return f"{self.before}{number:0{self.digits}d}{self.after}"

    def __str__(self) -> str:
        """As a pattern, for messages."""
        place = "%d" if self.digits <= 1 else f"%0{self.digits}d"
        return f"{self.before}{place}{self.after}"


def is_pattern(path: Path) -> bool:
    """Whether a path is a pattern of FFmpeg's, ``frames/%04d.png``, and not a file's own name.

    A pattern ends as pictures do: ``clip%04d.mp4`` is one video.
    """
    if path.suffix.lower() not in IMAGE_SUFFIXES:
        return False
    return bool(_PLACE.search(path.name.replace("%%", ""))) and not path.exists()


def is_meant_as_pattern(path: Path) -> bool:
    """Whether a name of pictures, or one without suffix, looks like a pattern and is none."""
    if path.suffix and path.suffix.lower() not in IMAGE_SUFFIXES:
        return False
    return bool(_MEANT.search(path.name.replace("%%", ""))) and not is_pattern(path)


def read_pattern(path: Path) -> Naming:
    """What frames are called by a pattern: ``frames/a_%04d.png``, ``%d`` or ``%%`` for a ``%``.

    Raises:
        InputError: another use of ``%``, or several numbers.
    """
    parts = re.split(r"(%%|%(?:0\d+)?d)", path.name)
    places = [part for part in parts if _PLACE.fullmatch(part)]
    if len(places) != 1 or any("%" in part for part in parts[::2]):
        raise InputError(f"{path}: a pattern has one number, as in frame_%04d.png")
    found = _PLACE.fullmatch(places[0])
    digits = int(found[1] or 1) if found else 1
    place = parts.index(places[0])
    before, after = (
        "".join(side).replace("%%", "%") for side in (parts[:place], parts[place + 1 :])
    )
    if digits > 20:
        raise InputError(f"{path}: {digits} digits are too many")
    return Naming(before, max(1, digits), after)


def find_series(folder: Path, wanted: Naming | None) -> tuple[Naming, dict[int, Path], list[str]]:
    """The one series of a folder, and lines on what was passed over.

    Args:
        folder: that is there.
        wanted: the series to look for; None is the one that there is.

    Raises:
        InputError: none, several, or one with gaps.
    """
    groups: dict[tuple[str, str], dict[str, Path]] = {}
    others = 0
    try:
        names = sorted(path.name for path in folder.iterdir() if path.is_file())
    except OSError as error:
        raise InputError(f"can't read {folder}: {error.strerror}") from error
    for name in names:
        path = Path(name)
        if name.startswith(".") or path.suffix.lower() not in IMAGE_SUFFIXES:
            continue
        if wanted is not None:
            digits = name[len(wanted.before) : len(name) - len(wanted.after)]
            if digits.isdecimal() and digits.isascii() and wanted.name(int(digits)) == name:
                groups.setdefault((wanted.before, wanted.after), {})[digits] = folder / name
        elif (found := _NUMBERED.fullmatch(path.stem)) and found[2].isascii():
            groups.setdefault((found[1], found[3] + path.suffix), {})[found[2]] = folder / name
        else:
            others += 1
    if not groups:
        example = "frame_0001.png and the like" if wanted is None else str(wanted)
        raise InputError(f"no numbered frames in {str(folder)!r} (looked for {example})")
    if len(groups) > 1:
        raise InputError(_several(folder, groups))
    (((before, after), texts),) = groups.items()
    naming = Naming(before, min(map(len, texts)), after)
    passed = "1 picture that has" if others == 1 else f"{others} pictures that have"
    notes = [f"passed over: {passed} no number"] if others else []
    return naming, _without_gaps(folder, naming, texts), notes


def _several(folder: Path, groups: dict[tuple[str, str], dict[str, Path]]) -> str:
    said = [
        f"{Naming(before, min(map(len, texts)), after)} ({len(texts)})"
        for (before, after), texts in groups.items()
    ]
    more = f" and {len(said) - 3} more" if len(said) > 3 else ""
    one = folder / said[0].rpartition(" ")[0]
    return (
        f"{folder} holds {len(said)} series of frames: {', '.join(said[:3])}{more}; give the "
        f"pattern of one, as {one}"
    )


def _without_gaps(folder: Path, naming: Naming, texts: dict[str, Path]) -> dict[int, Path]:
    """Number -> picture, in order.

    Raises:
        InputError: a number is missing, or there twice.
    """
    files: dict[int, Path] = {}
    for text, path in texts.items():
        if (number := int(text)) in files:
            raise InputError(f"{folder}: {files[number].name} and {path.name} have one number")
        files[number] = path
    numbers = sorted(files)
    missing = numbers[-1] - numbers[0] + 1 - len(numbers)
    if missing:
        gap = next(n for n, there in enumerate(numbers, numbers[0]) if n != there)
        more = f", and {missing - 1} more" if missing > 1 else ""
        raise InputError(
            f"{folder}: {naming.name(gap)} is missing{more}, between {files[numbers[0]].name} and "
            f"{files[numbers[-1]].name}: the numbers of frames have no gaps"
        )
    return {number: files[number] for number in numbers}

"""Which clips are painted, and where each goes."""

import os
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from fst.assets import IMAGE_SUFFIXES
from fst.errors import InputError
from fst.inference.names import LONGEST_STYLE, fitting
from fst.inference.targets import Job, Plan, check_targets, is_there, unfinished
from fst.inference.video.animation_headers import is_animation
from fst.inference.video.animation_sink import FORMATS as ANIMATIONS
from fst.inference.video.codecs import CONTAINERS
from fst.inference.video.record import read_clip_record
from fst.inference.video.series import find_series, is_meant_as_pattern, is_pattern
from fst.system.files import check_writable, identity, nearest_folder

VIDEOS = (
    ".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".mts", ".m2ts", ".ts",
    ".wmv", ".flv", ".3gp", ".ogv", ".mxf",
)  # fmt: skip
"""Suffixes of what is taken for a clip in a folder."""

WRITTEN = (*CONTAINERS, *ANIMATIONS)
"""Suffixes of what is written."""

NOT_REPLACED = "a folder of frames is not replaced: give another --output"
"""Said where one is there already."""


def plan_clips(
    inputs: Sequence[str], output: str | None, style_name: str, others: Sequence[Path] = ()
) -> Plan:
    """Pairs clips with what is to be written; nothing is made or written here.

    A folder stands for the clips in it: videos, or animations. Where it has still pictures alone,
    it is a clip itself, of numbered frames. Results are called ``<clip>-<style>`` with the clip's
    suffix, and ``.mp4`` where that kind is not written.

    Args:
        inputs: clips, folders of clips or of numbered frames, patterns as ``frames/%04d.png``.
        output: one clip: a file, a pattern for frames, or a folder. Several clips: a folder. None:
            beside a single clip.
        style_name: for those names.
        others: files that the command reads besides: no result replaces them.

    Raises:
        InputError: a clip that isn't there, a folder of several kinds, an output that can't be
            written, or that would be one of the files that are read.
    """
    if "" in inputs or output == "":
        raise InputError("a clip or --output has an empty name")
    if "-" in inputs or output == "-":
        raise InputError("a clip is read from a file and written to one, not piped (-)")
    notes: list[str] = []
    clips: list[Path] = []
    for path in map(Path, inputs):
        clips += _clips_in(path, notes) if path.is_dir() else [_clip(path)]
    once = {identity(path): path for path in reversed(clips)}
    clips = [path for path in clips if once[identity(path)] is path]
    single = len(inputs) == 1 and clips == [Path(inputs[0])]
    file, folder = _destination(output, single)
    style = re.sub(r'[\\/:*?"<>|%\x00-\x1f]+', "_", style_name)
    named = _named(clips, fitting(style, longest=LONGEST_STYLE), folder)
    jobs = [Job(clip, file or named[clip]) for clip in clips]
    check_targets([job for job in jobs if not is_of_frames(job.target)], others)
    for job in jobs:
        if is_of_frames(job.target):
            _check_frames(job, others)
    return Plan(jobs, single, notes)


def is_of_frames(path: Path) -> bool:
    """Whether a target is a folder of frames: it has no suffix, or its name is a pattern."""
    return not path.suffix or is_pattern(path)


def has_sound(target: Path) -> bool:
    """Whether a result can have sound: videos do, animations and frames don't."""
    return not is_of_frames(target) and target.suffix.lower() in CONTAINERS


def place_of(target: Path) -> Path:
    """Where a result is: the file, or the folder of frames."""
    return target.parent if is_pattern(target) else target


def unfinished_clips(
    jobs: Sequence[Job],
    differs: Callable[[Job], str | None],
    overwrite: bool,
    replace_frames: bool = False,
) -> list[Job]:
    """As :func:`fst.inference.targets.unfinished`, also of folders of frames.

    Args:
        jobs: from :func:`plan_clips`.
        differs: as there.
        overwrite: as there, for files.
        replace_frames: the same for folders of frames, which else are never replaced.
    """
    left = set()
    for job in (job for job in jobs if is_of_frames(job.target)):
        place = place_of(job.target)
        free = not is_there(place) or (place.is_dir() and not any(place.iterdir()))
        if free or replace_frames:
            left.add(job.target)
        elif (reason := differs(Job(job.source, place))) is not None:
            raise InputError(f"{place} is there already ({reason}), and {NOT_REPLACED}")
    files = [job for job in jobs if not is_of_frames(job.target)]
    left |= {job.target for job in unfinished(files, differs, overwrite)}
    return [job for job in jobs if job.target in left]


_NO_PATTERN = "no pattern of numbers (%d or %04d, then a picture's suffix), as frame_%04d.png"


def _clip(path: Path) -> Path:
    if path.is_file() or (is_pattern(path) and path.parent.is_dir()):
        return path
    if os.path.lexists(path):
        what = "leads nowhere" if path.is_symlink() else "is neither a file nor a folder"
        raise InputError(f"{path} {what}")
    if is_meant_as_pattern(path):
        raise InputError(f"{path}: no such file, and {_NO_PATTERN}")
    raise InputError(f"{path}: no such file")


def _clips_in(folder: Path, notes: list[str]) -> list[Path]:
    """The clips in a folder but for those that were painted; the folder itself, if of frames."""
    try:
        files = sorted(file for file in folder.iterdir() if not file.name.startswith("."))
    except OSError as error:
        raise InputError(f"can't read {folder}: {error.strerror}") from error
    videos, animations, stills = list[Path](), list[Path](), list[Path]()
    results = 0
    for file in files:
        suffix = file.suffix.lower()
        if suffix not in (*VIDEOS, *ANIMATIONS, *IMAGE_SUFFIXES) or not file.is_file():
            continue
        moves = suffix in ANIMATIONS and is_animation(file)
        if suffix not in VIDEOS and not moves:
            stills.append(file)
        elif read_clip_record(file) is not None:
            results += 1
        else:
            (animations if moves else videos).append(file)
    if results:
        notes.append(f"passed over in {folder}, being results of before: {results}")
    kinds = {"video": videos, "animation": animations, "still picture": stills}
    if len(found := {kind: there for kind, there in kinds.items() if there}) > 1:
        raise InputError(_mixture(folder, found))
    if stills:
        return [folder]
    if not found and results:
        raise InputError(f"{folder} holds only clips that are painted: give them by name")
    if not found:
        raise InputError(f"no clips and no frames in {str(folder)!r}")
    return [*videos, *animations]


def _mixture(folder: Path, found: Mapping[str, Sequence[Path]]) -> str:
    """What a folder holds of several kinds, of which nobody knows what is meant."""
    counts = [
        f"{len(files)} {kind}{'s' * (len(files) > 1)} ({files[0].name}{', …' * (len(files) > 1)})"
        for kind, files in found.items()
    ]
    clips = next(iter(found.values()))
    how = f"give the clips by name, as {folder / '*'}{clips[0].suffix}"
    if "still picture" in found:
        try:
            pattern = str(find_series(folder, None)[0])
        except InputError:  # several series, or none
            pattern = "frame_%04d.png"
        how += f", or frames by their pattern, as {folder / pattern}"
    return f"{folder} holds {', '.join(counts[:-1])} and {counts[-1]}: {how}"


def _destination(output: str | None, single: bool) -> tuple[Path | None, Path | None]:
    """The file or pattern to write, or else the folder of the results; neither is beside."""
    if output is None:
        if single:
            return None, None
        raise InputError("name a folder for the results of several clips: --output")
    path = Path(output)
    try:
        there = path.is_dir()
    except OSError as error:  # no file can have that name
        raise InputError(f"can't write {path}: {error.strerror}") from error
    pattern = is_pattern(path)
    if not there and not output.endswith(("/", os.sep)) and is_meant_as_pattern(path):
        raise InputError(f"{path} is {_NO_PATTERN}")
    if output.endswith(("/", os.sep)) or there or not (path.suffix or pattern):
        return None, path
    if not single and (pattern or path.suffix.lower() in WRITTEN):
        raise InputError(f"{path} can't hold several clips: name a folder")
    if not pattern and path.suffix.lower() not in WRITTEN:
        if not single:
            return None, path
        raise InputError(
            f"can't write {path.name!r}: give one of {', '.join(WRITTEN)}, or frames, as "
            "frames/%06d.png"
        )
    return path, None


def _named(clips: Sequence[Path], style: str, folder: Path | None) -> dict[Path, Path]:
    """Of every clip, where its result goes."""

    def name(clip: Path, stem: str) -> Path:
        if clip.is_dir() or is_pattern(clip):
            suffix = ""
        else:
            suffix = clip.suffix if clip.suffix.lower() in WRITTEN else ".mp4"
        beside = clip.absolute().parent.parent if is_pattern(clip) else clip.parent
        called = fitting(stem, f"-{style}{suffix}")
        if not suffix:  # and none shall a folder of frames have
            called = called.replace(".", "_")
        path = (folder or beside) / called
        # a file's own name may look like a pattern
        return path.with_name(path.name.replace("%", "_")) if is_pattern(path) else path

    def stem(clip: Path) -> str:
        if is_pattern(clip):  # the folder of the frames has the name
            return re.sub(r"%\d*d", "", clip.stem).strip("._- ") or clip.absolute().parent.name
        return clip.absolute().name if clip.is_dir() else clip.stem

    plain = {clip: name(clip, stem(clip)) for clip in clips}
    count = Counter(plain.values())
    return {
        clip: name(clip, clip.name)
        if count[path] > 1 and clip.suffix.lower() not in WRITTEN
        else path
        for clip, path in plain.items()
    }


def _check_frames(job: Job, others: Sequence[Path]) -> None:
    """That a folder of frames is neither the source nor holds what is read."""
    folder = place_of(job.target)
    own = f"frames want a new or empty folder of their own: --output NAME/{job.target.name}"
    real = Path(os.path.realpath(folder))
    if is_pattern(job.target) and real == Path(os.path.realpath(os.curdir)):
        raise InputError(own)
    read = [job.source, *others]
    places = [Path(os.path.realpath(path)) for path in read]
    if any(real == place or real in place.parents for place in places):
        other = own if is_pattern(job.target) else "give another --output"
        raise InputError(f"{folder} is read by this command: {other}")
    if is_there(folder) and not folder.is_dir():
        raise InputError(f"{folder} is a file, expected a folder")
    check_writable(nearest_folder(folder))

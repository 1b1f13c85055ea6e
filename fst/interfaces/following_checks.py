"""What ``fst stylize`` asks before an optimization that is followed: can all of it be written?"""

import argparse
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fst.errors import InputError
from fst.inference.animated import check_clip
from fst.inference.iterates import iterates_folder
from fst.inference.targets import Job, is_there
from fst.inference.unfinished import STATE, resume_folder
from fst.system.files import check_writable, identity, nearest_folder


def check_following(
    options: argparse.Namespace, jobs: Sequence[Job], styles: int, others: Sequence[Path]
) -> None:
    """To be asked before the work: can what follows the optimization be written?

    Args:
        options: of the command.
        jobs: what is painted.
        styles: how many are painted in each photo.
        others: files that the command reads besides the photos.

    Raises:
        InputError: several photos, another suffix, something is there that may not be replaced ...
    """
    _check_resume(options, jobs, styles)
    if options.animate_every is not None and options.animate is None:
        raise InputError("--animate-every is of no use without --animate")
    targets = targets_of(options)
    if (targets or options.save_every) and options.strength == 0:
        option = next(iter(targets), "--save-every")
        raise InputError(
            f"with strength 0 nothing is optimized that {option} could follow: leave one out"
        )
    if not targets or not jobs:
        return
    option = next(iter(targets))
    if len(jobs) != 1 or styles != 1:
        what = f"{len(jobs)} photos" if len(jobs) != 1 else f"{styles} styles"
        raise InputError(f"{option} follows one photo in one style, not {what}: paint one by one")
    if options.animate is not None:
        check_clip("--animate", options.animate)
    for option, suffix in (("--plot", ".png"), ("--log", ".csv")):
        if option in targets and targets[option].suffix.lower() != suffix:
            raise InputError(f"{option} {targets[option]} must end in {suffix}")
    (job,) = jobs
    read = {identity(path) for path in (*others, *([] if job.reads else [job.source]))}
    may = options.overwrite or _goes_on(options, job)
    taken = {} if job.writes else {os.path.realpath(job.target): "the result"}
    for option, path in targets.items():
        _check_target(option, path, read, taken, may)
        taken[os.path.realpath(path)] = option


def targets_of(options: argparse.Namespace) -> dict[str, Path]:
    """Option -> file to write, of those that were given."""
    given = {"--animate": options.animate, "--plot": options.plot, "--log": options.log}
    return {option: path for option, path in given.items() if path is not None}


def _check_resume(options: argparse.Namespace, jobs: Sequence[Job], styles: int) -> None:
    if not options.resume:
        return
    if options.no_record:
        raise InputError("--resume compares records: it does not go with --no-record")
    if styles != 1:
        raise InputError(f"--resume goes with one style in a photo, not with {styles}")
    for job in jobs:
        if job.writes is not None:
            raise InputError("--resume needs a place beside the picture: name an --output")
        folder = resume_folder(job.target)
        if is_there(folder) and not folder.is_dir():
            raise InputError(f"{folder} is no folder: give another --output")


def _goes_on(options: argparse.Namespace, job: Job) -> bool:
    """Whether what is there is an earlier time's of the same command, as far as it can be told."""
    return bool(options.resume) and (resume_folder(job.target) / STATE).is_file()


def _check_target(
    option: str, path: Path, read: set[Any], taken: Mapping[str, str], may: bool
) -> None:
    if (other := taken.get(os.path.realpath(path))) is not None:
        raise InputError(f"{option} and {other} would both be {path}: give each a name of its own")
    check_writable(nearest_folder(path))
    if not is_there(path):
        return
    if path.is_dir():
        raise InputError(f"{option} {path} is a folder, expected a file name")
    if identity(path) in read:
        raise InputError(f"{option} {path} is one of the files to work with: give another name")
    if not may:
        raise InputError(f"{option} {path} is there already: --overwrite replaces it")


def check_made(options: argparse.Namespace, done: Sequence[Job]) -> None:
    """That of pictures which are painted already everything is there that is asked for.

    Args:
        options: of the command.
        done: pictures that are not painted again.

    Raises:
        InputError: names what only another optimization could make.
    """
    for job in done:
        wanted = targets_of(options)
        if options.save_every:
            wanted["--save-every"] = iterates_folder(job.target) / f"00000{job.target.suffix}"
        for option, path in wanted.items():
            if not is_there(path):
                raise InputError(
                    f"{job.target} is painted already, and what {option} asks for is not there: "
                    "only optimizing again makes it (--overwrite)"
                )

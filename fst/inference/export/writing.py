"""Writes a style into files for other runtimes; what is there in the end is equal and whole."""

import copy
import os
import shutil
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import nn

from fst.errors import InputError
from fst.inference.export.exported import ExportedNet
from fst.inference.export.metadata import metadata_of
from fst.inference.export.options import ExportOptions
from fst.inference.export.proof import FLOAT, WHOLE, Check, Example, examples, prove
from fst.inference.export.quiet import quiet
from fst.inference.export.sizes import check_size, sizes_to_prove
from fst.inference.export.targets import TARGETS, Target
from fst.inference.painter import NetPainter
from fst.nets.needs import TransformerNet, needs_of
from fst.nets.stages import Stage
from fst.styles.style import Style
from fst.system.checks import one_of
from fst.system.files import atomic_file
from fst.system.outputs import check_folder
from fst.system.packages import need
from fst.system.temporaries import replace_folder, temporary_path


@dataclass(frozen=True)
class Written:
    """A file that was written, or several that belong together.

    Attributes:
        target: of :data:`~fst.inference.export.targets.TARGETS`.
        files: what readers open comes last.
        checks: how it did at every size; none where it can't be run here.
    """

    target: str
    files: tuple[Path, ...]
    checks: tuple[Check, ...]

    @property
    def sizes(self) -> list[tuple[Path, int]]:
        """The files and their bytes; of a folder all in it."""
        return [(path, _bytes(path)) for path in self.files]


def _bytes(path: Path) -> int:
    files = [file for file in path.rglob("*") if file.is_file()] if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files)


def check_export(
    style: Style, targets: Sequence[str], folder: Path, options: ExportOptions, overwrite: bool
) -> list[Stage]:
    """All that can be wrong before the work; the stages of the style's net.

    Raises:
        InputError: no such target, one that gains nothing by an option or whose packages are
            missing, a net that says no stages, something that is there.
        CheckpointError: the style has no net.
    """
    if not targets:
        raise InputError(f"export to what? {', '.join(TARGETS)}")
    for name in targets:
        target = TARGETS[one_of("to", name, tuple(TARGETS))]
        for option in ("uint8", "half", "int8", "calibrate"):
            if getattr(options, option) and option not in target.knows:
                able = ", ".join(one for one in TARGETS if option in TARGETS[one].knows)
                raise InputError(
                    f"{option} (--{option}) is of no use to {name}: it is for {able or 'none'}"
                )
        check_size(name, options)
    if options.runtime is not None and "web" not in targets:
        raise InputError("a runtime (--runtime) is of no use without --to web")
    check_folder("--output", folder)
    for name in targets:
        for suffix in TARGETS[name].suffixes:
            _check_free(folder / f"{options.name}{suffix}", overwrite)
    for name in targets:
        for module in TARGETS[name].modules:
            with quiet():
                need(module, TARGETS[name].extra, f"fst export --to {name}")
    net = style.net().net
    stages = net.stages() if isinstance(net, TransformerNet) else None
    if stages is None:
        raise InputError(
            f"{style.name} can't be exported: its net, a {type(net).__name__}, says no stages"
        )
    return stages


def _check_free(path: Path, overwrite: bool) -> None:
    if not os.path.lexists(path):
        return
    if not overwrite:
        raise InputError(f"{path} is there already: --overwrite replaces it")
    if path.is_symlink() or not (path.is_file() or path.is_dir()):
        raise InputError(f"{path} is no file that could be replaced")


@torch.no_grad()
def export(
    style: Style,
    targets: Sequence[str],
    folder: Path,
    options: ExportOptions,
    overwrite: bool = False,
    on_written: Callable[[Written], None] | None = None,
) -> list[Written]:
    """Writes a style for other runtimes, and proves that they paint the same pictures.

    Args:
        style: from :func:`~fst.styles.catalog.find_style`.
        targets: of :data:`~fst.inference.export.targets.TARGETS`, each once.
        folder: of the files, made if need be.
        options: how they are made.
        overwrite: what is there is replaced.
        on_written: is told of each target.

    Raises:
        InputError: what :func:`check_export` says; a file that paints other pictures.
        CheckpointError: the style has no net.
        OSError: a file can't be written.
    """
    targets = list(dict.fromkeys(targets))
    check_export(style, targets, folder, options, overwrite)
    net = style.net().net
    if any(value.device.type != "cpu" for value in net.state_dict().values()):
        net = copy.deepcopy(net).cpu()
    known: dict[tuple[tuple[int, int, int], ...], list[Example]] = {}
    # one for all that take the same sizes: they have the same graph
    nets = {size: _exported(net, options, size) for size in {TARGETS[n].any_size for n in targets}}
    written = []
    made = not folder.exists()
    try:
        for name in targets:
            target = TARGETS[name]
            sizes = sizes_to_prove(target, options)
            if sizes not in known:
                known[sizes] = examples(NetPainter(net, margin=options.margin), sizes)
            folder.mkdir(parents=True, exist_ok=True)
            exported = nets[target.any_size]
            said = replace(options, metadata=metadata_of(style, exported, options))
            written.append(_written(exported, name, folder, said, known[sizes], overwrite))
            if on_written is not None:
                on_written(written[-1])
    finally:
        if made:
            with suppress(OSError):  # nothing came of it
                folder.rmdir()
    return written


def _exported(net: nn.Module, options: ExportOptions, any_size: bool) -> ExportedNet:
    """The net as it goes into a file."""
    assert isinstance(net, TransformerNet)
    stages = net.stages()
    assert stages is not None
    least = needs_of(net).least_side
    return ExportedNet(stages, options.margin, options.uint8, options.half, any_size, least).eval()


def _written(
    exported: ExportedNet,
    name: str,
    folder: Path,
    options: ExportOptions,
    known: Sequence[Example],
    overwrite: bool,
) -> Written:
    """Writes one target beside its place, runs it, and moves it there."""
    target = TARGETS[name]
    place = temporary_path(folder)
    try:
        place.mkdir()
        path = target.write(exported, place, options)
        run = target.runner(path)
        bound = WHOLE if options.int8 else FLOAT
        what = f"{options.name}{target.suffixes[-1]}"
        checks = [] if run is None else prove(run, known, bound, what)
        del run
        return Written(name, _moved(place, folder, options.name, target, overwrite), tuple(checks))
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _moved(
    place: Path, folder: Path, name: str, target: Target, overwrite: bool
) -> tuple[Path, ...]:
    """Moves what was written; what readers open comes last, so that it is never of another."""
    files = [folder / f"{name}{suffix}" for suffix in target.suffixes]
    for file in files:
        _check_free(file, overwrite)
    for file in files:
        _check_nothing_else(place / file.name, file)
    if overwrite and len(files) > 1:
        files[-1].unlink(missing_ok=True)
    for file in files:
        source = place / file.name
        if source.is_dir():
            replace_folder(source, file)
        else:
            with atomic_file(file, overwrite) as temporary:
                source.replace(temporary)
    return tuple(files)


def _check_nothing_else(source: Path, place: Path) -> None:
    """That replacing a folder loses nothing but what an export wrote."""
    if not (source.is_dir() and place.is_dir()):
        return
    written = {path.relative_to(source) for path in source.rglob("*")}
    there = {path.relative_to(place) for path in place.rglob("*")}
    if others := sorted(there - written):
        more = f" and {len(others) - 1} more" if len(others) > 1 else ""
        raise InputError(
            f"{place} holds {others[0]}{more}, which no export writes: --overwrite would lose it; "
            "move it, or give another --output"
        )

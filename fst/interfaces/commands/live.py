"""Paints what a camera sees: ``fst live --style monet``."""

import argparse
import re
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from PIL import Image

from fst.errors import FstError, InputError, in_a_line
from fst.image.io import save_image
from fst.image.picture import from_pil
from fst.inference.control import Control, Layer
from fst.inference.names import LONGEST_STYLE, fitting
from fst.inference.options import PassOptions
from fst.inference.record import painted_with
from fst.inference.sheet import Wanted, wanted_styles
from fst.inference.stylizers import Stylizer, make_stylizer
from fst.inference.video.camera import Camera, open_camera
from fst.inference.video.live import SIZE, LivePainter, Report, fitting_size, run
from fst.inference.video.live_settings import Pixels, Settings
from fst.inference.video.window import NoScreen, Window, check_screen
from fst.inference.ways import way_of
from fst.styles.catalog import find_style, is_trained
from fst.styles.names import SMALL
from fst.styles.style import Style
from fst.system.device import pick_device, pick_precision
from fst.system.files import check_writable, free_path, nearest_folder
from fst.system.memory import keep_freed_memory
from fst.version import __version__


def main(options: argparse.Namespace) -> int:
    """Paints until it is ended; 130 where that was by ``Ctrl-C``."""
    strength = Control(options.strength).strength
    check_writable(nearest_folder(options.snapshots / "live.png"))
    maker = Maker(options, styles_to_show(options.style, options.checkpoints))
    for number in range(max(1, len(options.style))):
        maker(number)  # what can't be painted is told at once
    if not options.no_window:
        check_screen()
    keep_freed_memory()
    names = tuple(one.name for one in maker.wanted)
    settings = Settings(names, strength=strength, mirror=options.mirror)
    painter = LivePainter(maker, options.size or SIZE, options.stable)
    report = Report()
    with closing(open_camera(options.camera)) as camera:
        find_size(painter, maker, camera, settings, options.size)
        said = "" if options.no_window else "; the key h shows all keys, q ends"
        print(in_a_line(f"{settings.name} at {painter.size} pixels{said}"), flush=True)
        with closing(NoScreen() if options.no_window else Window("fst live")) as screen:
            keeper = Keeper(options, maker)
            try:
                run(camera, screen, painter, settings, report, options.seconds, keeper, say)
            except KeyboardInterrupt:
                print(report)
                return 130
        print(report)
        if camera.problem:
            raise InputError(camera.problem)
    return 0


def say(line: str) -> None:
    """A line for people."""
    print(in_a_line(line), flush=True)


def styles_to_show(words: Sequence[str], checkpoints: Path | None) -> list[Wanted]:
    """Those that were named, and then all others that there is a net for.

    Raises:
        InputError: there is no such style, or none at all.
    """
    first = wanted_styles(words, checkpoints) if words else []
    try:
        others = wanted_styles([], checkpoints)
    except InputError:
        if not first:
            raise
        others = []
    known = {one.word for one in first}
    return [*first, *(one for one in others if one.word not in known)]


class Maker:
    """Makes what paints in a style, by its number.

    Args:
        options: of the command.
        wanted: the styles.

    Attributes:
        small: a style's net of half the width is taken where there is one.
        made: styles that were made, by their numbers.
    """

    def __init__(self, options: argparse.Namespace, wanted: Sequence[Wanted]) -> None:
        self.wanted, self._checkpoints = wanted, options.checkpoints
        device = pick_device(options.device)
        dtype = pick_precision(options.precision, device)
        backend = None if options.backend == "auto" else options.backend
        self._options = PassOptions(device, dtype, backend=backend)
        self.small = False
        self.made: dict[int, tuple[Style, Stylizer]] = {}

    def __call__(self, number: int) -> Stylizer:
        """What paints in a style, in one pass.

        Raises:
            FstError: there is no net for it, or it can't be read.
        """
        if number not in self.made:
            word = (self.small and self.small_net(number)) or self.wanted[number].word
            style = find_style(word, self._checkpoints, self._options.device or "cpu", {})
            way, _ = way_of(style)
            if way == "optimize":
                raise InputError(
                    f"{word} has no net: what a camera sees is painted in one pass (fst train "
                    "makes one)"
                )
            stylizer = make_stylizer(style, "feedforward", self._options)
            self.made[number] = (style, stylizer)
        return self.made[number][1]

    def small_net(self, number: int) -> str | None:
        """The name of a style's net of half the width, where there is one."""
        name = f"{self.wanted[number].word}{SMALL}"
        return name if is_trained(name, self._checkpoints) else None

    def take_small(self) -> None:
        """From now on, small nets paint where there are any."""
        self.small = True
        self.made.clear()


class Keeper:
    """Keeps snapshots: each a PNG of a name that is free, which is said.

    Args:
        options: of the command.
        maker: knows the styles.
    """

    def __init__(self, options: argparse.Namespace, maker: Maker) -> None:
        self._folder, self._camera, self._maker = options.snapshots, options.camera, maker

    def __call__(self, pixels: Pixels, settings: Settings) -> None:
        """Writes a painted picture ``(H, W, 3)``; where it can't, that is said, and all goes on."""
        try:
            say(f"wrote {self._write(pixels, settings)}")
        except OSError as error:
            say(f"error: no snapshot in {self._folder}: {error.strerror or error}")
        except FstError as error:
            say(f"error: no snapshot: {error}")

    def _write(self, pixels: Pixels, settings: Settings) -> Path:
        style, stylizer = self._maker.made[settings.style]
        control = Control(settings.strength, size=max(pixels.shape[:2]))
        record: dict[str, Any] | None = painted_with(
            [style], [Layer(stylizer)], control, program=f"fst {__version__}"
        )
        if record is not None:
            # an address may have a password in it
            camera = "a stream" if "://" in self._camera else Path(self._camera).name
            record = {**record, "photo": {"name": camera}}
        name = fitting(re.sub(r'[\\/:*?"<>|\x00-\x1f]+', "_", style.name), longest=LONGEST_STYLE)
        self._folder.mkdir(parents=True, exist_ok=True)
        path = free_path(self._folder / f"live-{name}.png")
        save_image(path, from_pil(Image.fromarray(pixels)), overwrite=False, record=record)
        return path


def find_size(
    painter: LivePainter, maker: Maker, camera: Camera, settings: Settings, asked: int | None
) -> None:
    """What a slow machine can paint, where no size was asked for: a small net, a smaller size.

    The first frame takes longer than all others, whatever the size: so it is painted before.
    """
    shot = camera.newest(0, 0)
    assert shot is not None  # there is a first frame

    def seconds() -> float:
        painter(shot.pixels, settings)
        began = time.perf_counter()
        painter(shot.pixels, settings)
        return time.perf_counter() - began

    if asked is not None:
        painter(shot.pixels, settings)
        return
    size, took = min(painter.size, max(shot.pixels.shape[:2])), seconds()
    if fitting_size(size, took) < size and (small := maker.small_net(settings.style)) is not None:
        say(
            f"{size} pixels take {took:.2f} s a frame here: {small} is taken (--size {size} keeps "
            f"{settings.name})"
        )
        maker.take_small()
        painter.forget()
        took = seconds()
    painter.size = fitting_size(size, took)
    if painter.size < size:
        say(
            f"{size} pixels take {took:.2f} s a frame here: painted at {painter.size} "
            "(--size sets it)"
        )

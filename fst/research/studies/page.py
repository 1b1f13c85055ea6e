"""What a study leaves: a labeled grid as one picture, and a page that needs nothing else."""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import jinja2
from PIL import Image, ImageFont

from fst.errors import InputError
from fst.image.io import save_image
from fst.image.picture import from_pil
from fst.image.style_sheet import Font
from fst.research.benchmarks.sheets import FONT_SIZE, GAP, Row, labeled_sheet
from fst.system.files import atomic_file, identity
from fst.system.outputs import check_file, check_folder
from fst.version import __version__

PAGE, GRID = "index.html", "grid.png"

PICTURES, FIGURES = "pictures", "figures.json"
"""Of a study's folder: where its pictures lie, and what was measured of each."""

WRITTEN = (PAGE, GRID, FIGURES, PICTURES)
"""What a study of the optimization writes."""

MARK = '<meta name="generator" content="fst study'
"""By which a page of ours is known."""

COPY_SIDE, COPY_QUALITY, COPY_BYTES = 1600, 82, 400_000
"""Of a small copy for documents: its long side at most, its quality as a WebP, and its bytes."""


@dataclass(frozen=True)
class Shown:
    """One picture on a page: its file below the page's folder, what it shows, and a line on it."""

    file: str
    words: str
    note: str = ""


@dataclass(frozen=True)
class Section:
    """A part of a page.

    Attributes:
        title: its heading; empty has none.
        about: a sentence or two below it.
        tiles: pictures that flow, as many beside each other as there is room for.
        columns: of a grid.
        rows: of the grid: what stands beside it, and a picture for each column.
        figures: a table: its heads, and its rows.
        wide: whether tiles are as wide as the page.
    """

    title: str = ""
    about: str = ""
    tiles: Sequence[Shown] = ()
    columns: Sequence[str] = ()
    rows: Sequence[tuple[str, Sequence[Shown]]] = ()
    figures: tuple[Sequence[str], Sequence[Sequence[str]]] | None = None
    wide: bool = False


@dataclass(frozen=True)
class Page:
    """A page of a study.

    Attributes:
        kind: of the study.
        title: its heading.
        about: what is to be seen.
        sections: its parts.
        settings: name and value.
        links: words and file, to other pages.
    """

    kind: str
    title: str
    about: str
    sections: Sequence[Section]
    settings: Mapping[str, str] = field(default_factory=dict)
    links: Sequence[tuple[str, str]] = ()


def check_place(folder: Path, overwrite: bool, files: Sequence[str] = WRITTEN) -> None:
    """Makes sure that a study can be written into a folder; asked before the work.

    Raises:
        InputError: it can't, or something is there that is no study.
    """
    check_folder("--output", folder)
    if not folder.is_dir():
        return
    allowed = overwrite or is_study(folder / PAGE)
    for path in (folder / name for name in files):
        if path.is_dir() and not path.suffix:  # of pictures
            if not allowed and any(path.iterdir()):
                raise InputError(f"--output {path} is there already: --overwrite replaces it")
        elif os.path.lexists(path):
            check_file("--output", path, allowed)
    if not allowed:
        check_no_others(folder)


def check_no_others(folder: Path) -> None:
    """That a folder holds nothing, or a study, or studies: its files would lie among others.

    Raises:
        InputError: it holds something else.
    """
    try:
        there = [path for path in folder.iterdir() if not path.name.startswith(".")]
    except OSError as error:
        raise InputError(f"can't read --output {folder}: {error.strerror}") from error
    if there and not any(is_study(path / PAGE) for path in (folder, *there)):
        raise InputError(
            f"--output {folder} holds other files and no study: name a new folder, or give "
            "--overwrite to write among them"
        )


def check_copies(folder: Path | None, names: Sequence[str], overwrite: bool) -> None:
    """Makes sure that small copies can be written.

    Raises:
        InputError: they can't, or are there already.
    """
    if folder is None:
        return
    check_folder("--copies", folder)
    for name in names if folder.is_dir() else ():
        check_file("--copies", folder / f"{name}.webp", overwrite)


def check_not_read(targets: Iterable[Path], read: Sequence[Path]) -> None:
    """That nothing is written where something lies that the command reads.

    Raises:
        InputError: it would be.
    """
    known = {identity(path) for path in read if path.exists()}
    for path in targets:
        if path.exists() and identity(path) in known:
            raise InputError(f"{path} is read by this command: name another --output or --copies")


def begin(folder: Path, page: Page) -> None:
    """Makes a study's folder, and a page in it by which it is known as one from now on."""
    folder.mkdir(parents=True, exist_ok=True)
    if not is_study(folder / PAGE):
        write_page(folder / PAGE, replace(page, about=f"{page.about} It is not finished yet."))


def is_study(page: Path) -> bool:
    """Whether a file is a page of a study."""
    try:
        with open(page, encoding="utf-8") as file:
            return MARK in file.read(1000)
    except (OSError, ValueError):
        return False


def write_page(path: Path, page: Page) -> None:
    """Writes a page, whole or not at all."""
    template = (Path(__file__).parent / "study.html.jinja").read_text(encoding="utf-8")
    environment = jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    html = environment.from_string(template).render(page=page, version=__version__)
    with atomic_file(path) as temporary:
        temporary.write_text(html, encoding="utf-8", errors="backslashreplace")


def draw_grid(columns: Sequence[str], rows: Sequence[Row]) -> Image.Image:
    """A labeled grid whose columns have room for their words; longer ones go on below.

    Args:
        columns: what stands above the pictures of each column.
        rows: at least one; what stands above it, and its pictures.
    """
    font = ImageFont.load_default(FONT_SIZE)
    wide = max(one.width for _, row in rows for one in row)
    room = max([wide, *(font.getlength(word) for words in columns for word in words.split())])
    heads = [_in_lines(words, font, room) for words in columns]
    room = max(room, *(font.getlength(words) - (len(row) - 1) * room for words, row in rows))
    return labeled_sheet(heads, [(words, [_widened(one, round(room) + GAP) for one in row])
                                 for words, row in rows])  # fmt: skip


def _in_lines(text: str, font: Font, room: float) -> str:
    """A text, broken at spaces where a line would be longer than the room, in pixels."""
    lines: list[str] = []
    for word in text.split():
        if lines and font.getlength(f"{lines[-1]} {word}") <= room:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return "\n".join(lines)


def _widened(picture: Image.Image, least: int) -> Image.Image:
    """A picture on white that is at least so wide."""
    if picture.width >= least:
        return picture
    wide = Image.new("RGB", (least, picture.height), "white")
    wide.paste(picture, (0, 0))
    return wide


def write_grid(path: Path, grid: Image.Image, copies: Path | None = None, name: str = "") -> None:
    """Writes a grid, and a small copy ``name.webp`` of it into another folder.

    Raises:
        InputError: it is too large for a file.
    """
    save_image(path, from_pil(grid))
    if copies is None:
        return
    copies.mkdir(parents=True, exist_ok=True)
    small = grid.copy()
    small.thumbnail((COPY_SIDE, COPY_SIDE), Image.Resampling.LANCZOS)
    target = copies / f"{name}.webp"
    quality = COPY_QUALITY
    save_image(target, from_pil(small), quality)
    while target.stat().st_size > COPY_BYTES and quality > 20:
        quality -= 8
        save_image(target, from_pil(small), quality)


def check_room(width: int, height: int) -> None:
    """That a grid is no larger than what is looked at.

    Raises:
        InputError: it would be.
    """
    if width * height > 200_000_000:
        raise InputError(f"a grid of {width}x{height} pixels is too large: give a smaller --size, "
                         "or fewer pictures")  # fmt: skip

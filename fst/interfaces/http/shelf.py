"""The styles of a service: which there are, and those that were asked for lately, ready to paint.

What a client names is looked up in the list; no text of a client's is ever taken for a path.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from PIL import Image

from fst import assets
from fst.errors import AssetError, CheckpointError, FstError
from fst.interfaces.api import load
from fst.interfaces.http.errors import LOG, Refused
from fst.interfaces.http.settings import ServiceSettings
from fst.interfaces.loaded_style import LoadedStyle
from fst.styles.blend import parse_blend
from fst.styles.catalog import trained_alone
from fst.styles.headers import many_files, read_header, styles_of
from fst.styles.predicted import find_any

KEPT = 12
"""Styles that stay ready to paint."""

Stamp = tuple[tuple[str, int, int], ...]
"""Path, time of change and bytes of every checkpoint."""


@dataclass(frozen=True)
class Shelved:
    """A style that there is a net for.

    Attributes:
        name: that it is asked for by.
        title: of its painting.
        painter: of it, or None.
        year: of it, or None.
        kind: ``"net"``, a net of its own; ``"many"``, one of many in a file.
        word: that :func:`fst.load` finds it by.
        own: it did not come with fst.
    """

    name: str
    title: str
    painter: str | None
    year: str | None
    kind: str
    word: str
    own: bool


class Shelf:
    """Finds styles by name, and keeps them ready.

    Args:
        settings: of the service: the folder, the device, the precision.
    """

    def __init__(self, settings: ServiceSettings) -> None:
        self._settings = settings
        self._listing, self._loading = threading.Lock(), threading.RLock()
        self._stamp: Stamp | None = None
        self._styles: dict[str, Shelved] = {}
        self._loaded: OrderedDict[Any, LoadedStyle] = OrderedDict()
        self._loaded_of: Stamp | None = None

    def styles(self) -> dict[str, Shelved]:
        """Name -> style, as the folders are now."""
        with self._listing:
            self._look()
            return self._styles

    @property
    def stamp(self) -> Stamp:
        """Another one once any checkpoint is another."""
        with self._listing:
            self._look()
            assert self._stamp is not None
            return self._stamp

    @property
    def any_painting(self) -> bool:
        """Whether any painting can be a style at once."""
        return find_any(self._settings.checkpoints) is not None

    def word_of(self, style: str) -> str:
        """What :func:`fst.load` is told for a name, or a blend of names.

        Raises:
            Refused: 404, there is no such style.
            InputError: a blend that can't be read.
        """
        known = self.styles()
        if style in known:
            return known[style].word
        if "=" not in style:
            raise Refused(404, f"there is no style {style[:100]!r}: GET /styles lists them")
        shares = parse_blend(style)
        total = sum(shares.values())
        for name in shares:
            if name not in known:
                raise Refused(404, f"there is no style {name[:100]!r}: GET /styles lists them")
        return ",".join(f"{name}={share / total:.9f}" for name, share in shares.items())

    def loaded(self, style: str, **options: Any) -> LoadedStyle:
        """A style, ready to paint.

        Args:
            style: a name, or a blend of names.
            options: of :func:`fst.load`; None is not chosen.

        Raises:
            Refused: 404, there is no such style, or it can't be read.
            InputError: an option that it has no use for.
        """
        word = self.word_of(style)
        try:
            return self._kept((style,), options, lambda chosen: self._load(word, chosen))
        except (CheckpointError, AssetError, OSError) as error:
            LOG.warning("style %s: %s", style, error)
            raise Refused(404, f"the style {style[:100]!r} can't be read") from error

    def predicted(
        self, digest: str, painting: Callable[[], Image.Image], **options: Any
    ) -> LoadedStyle:
        """The style of any painting, ready to paint.

        Args:
            digest: of its file: a painting is looked at once.
            painting: gives it, decoded.
            options: as for :meth:`loaded`.

        Raises:
            Refused: 400, there is no net for any painting.
            InputError: it is no painting to learn from; an option that is of no use.
        """
        if not self.any_painting:
            raise Refused(
                400, "there is no net for any painting here: POST /jobs paints in it, slowly"
            )
        return self._kept(
            (digest, "painting"),
            options,
            lambda chosen: self._load(painting(), {**chosen, "method": "feedforward"}),
        )

    def _load(self, style: str | Image.Image, options: dict[str, Any]) -> LoadedStyle:
        of_service = {
            "checkpoints": self._settings.checkpoints,
            "device": self._settings.device,
            "precision": self._settings.precision,
        }
        return load(style, **of_service, **options)  # type: ignore[arg-type]

    def _kept(
        self, key: tuple[str, ...], options: dict[str, Any], make: Callable[[Any], LoadedStyle]
    ) -> LoadedStyle:
        chosen = {name: value for name, value in options.items() if value is not None}
        whole = (*key, *sorted((name, str(value)) for name, value in chosen.items()))
        stamp = self.stamp
        with self._loading:
            if stamp != self._loaded_of:  # what was read may be another file by now
                self._loaded.clear()
                self._loaded_of = stamp
            found = self._loaded.pop(whole, None) or make(chosen)
            self._loaded[whole] = found  # as the one that was asked for last
            while len(self._loaded) > KEPT:
                self._loaded.popitem(last=False)
            return found

    def _look(self) -> None:
        """Sees what is in the folders, where anything changed since."""
        folders = self._settings.checkpoint_folders
        stamp = stamp_of(folders)
        if stamp != self._stamp:
            self._styles = shelved(folders)
            self._stamp = stamp


def stamp_of(folders: tuple[Path, ...]) -> Stamp:
    """What tells apart two states of some folders of checkpoints."""
    found = []
    for path in (path for folder in folders for path in sorted(folder.glob("*.safetensors"))):
        try:
            state = path.stat()
        except OSError:  # gone meanwhile
            continue
        found.append((str(path), state.st_mtime_ns, state.st_size))
    return tuple(found)


def shelved(folders: tuple[Path, ...]) -> dict[str, Shelved]:
    """The styles in some folders that there is a net for; what is damaged is passed over."""
    found: dict[str, Shelved] = {}
    for path in trained_alone(folders):
        try:
            about = read_header(path)["style"]
        except FstError:
            continue
        found[path.stem] = _said(path, path.stem, about, "net", str(path))
    for path in many_files(folders):
        for about in styles_of(path):
            name = str(about["name"])
            name = f"{path.stem}:{name}" if name in found else name
            if name not in found:
                found[name] = _said(path, name, about, "many", f"{path}:{about['name']}")
    return found


def _said(path: Path, name: str, about: dict[str, Any], kind: str, word: str) -> Shelved:
    text = partial(_text, about)
    own = path.parent.resolve() != assets.shipped("checkpoints").resolve()
    title = text("title") or name  # not the painting's file: its path is nobody's business
    return Shelved(name, title, text("painter"), text("year"), kind, word, own)


def _text(about: dict[str, Any], key: str) -> str | None:
    return None if about.get(key) in (None, "") else str(about[key])

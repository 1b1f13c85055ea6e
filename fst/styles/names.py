"""Names of styles and paintings: a name is a name, a path has a slash or a suffix."""

import re
import unicodedata
from collections.abc import Collection
from pathlib import Path

from fst.assets import IMAGE_SUFFIXES
from fst.errors import InputError
from fst.system.checks import shown

LONGEST_NAME = 100
"""Characters of a style's name."""

UNSEEN = ("Cc", "Cf", "Cs", "Zl", "Zp")
"""Unicode's categories of what can't be seen, or ends a line."""

SMALL = "_small"
"""Ends the name of a style's net of half the width: ``monet_small`` is quicker than ``monet``."""


def is_small(name: str, names: Collection[str]) -> bool:
    """Whether it is the small net of another style among these."""
    return name.endswith(SMALL) and name.removesuffix(SMALL) in names


def is_path(text: str) -> bool:
    """Whether it means a painting's file, and no name."""
    return "/" in text or Path(text).suffix.lower() in IMAGE_SUFFIXES


def listed(text: str) -> list[str] | None:
    """The entries of ``[monet, my.jpg]``, without blanks and quotes around them; None of no list.

    A comma within quotes belongs to its entry.
    """
    if not (text.startswith("[") and text.endswith("]")):
        return None
    parts = re.findall(r"""\s*("[^"]*"|'[^']*'|[^,]*)\s*(?:,|$)""", text[1:-1])
    entries = [part.strip() for part in parts]
    if entries and not entries[-1]:  # what the pattern finds at the end
        entries.pop()
    return [e[1:-1] if len(e) > 1 and e[0] in "'\"" and e[-1] == e[0] else e for e in entries]


def file_called(name: str) -> Path | None:
    """A picture of that name in the current folder, which may be what was meant."""
    found = (Path(f"{name}{suffix}") for suffix in IMAGE_SUFFIXES)
    return next((path for path in found if path.is_file()), None)


def check_name(name: object) -> str:
    """A style's name, once it is known that it can name files of its own in any folder.

    Raises:
        InputError: empty, too long, with a slash or another control character, or hidden.
    """
    known = isinstance(name, str) and 0 < len(name) <= LONGEST_NAME and not name.startswith(".")
    if not known or any(c in "/\\" or unicodedata.category(c) in UNSEEN for c in str(name)):
        raise InputError(
            f"a style's name must have 1 to {LONGEST_NAME} characters, none of them / or \\ or "
            f"invisible, and no dot at its start, not {shown(name)}"
        )
    return str(name)

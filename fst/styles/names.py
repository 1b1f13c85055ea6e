"""Names and paths of paintings: a name is a name, a path has a slash or a suffix."""

import re
from pathlib import Path

from fst.assets import IMAGE_SUFFIXES


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

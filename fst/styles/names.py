"""Names and paths of paintings: a name is a name, a path has a slash or a suffix."""

from pathlib import Path

from fst.assets import IMAGE_SUFFIXES


def is_path(text: str) -> bool:
    """Whether it means a painting's file, and no name."""
    return "/" in text or Path(text).suffix.lower() in IMAGE_SUFFIXES


def file_called(name: str) -> Path | None:
    """A picture of that name in the current folder, which may be what was meant."""
    found = (Path(f"{name}{suffix}") for suffix in IMAGE_SUFFIXES)
    return next((path for path in found if path.is_file()), None)

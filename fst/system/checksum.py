"""The checksum by which a file is known, whatever its name and folder."""

import hashlib
from pathlib import Path


def checksum(path: Path) -> str:
    """SHA-256 of a file, as ``sha256sum`` prints it.

    Raises:
        OSError: it can't be read.
    """
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

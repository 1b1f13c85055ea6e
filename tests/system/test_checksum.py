"""fst.system.checksum: against hashlib over all bytes at once."""

import hashlib
from pathlib import Path

import pytest

from fst.system.checksum import checksum


def test_a_checksum_is_that_of_all_bytes(tmp_path: Path) -> None:
    content = bytes(range(256)) * 5000
    (tmp_path / "file").write_bytes(content)
    assert checksum(tmp_path / "file") == hashlib.sha256(content).hexdigest()
    with pytest.raises(FileNotFoundError):
        checksum(tmp_path / "nothing")

"""fst.inference.export.quiet: converters that talk, and that fail, are told in a line."""

import os
import sys

import pytest
import torch

from fst.errors import InputError
from fst.inference.export.quiet import converting, quiet


def test_nothing_is_heard_until_it_is_over(capfd: pytest.CaptureFixture[str]) -> None:
    with quiet():
        print("of Python")
        os.write(1, b"of C++")
        os.write(2, b"of C++")
    print("afterwards")
    print("an error", file=sys.stderr)
    assert capfd.readouterr() == ("afterwards\n", "an error\n")


def test_a_converter_that_fails_is_told_with_versions_and_a_command() -> None:
    known = f"torch {torch.__version__}: no such node; numpy 1.2 was proved with torch "
    with pytest.raises(InputError, match=known.replace("+", r"\+")), converting("numpy", "1.2"):
        raise RuntimeError("no such node\nand a long story")


def test_a_full_disk_is_no_fault_of_a_converter() -> None:
    with pytest.raises(OSError, match="full"), converting("numpy", "1.2"):
        raise OSError("full")

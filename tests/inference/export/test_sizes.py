"""fst.inference.export.sizes: which sizes a file is made for, and proved at."""

import pytest

from fst.errors import InputError
from fst.inference.export.options import ExportOptions
from fst.inference.export.sizes import check_size, sizes_to_prove
from fst.inference.export.targets import TARGETS


def proved(name: str, size: tuple[int, int] | None = None) -> tuple[tuple[int, int, int], ...]:
    return sizes_to_prove(TARGETS[name], ExportOptions("tiny", size=size))


def test_a_file_is_proved_at_what_it_takes() -> None:
    three = ((1, 256, 256), (1, 512, 384), (1, 1000, 704))
    assert proved("onnx") == (*three, (2, 331, 250))
    assert proved("coreml") == three
    assert proved("executorch") == three
    assert proved("executorch", (512, 512)) == (*three[:2], (1, 512, 512))
    assert proved("litert") == ((1, 512, 512),)
    assert proved("litert", (640, 480)) == ((1, 640, 480),)


@pytest.mark.parametrize(
    ("name", "size", "words"),
    [
        ("onnx", (512, 512), "of no use to onnx.*litert, executorch"),
        ("litert", (511, 512), "511x512.*multiples of 4 from 24 to 4096"),
        ("litert", (20, 512), "from 24"),
        ("executorch", (24, 512), "from 28"),
        ("executorch", (8192, 512), "to 4096"),
    ],
)
def test_a_size_that_can_not_be_is_refused(name: str, size: tuple[int, int], words: str) -> None:
    with pytest.raises(InputError, match=words):
        check_size(name, ExportOptions("tiny", size=size))


def test_a_size_has_two_sides_of_pixels() -> None:
    check_size("litert", ExportOptions("tiny", size=(24, 4096)))
    with pytest.raises(InputError, match="size"):
        ExportOptions("tiny", size=(0, 4))

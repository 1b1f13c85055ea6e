"""fst.inference.streams: what - stands for; what goes through it, the test of the command says."""

import pytest

from fst.errors import InputError
from fst.inference.streams import Streams, is_stdout, open_streams


@pytest.mark.parametrize(
    ("inputs", "output", "expected"),
    [
        (["-"], None, True),
        (["-"], "-", True),
        (["a.png"], "-", True),
        (["a.png"], None, False),
        (["-"], "a.png", False),
        (["-", "a.png"], None, False),
    ],
)
def test_a_result_goes_to_stdout_where_it_is_asked_for_or_the_photo_is_from_stdin(
    inputs: list[str], output: str | None, expected: bool
) -> None:
    assert is_stdout(inputs, output) == expected


def test_files_need_no_stream() -> None:
    assert open_streams(["a.png"], "b.png") == Streams()
    with pytest.raises(InputError, match="--format"):
        open_streams(["a.png"], "b.png", "jpg")

"""What single modules of the page compute."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from browsers import Watched

Compute = Callable[[str, str], Any]
"""A module's name, and what is called of what it exports."""


@pytest.fixture(scope="module")
def compute(browser: Any, served: str) -> Iterator[Compute]:
    """What a function of the page gives."""
    watched = Watched(browser, served)
    watched.page.goto(f"{served}static/icon.svg")  # the same origin, nothing to be painted

    def call(module: str, call: str) -> Any:
        address = f"{served}static/{module}.js"
        return watched.page.evaluate(f"async () => (await import('{address}')).{call}")

    yield call
    watched.check()
    watched.close()


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0 s"), (89.4, "89 s"), (90, "2 min"), (3599, "1 h"), (3900, "1 h 5 min")],
)
def test_seconds_are_told_as_one_says_them(compute: Compute, seconds: float, said: str) -> None:
    assert compute("jobs", f"duration({seconds})") == said


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("Café at Night.JPG", "cafe_at_night"),
        ("../..//.jpg", "my_style"),
        ("dawn.png", "dawn_2"),
        ("日本.png", "my_style"),
        ("a" * 99 + ".png", "a" * 36),
    ],
)
def test_a_files_name_makes_a_name_that_no_style_has(
    compute: Compute, file: str, name: str
) -> None:
    assert compute("trainform", f"nameFrom({file!r}, (name) => name === 'dawn')") == name


@pytest.mark.parametrize("name", ["", "a b", "ä", "-a", "a/b", "..", "dawn"])
def test_a_name_that_cant_be_is_told_in_a_sentence(compute: Compute, name: str) -> None:
    sentence = compute("trainform", f"nameTrouble({name!r}, (name) => name === 'dawn')")
    assert sentence.endswith(".")


def test_a_good_name_is_not_told_off(compute: Compute) -> None:
    assert compute("trainform", "nameTrouble('Van-Gogh_2', () => false)") == ""


@pytest.mark.parametrize(
    ("size", "most", "side"),
    [
        ((4000, 3000), 1e6, 1154),  # 1154 x 866 = 999364, 1155 x 866 = 1000230
        ((3000, 4000), 1e6, 1154),
        ((30_000, 10), 1e6, 15_624),  # as many as 15 625 x 64, which is a million
        ((100, 100), 4096, 64),
    ],
)
def test_a_photo_that_is_too_large_gets_the_longest_side_that_fits(
    compute: Compute, size: tuple[int, int], most: float, side: int
) -> None:
    photo = f"{{width: {size[0]}, height: {size[1]}}}"
    assert compute("toolarge", f"longestSide({photo}, {most})") == side


@pytest.mark.parametrize(
    ("status", "message", "most"),
    [
        (413, "The photo has 700x525 pixels, and 0.3 million are the most.", 300_000),
        (413, "The painting has 700x525 pixels, and 0.3 million are the most.", 0),
        (413, "The photo has more than 50 MB.", 0),
        (400, "The photo has 700x525 pixels, and 0.3 million are the most.", 0),
    ],
)
def test_only_a_photo_with_too_many_pixels_can_be_made_smaller(
    compute: Compute, status: int, message: str, most: int
) -> None:
    error = f"{{status: {status}, message: {message!r}}}"
    assert compute("toolarge", f"pixelsTaken({error})") == most


@pytest.mark.parametrize(
    ("value", "said"), [(0, "0"), (2.3456, "2.35"), (1234.5, "1230"), (1e-5, "1.0e-5")]
)
def test_a_figure_has_three_digits(compute: Compute, value: float, said: str) -> None:
    assert compute("curve", f"figure({value})") == said


def test_a_noisy_curve_is_told_by_its_running_mean(compute: Compute) -> None:
    values = [4.0, 2.0, 6.0, 8.0]
    points = [[step, value] for step, value in enumerate(values, 1)]
    means = [point[1] for point in compute("curve", f"runningMean({points}, 0.5)")]
    # the plain mean of two, then half of the mean and half of the new value
    assert means == pytest.approx([4.0, 3.0, 4.5, 6.25])


def test_a_checksum_is_that_of_the_standard(compute: Compute) -> None:
    check = 0xCBF43926  # of "123456789", in every description of CRC-32
    assert compute("zip", "crc32(new TextEncoder().encode('123456789'))") == check

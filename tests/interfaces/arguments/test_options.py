"""Types of values, shared options, one-line mistakes."""

import argparse
from typing import Any

import pytest

from fst.interfaces.arguments import benchmark, compare, judge, options, reproduce, stylize
from fst.interfaces.arguments.options import Parser


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (options.positive, "1", 1),
        (options.count, "0", 0),
        (options.side, "16", 16),
        (options.percent, "100", 100),
        (options.above_zero, "0.5", 0.5),
        (options.memory, "2GB", 2_000_000_000),
        (options.memory, "1MiB", 2**20),
    ],
)
def test_what_is_allowed(kind: Any, text: str, value: float) -> None:
    assert kind(text) == value


@pytest.mark.parametrize(
    ("kind", "texts", "allowed"),
    [
        (options.positive, ["0", "-1", "1.5", "abc", "", "inf"], "above 0"),
        (options.count, ["-1", "1.5", "abc"], "at least 0"),
        (options.side, ["15", "0", "x"], "16"),
        (options.percent, ["0", "101", "50%"], "1 to 100"),
        (options.above_zero, ["0", "-1", "nan", "inf", "x"], "above 0"),
        (options.memory, ["x", "0GB", "-1GB"], "2GB"),
    ],
)
def test_what_is_not_says_what_was_got_and_what_is_allowed(
    kind: Any, texts: list[str], allowed: str
) -> None:
    for text in texts:
        with pytest.raises(argparse.ArgumentTypeError) as caught:
            kind(text)
        assert repr(text) in str(caught.value)
        assert allowed in str(caught.value)


def test_a_mistake_is_one_line_and_status_2(capsys: pytest.CaptureFixture[str]) -> None:
    parser = Parser("fst thing", "FILE", "Does it.", ("fst thing a",))
    parser.add_argument("file", type=options.positive)
    for words, says in (([], "file"), (["x"], "'x'"), (["1", "--no"], "--no")):
        with pytest.raises(SystemExit) as end:
            parser.parse_args(words)
        output, errors = capsys.readouterr()
        assert (end.value.code, output, errors.count("\n")) == (2, "", 1)
        assert says in errors
        assert "fst thing --help" in errors


def test_an_option_is_declared_once_and_changed_where_it_differs() -> None:
    parser = Parser("fst thing", "", "Does it.")
    options.shared(parser, "--size", "--device", default=99)
    read = parser.parse_args([])
    assert (read.size, read.device) == (99, 99)
    assert options.SHARED["--size"]["default"] == 256


def test_options_mean_the_same_in_every_command() -> None:
    words = {
        compare: ["--style", "a", "--photos", "p"],
        judge: ["a", "--photos", "p"],
        reproduce: ["a"],
        stylize: ["photo.jpg"],
    }
    for module, needed in words.items():
        read = module.parser().parse_args([*needed, "--device", "cuda:1", "--precision", "bf16"])
        assert (read.device, read.precision) == ("cuda:1", "bf16")


def test_what_is_measured_has_options_of_its_own() -> None:
    read = benchmark.parser().parse_args(["inference", "--sizes", "64", "128"])
    assert (read.command, read.sizes, read.compile) == ("inference", [64, 128], False)
    read = benchmark.parser().parse_args(["slim"])
    assert (read.command, read.width, read.precision) == ("slim", 32, "auto")
    read = benchmark.parser().parse_args(["train", "--compile"])
    assert (read.command, read.compile, read.precision) == ("train", True, "both")


def test_an_option_that_is_nearly_right_is_suggested(capsys: pytest.CaptureFixture[str]) -> None:
    made = Parser("fst paint", "PHOTO", "Paints.")
    made.add_argument("--style")
    with pytest.raises(SystemExit) as end:
        made.parse_args(["--stlye", "monet"])
    assert end.value.code == 2
    said = capsys.readouterr().err
    assert "did you mean --style?" in said
    assert said.count("\n") == 1

"""fst.interfaces.arguments.stylize: the short help, and all that is understood."""

from fst.interfaces.arguments import stylize


def test_rare_options_of_stylize_are_understood_though_the_short_help_leaves_them_out() -> None:
    read = stylize.parser().parse_args(["photo.jpg", "--iterations", "7", "--tv-weight", "0.1"])
    assert (read.iterations, read.tv_weight) == (7, 0.1)
    assert "--tv-weight" not in stylize.parser().format_help()
    assert "--tv-weight" in stylize.parser(everything=True).format_help()

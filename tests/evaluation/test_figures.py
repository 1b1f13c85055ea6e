"""What a reader is told, against values worked out by hand."""

import pytest

from fst.evaluation.figures import artifact_figures, duration, key_figures


def report(**changes: object) -> dict[str, object]:
    spread = {"median": 4.25, "min": 1.0, "max": 12.5, "not_reached": 0}
    return {
        "speedup": {"equal_objective": 1234.4, "at_500": 99_000.0},
        "seconds": {"fast": 0.0123, "iteration": 2.5},
        "equivalent_iterations": {"photo": spread, "noise": {**spread, "not_reached": 3}},
        "objective": {"fast": spread, "photo": {"median": 58.24}, "optimized": spread},
        "settings": {"until_equal": False, "iterations": 200},
        "artifacts": {},
        **changes,
    }


def test_key_figures_have_a_unit_where_there_is_one_and_a_sentence() -> None:
    found = {figure.name: figure for figure in key_figures(report())}
    assert found["speed-up at equal objective"].median == "1,234 \N{MULTIPLICATION SIGN}"
    assert found["one pass"].median == "12.3 ms"
    assert found["one iteration"].median == "2.5 s"
    photo = found["equivalent iterations from the photo"]
    assert (photo.median, photo.spread) == ("4.2", "1.0 to 12.5")
    assert "Not reached" not in photo.meaning
    assert "Not reached on 3" in found["equivalent iterations from noise"].meaning
    assert "58.2" in found["objective of one pass"].meaning
    assert found["objective after 200 iterations"].spread == "1 to 12.5"
    assert all(figure.meaning.endswith(".") for figure in found.values())


def test_of_an_end_that_was_not_waited_for_nothing_is_said() -> None:
    settings = {"until_equal": True, "iterations": 200}
    names = [figure.name for figure in key_figures(report(settings=settings))]
    assert not any("after" in name for name in names)


def test_shares_are_told_in_percent_and_fewer_with_a_minus() -> None:
    artifacts = {
        "border": {"median": 0.761, "min": 0.5, "max": 1.0},
        "dots": {"median": -20589.2, "min": -30000.0, "max": 12.0},
        "saturated": {"median": 0.0126, "min": -0.005, "max": 0.5},
    }
    found = {figure.name: figure for figure in artifact_figures(report(artifacts=artifacts))}
    assert len(found) == 3
    border = found["strokes at the border"]
    assert (border.median, border.spread) == (
        "0.76 \N{MULTIPLICATION SIGN}",
        "0.50 to 1.00 \N{MULTIPLICATION SIGN}",
    )
    dots = found["dots per million pixels"]
    assert (dots.median, dots.spread) == (
        "\N{MINUS SIGN}20,589",
        "\N{MINUS SIGN}30,000 to 12",
    )
    plain = found["black and white area"]
    assert (plain.median, plain.spread) == ("1.26 %", "\N{MINUS SIGN}0.50 to 50.00 %")


def test_regular_texture_has_figures_of_its_own() -> None:
    artifacts = {
        "regularity": {"median": 0.304, "min": 0.256, "max": 0.355},
        "period": {"median": 11.31, "min": 3.6, "max": 12.2},
        "regularity_ratio": {"median": 5.51, "min": 4.71, "max": 6.53},
    }
    height, period, ratio = artifact_figures(report(artifacts=artifacts))
    assert (height.median, height.spread) == ("0.30", "0.26 to 0.35")
    assert (period.median, period.spread) == ("11.3 px", "3.6 to 12.2 px")
    assert "painting" in ratio.name
    assert (ratio.median, ratio.spread) == (
        "5.5 \N{MULTIPLICATION SIGN}",
        "4.7 to 6.5 \N{MULTIPLICATION SIGN}",
    )


def test_tiny_pictures_have_no_artifacts() -> None:
    assert artifact_figures(report()) == []


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.00421, "4.2 ms"), (0.0999, "99.9 ms"), (0.09999, "100 ms"), (0.2512, "251 ms"),
     (0.9996, "1.0 s"), (1234.5, "1,234.5 s")],
)  # fmt: skip
def test_durations_are_told_in_the_unit_one_would_use(seconds: float, text: str) -> None:
    assert duration(seconds) == text

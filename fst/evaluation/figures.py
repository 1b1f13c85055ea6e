"""The figures of a comparison for a reader: each with its unit, and a sentence on what it means."""

from typing import Any, NamedTuple

from fst.evaluation.compare import STARTS

TIMES = "\N{MULTIPLICATION SIGN}"

ARTIFACTS = {
    "border": (
        "strokes at the border",
        "{:.2f} " + TIMES,
        1,
        "How strong they are, against the same place inside a larger picture: 1 is as strong.",
    ),
    "checkerboard": (
        "checkerboard",
        "{:.2f} " + TIMES,
        1,
        "How far the upsampling's fine pattern stands out, against the photo's own: about 1 is "
        "none.",
    ),
    "dots": (
        "dots per million pixels",
        "{:,.0f}",
        1,
        "Single pixels unlike all around them, beyond the photo's own.",
    ),
    "flat": (
        "dead area",
        "{:.2f} %",
        100,
        "Share of the picture without any structure, beyond the photo's.",
    ),
    "saturated": (
        "black and white area",
        "{:.2f} %",
        100,
        "Share of the picture that is plain black or white, beyond the photo's.",
    ),
    "regularity": (
        "regular texture",
        "{:.2f}",
        1,
        "How exactly it repeats itself where the photo is flat: strokes at random have 0.1 or "
        "less, a perfect weave 1.",
    ),
    "period": (
        "distance at which it repeats",
        "{:.1f} px",
        1,
        "From a stroke to the next of a weave, where there is one.",
    ),
    "regularity_ratio": (
        "regular texture, against the painting's",
        "{:.1f} " + TIMES,
        1,
        "1 is as regular as the painting itself.",
    ),
}
"""What is said of each measure: its name, how a value is written, times what, what it means."""


class Figure(NamedTuple):
    """A number for a reader: its name, the median with its unit, least and most, what it means."""

    name: str
    median: str
    spread: str
    meaning: str


def key_figures(report: dict[str, Any]) -> list[Figure]:
    """What a report says of all photos together: how fast, how good."""
    equivalent = report["equivalent_iterations"]
    return [
        *_speed(report),
        *(_equivalent(start, equivalent[start]) for start in STARTS),
        *_objectives(report),
    ]


def _speed(report: dict[str, Any]) -> list[Figure]:
    speedup, seconds = report["speedup"], report["seconds"]
    return [
        Figure(
            "speed-up at equal objective",
            f"{speedup['equal_objective']:,.0f} {TIMES}",
            "",
            "So many times longer the optimization takes for a picture that the loss finds as "
            "good as the net's.",
        ),
        Figure(
            "speed-up against 500 iterations",
            f"{speedup['at_500']:,.0f} {TIMES}",
            "",
            "500 iterations are what is usually taken; scaled up from the time of one.",
        ),
        Figure(
            "one pass",
            duration(seconds["fast"]),
            "",
            "To paint a photo with the net. The first pass, which also prepares, is left out.",
        ),
        Figure(
            "one iteration",
            duration(seconds["iteration"]),
            "",
            "Of the optimization: the loss and its gradient, after one that is left out, too.",
        ),
    ]


def _equivalent(start: str, values: dict[str, Any]) -> Figure:
    """How many iterations one pass is worth; says on how many photos they did not suffice."""
    meaning = (
        f"So many iterations bring the optimization, begun at {origin(start)}, down to the "
        "objective of one pass: more speak for the net."
    )
    if missed := values["not_reached"]:
        meaning += f" Not reached on {missed} of the photos, which count as all iterations."
    return _over_photos(f"equivalent iterations from {origin(start)}", values, "{:.1f}", meaning)


def _objectives(report: dict[str, Any]) -> list[Figure]:
    objective, settings = report["objective"], report["settings"]
    photo = objective["photo"]["median"]
    figures = [
        _over_photos(
            "objective of one pass",
            objective["fast"],
            "{:.3g}",
            "Content and style errors, weighted and summed: lower is better. A photo left as it "
            f"is has {photo:.3g}.",
        )
    ]
    if not settings["until_equal"]:
        name = f"objective after {settings['iterations']} iterations"
        meaning = "Of the optimization from the photo, at its end."
        figures.append(_over_photos(name, objective["optimized"], "{:.3g}", meaning))
    return figures


def artifact_figures(report: dict[str, Any]) -> list[Figure]:
    """What is wrong with the pictures of one pass; nothing of tiny ones, which are not measured."""
    figures = []
    for key, (name, unit, scale, meaning) in ARTIFACTS.items():
        if values := report["artifacts"].get(key):
            scaled = {part: scale * value for part, value in values.items()}
            figures.append(_over_photos(name, scaled, unit, meaning))
    return figures


def _over_photos(name: str, values: dict[str, float], unit: str, meaning: str) -> Figure:
    written = (unit.format(values[part]) for part in ("median", "min", "max"))
    median, low, high = (text.replace("-", "\N{MINUS SIGN}") for text in written)
    low = low.removesuffix(unit.partition("}")[2])  # the unit is said once
    return Figure(name, median, f"{low} to {high}", meaning)


def origin(start: str) -> str:
    """Where an optimization begins, in words."""
    return "the photo" if start == "photo" else start


def duration(seconds: float) -> str:
    """``4.2 ms``, ``251 ms``, ``1.3 s``: in the unit one would use."""
    if seconds < 0.09995:
        return f"{1000 * seconds:.1f} ms"
    return f"{1000 * seconds:.0f} ms" if seconds < 0.9995 else f"{seconds:,.1f} s"

"""The ways of painting, and which options each has a use for."""

from collections.abc import Iterable, Mapping
from typing import Any

from fst.choices import METHODS
from fst.errors import InputError
from fst.inference.options import OF_PASS
from fst.inference.pixel_options import OF_PIXELS
from fst.nets.predictor import USUAL_SIZE
from fst.styles.catalog import BASE
from fst.styles.predicted import ANY, STROKE_SIZES
from fst.styles.style import Style
from fst.system.checks import one_of, whole_number

OF_PREDICTION = ("style_size", "style_weight")
"""Of a net that is predicted from a painting, and of the optimization for a painting."""

FOLLOWING = ("save_every", "animate", "animate_every", "plot", "log", "resume")
"""Of the command alone: how an optimization is seen, and gone on with."""

_REFINE = (
    "memory", "backend", "margin", "optimizer", "learning_rate", "clamp", "average", "tolerance",
    "weights", *FOLLOWING,
)  # fmt: skip

USED = {
    "feedforward": (*OF_PASS, "style_size"),
    "predicted": (*OF_PASS, *OF_PREDICTION),
    "refine": _REFINE,
    "predicted, refine": (*_REFINE, *OF_PREDICTION),
    "optimize": (*OF_PIXELS, *FOLLOWING),
}
"""Way of painting -> the options that it has a use for."""

PREDICTED = ("predicted", "predicted, refine")
"""The ways of a net that is predicted from a painting."""

SAID = {
    "feedforward": "one pass",
    "refine": "refining (refine, --refine N)",
    "optimize": "the optimization (method optimize)",
}


def check_used(names: Iterable[str], ways: Mapping[str, str]) -> None:
    """Refuses an option that is of no use.

    Args:
        names: of the options that were chosen.
        ways: the ways of painting that follow, of :data:`USED` -> what to say of it: which style is
            painted so and why.

    Raises:
        InputError: names the option, the ways that take it, and the way that was picked.
    """
    for name in names:
        if any(name in USED[way] for way in ways):
            continue
        option = "--seamless" if name == "circular" else "--" + name.replace("_", "-")
        if name == "style_size":
            raise InputError(
                "style_size (--stroke-size or --style-size) does not go with refining a trained "
                f"net's picture, whose loss knows one size; {', '.join(ways.values())}"
            )
        if name in OF_PREDICTION:
            raise InputError(
                f"{name} ({option}) is what a trained net has learned with, and stays so: give a "
                f"painting's file, or method optimize; {', '.join(ways.values())}"
            )
        takers = " and ".join(said for way, said in SAID.items() if name in USED[way])
        raise InputError(f"{name} ({option}) is for {takers}, but {', '.join(ways.values())}")


def way_of(style: Style, method: str = "auto", refine: int = 0) -> tuple[str, str]:
    """In which way a style is painted, of :data:`USED`, and why, in words.

    Args:
        style: from :func:`~fst.styles.catalog.find_style`.
        method: one of :data:`fst.choices.METHODS`.
        refine: iterations that follow a pass.

    Raises:
        InputError: an unknown method, or one that this style can't be painted with.
        CheckpointError: ``"feedforward"``, and the style has no checkpoint.
    """
    one_of("method", method, METHODS)
    whole_number("refine", refine, 0)
    if style.description.get("net", {}).get("name") == ANY:
        raise InputError(
            f"{style.asked} paints in any style, and has none of its own: give a painting, as in "
            "--style painting.jpg"
        )
    if style.asked == BASE:
        raise InputError(
            f"{BASE} is what trainings begin with (init={BASE}), no style to paint in: fst styles "
            "lists those there are"
        )
    if style.paintings and (refine or method == "feedforward"):
        raise InputError("several paintings with shares are for one pass alone, or method optimize")
    if style.shares and not style.paintings and (refine or method == "optimize"):
        raise InputError("a blend is painted in one pass: there is no painting to optimize for")
    if refine and method == "optimize":
        raise InputError("refine (--refine) follows a pass: it does not go with method optimize")
    if method == "feedforward":
        style.net()
    picked = method == "auto" and not style.shares
    if style.trained is None or method == "optimize":
        if refine:
            raise InputError(f"to refine, a style needs a checkpoint, and {style.name!r} has none")
        why = " (auto picked it: there is no checkpoint)" if picked else ""
        return "optimize", f"{style.name!r} is painted by optimizing the pixels{why}"
    has = "any-painting net" if style.predicted else "checkpoint"
    why = f" (auto picked it: there is {'an' if style.predicted else 'a'} {has})" if picked else ""
    if refine:
        way = "predicted, refine" if style.predicted else "refine"
        return way, f"{style.name!r} is refined, from what one pass paints{why}"
    way = "predicted" if style.predicted else "feedforward"
    return way, f"{style.name!r} is painted in one pass{why}"


def asked_of_painting(method: str, refine: int, chosen: Mapping[str, Any]) -> dict[str, Any] | None:
    """What is asked of the net that is predicted from a painting; None where pixels are optimized.

    Args:
        method: as for :func:`way_of`, and so is ``refine``.
        refine: iterations that follow a pass.
        chosen: the options that were given, by name.
    """
    if method == "optimize" or (method == "auto" and not refine and only_of_pixels(chosen)):
        return None
    asked = {"style_weight": chosen["style_weight"]} if "style_weight" in chosen else {}
    if "style_size" not in chosen:
        return asked
    wanted = chosen["style_size"]
    if refine:
        return {**asked, "stroke_size": in_pixels(wanted)}
    # predicted where the net paints best; the pass makes of it what is wanted (Strokes)
    usual = int(USUAL_SIZE)
    known = usual if isinstance(wanted, str) else min(max(wanted, STROKE_SIZES[0]), usual)
    return {**asked, "stroke_size": known}


def in_pixels(size: int | str | None) -> int | None:
    """The size of strokes for an optimization, which has one painting for all photos.

    Raises:
        InputError: it is said in a word.
    """
    if isinstance(size, str):
        raise InputError(
            f"stroke_size {size!r} (--stroke-size) is for one pass: the optimization and refining "
            "a painting take pixels, refining a trained net takes none"
        )
    return size


def only_of_pixels(chosen: Iterable[str]) -> list[str]:
    """Those of the options that only the optimization knows."""
    used = USED["optimize"]
    return [name for name in chosen if name in used and name not in OF_PREDICTION]

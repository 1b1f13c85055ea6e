"""Chapters of the source, and files that are attached to it, such as fonts of its subtitles."""

from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING

from fst.inference.video.tracks import carried_tags

if TYPE_CHECKING:
    from av.container import InputContainer, OutputContainer
    from av.container.core import Chapter

_TICK = Fraction(1, 1000)
"""In seconds; of chapters, where their own is not finer."""


def carry_chapters(
    given: "InputContainer", made: "OutputContainer", start: Fraction, end: Fraction
) -> None:
    """Gives the target the source's chapters; those of a piece begin and end with it.

    Args:
        given: the source.
        made: the target, before its header is written.
        start: seconds to be taken off all times.
        end: when the target ends, in seconds.
    """
    if found := chapters_of(given.chapters(), start, end):
        made.set_chapters(found)


def chapters_of(chapters: "Sequence[Chapter]", start: Fraction, end: Fraction) -> "list[Chapter]":
    """The chapters that are shown between two moments, in their order.

    Args:
        chapters: of a source.
        start: where the piece begins, in seconds; it is taken off all times.
        end: when the piece ends, in seconds from ``start``.
    """
    found: list[Chapter] = []
    for one in sorted(chapters, key=lambda one: one["start"] * (one["time_base"] or _TICK)):
        own = one["time_base"] or _TICK
        tick = min(own, _TICK)
        begins = max(Fraction(0), one["start"] * own - start)
        ends = min(one["end"] * own - start, end)
        if begins < ends and tick > 0:
            found.append(
                {
                    "id": len(found) + 1,
                    "start": round(begins / tick),
                    "end": round(ends / tick),
                    "time_base": tick,
                    "metadata": carried_tags(one["metadata"]),
                }
            )
    return found


def carry_attachments(given: "InputContainer", made: "OutputContainer") -> list[str]:
    """Gives the target what is attached to the source, where its format can hold that.

    Args:
        given: the source.
        made: the target, before its header is written.

    Returns:
        A line on what is left out.
    """
    attached = given.streams.attachments
    if not attached:
        return []
    if made.format.name == "matroska":
        for one in attached:
            made.add_stream_from_template(one)
        return []
    many = "1 attached file is" if len(attached) == 1 else f"{len(attached)} attached files are"
    return [f"{many} left out (fonts of subtitles, mostly): {made.format.name} holds none"]

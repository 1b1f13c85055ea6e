"""How a picture that is there differs from the one that would be painted, in words.

What is there may be any file, and what it says of itself anything: it is compared and printed, and
nothing of it is believed.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from fst.image.record import read_record
from fst.inference.record import record_of
from fst.inference.targets import Job
from fst.system.checks import shown
from fst.system.checksum import checksum

NO_RECORD = "it does not say how it was painted"
"""Of a file without a record: another program's, or painted with ``--no-record``."""

_DEPTH = 6
_SAID = 3


def comparison(
    common: Mapping[str, Any] | None, quality: int = 95, trust: bool = False
) -> Callable[[Job], str | None]:
    """What tells how the picture at a job's target differs from the one that would be painted.

    Args:
        common: from :func:`~fst.inference.record.painted_with`; None where no record is written.
        quality: of JPEG and WebP.
        trust: what has no record is taken for that picture.

    Returns:
        A function of the job: in words, and None where nothing differs.
    """
    foreign = without_record(trust)

    def differs(job: Job) -> str | None:
        there = read_record(job.target)
        if there is None:
            return foreign(job)
        if common is None:
            return "it says how it was painted"
        if (iteration := there.get("iteration")) is not None:
            return f"it is no result, but iterate {shown(iteration)} of an optimization"
        if job.reads is not None:
            return "of a photo from stdin nobody knows whether it is the same"
        try:
            now = record_of(common, job, checksum(job.source), quality)
        except OSError as error:
            return f"{job.source} can't be read: {error.strerror}"
        return ", ".join(differences(there, now)) or None

    return differs


def without_record(trust: bool = False) -> Callable[[Job], str | None]:
    """As :func:`comparison`, but for what has no record alone: it needs no settings."""
    return lambda job: None if trust or read_record(job.target) is not None else NO_RECORD


def differences(there: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """What differs between two records, in words; at most three things and how many more.

    Args:
        there: of any file, so of any content.
        now: one of ours.
    """
    if there.get("format") != now["format"]:
        return [f"it was painted by another version ({shown(there.get('program'))})"]
    said = []
    kind = "clip" if "clip" in now else "photo"
    if _flat(there.get(kind)).get("sha256") != now[kind]["sha256"]:
        said.append(f"it was painted from another {kind}")
    names, names_now = _names(there), _names(now)
    styles = _changes(_flat(there.get("styles")), _flat(now["styles"]), _listed(names_now))
    if styles and names != names_now:
        styles = [f"style {_listed(names)}, now {_listed(names_now)}"]
    said += [*styles, *_changes(_flat(there.get("settings")), _flat(now["settings"]))]
    rest = len(said) - _SAID
    return [*said[:_SAID], *([f"and {rest} more settings"] if rest > 0 else [])]


def _changes(there: Mapping[str, Any], now: Mapping[str, Any], style: str = "") -> list[str]:
    """Of two flat mappings, what has another value; a checksum's is not spelled out."""
    said = []
    changed = [key for key in sorted({*there, *now}) if there.get(key) != now.get(key)]
    # another method has other settings, too
    for key in [key for key in changed if key.endswith(".method")] or changed:
        first, second = there.get(key), now.get(key)
        *above, last = key.split(".")
        if last == "name":
            continue
        if last == "sha256" and above:
            said.append(_another([part for part in above if not part.isdigit()]))
        elif last == "weights_sha256":
            said.append(f"another checkpoint of {style}")
        else:
            said.append(f"{_plain(key)} {_value(first)}, now {_value(second)}")
    return list(dict.fromkeys(said))


def _another(above: Sequence[str]) -> str:
    """A file of another content, by the keys that lead to it."""
    if above and above[-1] == "labels":
        return "another label picture of the photo"
    if above and above[-1] == "style_labels":
        return "other label pictures of the paintings"
    return f"another {_plain(above[-1]).replace('_', ' ') if above else 'file'}"


def _flat(value: Any, prefix: str = "", depth: int = 0) -> dict[str, Any]:
    """Nested mappings and lists as one, ``{"0.loss.tv_weight": 0.5}``."""
    if isinstance(value, list):
        value = {str(number): one for number, one in enumerate(value)}
    if not isinstance(value, dict) or depth > _DEPTH:
        return {prefix: value} if prefix else {}
    inside = [
        _flat(one, f"{prefix}.{name}" if prefix else str(name), depth + 1)
        for name, one in value.items()
    ]
    return {name: one for part in inside for name, one in part.items()}


def _names(record: Mapping[str, Any]) -> list[Any]:
    styles = record.get("styles")
    found = styles if isinstance(styles, list) else []
    return [style.get("name") if isinstance(style, dict) else None for style in found]


def _listed(names: Sequence[Any]) -> str:
    return shown(" and ".join(map(str, names)) or "none").strip("'\"")


def _plain(key: str) -> str:
    """The last two parts of a key, of letters that can do no harm in a terminal."""
    return re.sub(r"^\d+\.|[^\w.]", "", ".".join(key.split(".")[-2:]))[:40]


def _value(value: Any) -> str:
    return "none" if value is None else shown(value)

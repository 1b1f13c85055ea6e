"""fst.inference.difference: what is there is compared, whatever it is, and named in words."""

import copy
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import make_photo

from fst.image.io import load_image, save_image
from fst.inference.difference import NO_RECORD, comparison, differences, without_record
from fst.inference.record import record_of
from fst.inference.targets import Job
from fst.system.checksum import checksum

COMMON: dict[str, Any] = {
    "format": 1,
    "program": "fst 0.1.0",
    "styles": [
        {
            "name": "monet",
            "method": "feedforward",
            "weights_sha256": "a" * 64,
            "precision": "fp32",
            "margin": 20,
            "mask": {"name": "m.png", "sha256": "b" * 64},
        }
    ],
    "settings": {"strength": 1.0, "size": 512},
    "computed": {"device": "cpu", "backend": "eager"},
}
NOW: dict[str, Any] = {**COMMON, "photo": {"name": "a.jpg", "sha256": "c" * 64}}


def changed(*path: Any, to: Any) -> dict[str, Any]:
    """The record with one value changed; None removes it."""
    record = copy.deepcopy(NOW)
    place = record
    for key in path[:-1]:
        place = place[key]
    if to is None:
        del place[path[-1]]
    else:
        place[path[-1]] = to
    return record


@pytest.mark.parametrize(
    "there",
    [
        NOW,
        changed("program", to="fst 9.9"),
        changed("computed", "backend", to="openvino"),
        changed("computed", to=None),
        changed("photo", "name", to="b.jpg"),
        changed("styles", 0, "name", to="the same net by another name"),
        changed("styles", 0, "mask", "name", to="other.png"),
    ],
)
def test_names_and_what_computed_it_make_no_difference(there: dict[str, Any]) -> None:
    assert differences(there, NOW) == []


@pytest.mark.parametrize(
    ("there", "said"),
    [
        (changed("settings", "size", to=1024), ["size 1024, now 512"]),
        (changed("settings", "size", to=None), ["size none, now 512"]),
        (changed("settings", "preserve_color", to="luma"), ["preserve_color 'luma', now none"]),
        (changed("photo", "sha256", to="d"), ["it was painted from another photo"]),
        (changed("styles", 0, "weights_sha256", to="d"), ["another checkpoint of monet"]),
        (changed("styles", 0, "mask", "sha256", to="d"), ["another mask"]),
        (changed("styles", 0, "mask", to=None), ["another mask"]),
        (changed("styles", 0, "precision", to="bf16"), ["precision 'bf16', now 'fp32'"]),
        (
            changed("styles", 0, to={"name": "scream", "weights_sha256": "e"}),
            ["style scream, now monet"],
        ),
        (
            changed("styles", 0, to={"name": "monet", "method": "optimize", "iterations": 3}),
            ["method 'optimize', now 'feedforward'"],
        ),
        (changed("format", to=2), ["it was painted by another version ('fst 0.1.0')"]),
    ],
)
def test_what_differs_is_said(there: dict[str, Any], said: list[str]) -> None:
    assert differences(there, NOW) == said


def test_of_many_things_three_are_said() -> None:
    others = {"strength": 0.5, "size": 64, "feather": 0.1, "upsample": "guided", "seamless": True}
    found = differences(changed("settings", to=others), NOW)
    assert len(found) == 4
    assert found[-1] == "and 2 more settings"


@pytest.mark.parametrize(
    "foreign",
    [
        {"format": 1},
        {"format": 1, "photo": 3, "styles": "x", "settings": [1, 2]},
        {"format": 1, "photo": None, "styles": [None, 3], "settings": {"": {"": {}}}},
        {"format": "1"},
        {"format": 1, "styles": [{"name": {"a": 1}}], "settings": {"size\x1b[2J\n": "\x1b[2J\n"}},
        {"format": 1, "program": "x" * 9999, "styles": [{"name": "\x1b" * 99}] * 99},
    ],
)
def test_what_a_foreign_record_says_is_harmless(foreign: dict[str, Any]) -> None:
    found = differences(foreign, NOW)
    assert found
    assert all(part.isprintable() and len(part) < 300 for part in found)


KEYS = st.sampled_from(["format", "photo", "styles", "settings", "name", "sha256", "x.y", "", "0"])
plain = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | KEYS


@settings(deadline=None, max_examples=30)
@given(
    st.dictionaries(
        KEYS, st.recursive(plain, lambda inside: st.lists(inside) | st.dictionaries(KEYS, inside))
    )
)
def test_no_record_is_an_exception(there: dict[str, Any]) -> None:
    assert all(isinstance(part, str) for part in differences(there, NOW))
    assert differences(there, NOW) != []


def test_a_result_is_compared_with_what_would_be_painted(tmp_path: Path) -> None:
    photo, target = tmp_path / "a.jpg", tmp_path / "a-monet.webp"
    make_photo(seed=1).save(photo)
    job, differs = Job(photo, target), comparison(COMMON, quality=90)
    save_image(target, load_image(photo))
    assert differs(job) == NO_RECORD
    save_image(target, load_image(photo), record=record_of(COMMON, job, checksum(photo), 90))
    assert differs(job) is None
    assert "quality 90, now 95" in str(comparison(COMMON, quality=95)(job))
    assert "how it was painted" in str(comparison(None)(job))  # which would not be told
    assert without_record()(job) is None
    assert "stdin" in str(differs(Job(Path("stdin"), target, reads=BytesIO())))
    make_photo(seed=2).save(photo)
    assert "another photo" in str(differs(job))
    photo.unlink()
    assert "can't be read" in str(differs(job))
    make_photo().save(target)
    assert comparison(None)(job) == without_record()(job) == NO_RECORD
    assert comparison(None, trust=True)(job) is without_record(trust=True)(job) is None


def test_an_iterate_that_was_given_the_results_name_is_no_result(tmp_path: Path) -> None:
    photo, target = tmp_path / "a.png", tmp_path / "a-monet.png"
    make_photo().save(photo)
    job = Job(photo, target)
    said = record_of(COMMON, job, checksum(photo), 95)
    save_image(target, load_image(photo), record={**said, "iteration": 40})
    assert "iterate 40" in str(comparison(COMMON)(job))
    save_image(target, load_image(photo), record=said)
    assert comparison(COMMON)(job) is None


def test_other_label_pictures_are_named_as_such() -> None:
    def of(photo: str, *paintings: str) -> dict[str, Any]:
        labels = {"name": "l.png", "sha256": photo * 64}
        others = [{"name": "s.png", "sha256": one * 64} for one in paintings]
        style = {**COMMON["styles"][0], "labels": labels, "style_labels": others}
        return {**NOW, "styles": [style]}

    said = differences(of("a", "b", "c"), of("d", "e", "f"))
    assert said == ["another label picture of the photo", "other label pictures of the paintings"]
    assert differences(of("a", "b", "c"), of("a", "b", "c")) == []

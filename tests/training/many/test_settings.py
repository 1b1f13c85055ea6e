"""fst.training.many.settings: what does not belong together is told in one line."""

import copy
from typing import Any

import pytest
from tiny_runs import training_settings

from fst.errors import InputError
from fst.training.many.settings import check_frozen, check_typed, count_rows, is_of_many
from fst.training.settings import check_settings

ANY = training_settings("paintings.path=paintings", style="any")
SEVERAL = training_settings("style.name=both", "styles=[monet,poppies]", style="_several")
ONE = training_settings()
KINDS = {"any": ANY, "several": SEVERAL, "one": ONE}


def changed(kind: str, changes: dict[str, Any]) -> dict[str, Any]:
    settings = copy.deepcopy(KINDS[kind])
    for name, value in changes.items():
        group, _, key = name.rpartition(".")
        (settings[group] if group else settings)[key] = value
    return settings


@pytest.mark.parametrize("kind", KINDS)
def test_what_belongs_together_is_taken(kind: str) -> None:
    check_settings(KINDS[kind])
    check_typed(KINDS[kind], ["style.name", "style.tv_weight"])
    assert is_of_many(KINDS[kind]) == (kind != "one")


@pytest.mark.parametrize(
    ("kind", "changes", "says"),
    [
        ("any", {"paintings.path": None}, ["paintings.path=FOLDER"]),
        ("any", {"style.image": "my.jpg"}, ["my.jpg", "style=FILE", "paintings.path=FOLDER"]),
        ("any", {"styles": ["monet", "poppies"]}, ["net=any"]),
        ("any", {"loss.normalization": "course"}, ["normalization"]),
        ("any", {"loss.statistic": "moments"}, ["loss.statistic=moments", "Gram"]),
        ("any", {"net.name": "johnson", "net.arguments": {}}, ["net=johnson", "net=any"]),
        ("several", {"styles": None}, ["style=[monet,my.jpg]"]),
        ("several", {"style.image": "my.jpg"}, ["my.jpg", "style=[monet,my.jpg]"]),
        ("several", {"paintings.path": "paintings"}, ["paintings", "style=any"]),
        ("several", {"net.name": "johnson", "net.arguments": {}}, ["net=many", "net=johnson"]),
        ("one", {"style.name": "any"}, ["style.name"]),
        ("one", {"style.image": None}, ["style.image"]),
        ("one", {"style.size": None}, ["style.size", "pixels"]),
        ("one", {"paintings.path": "paintings"}, ["paintings.path=paintings", "style=any"]),
        (
            "one",
            {"net.name": "any", "net.arguments": {}},
            ["net=any", "monet_woman_with_a_parasol.jpg"],
        ),
        (
            "one",
            {"net.name": "many", "net.arguments": {}},
            ["net=many", "monet_woman_with_a_parasol.jpg"],
        ),
    ],
)
def test_what_does_not_is_one_line(kind: str, changes: dict[str, Any], says: list[str]) -> None:
    with pytest.raises(InputError) as caught:
        check_settings(changed(kind, changes))
    assert "\n" not in str(caught.value)
    for fact in says:
        assert fact in str(caught.value)


@pytest.mark.parametrize("kind", KINDS)
def test_random_convolutions_are_not_frozen(kind: str) -> None:
    check_frozen(changed(kind, {"freeze": True, "init": "base"}))
    with pytest.raises(InputError, match=r"freeze=true.*init="):
        check_frozen(changed(kind, {"freeze": True, "init": None}))


@pytest.mark.parametrize(
    ("kind", "typed", "says"),
    [
        ("one", "paintings.mixed", "style=any"),
        ("several", "paintings.cache", "style=any"),
        ("any", "style.size", "paintings.sizes"),
        ("any", "style.style_weight", "paintings.style_weights"),
        ("any", "loss.style_weight", "paintings.style_weights"),
        ("any", "style.strength_target", "paintings.style_weights"),
        ("several", "style.strength_target", "style.style_weight"),
        ("any", "style.margin", "one painting"),
        ("several", "style.margin", "one painting"),
    ],
)
def test_what_would_not_be_looked_at_is_refused(kind: str, typed: str, says: str) -> None:
    with pytest.raises(InputError) as caught:
        check_typed(KINDS[kind], ["style.name", typed])
    assert typed in str(caught.value)
    assert says in str(caught.value)


def test_a_group_of_paintings_is_needed_for_any_painting_alone() -> None:
    for kind in ("one", "several"):  # as composed by somebody's files of before
        check_settings({key: v for key, v in KINDS[kind].items() if key != "paintings"})
    lacking = copy.deepcopy(ANY)
    del lacking["paintings"]["variants"]
    with pytest.raises(InputError, match=r"paintings\.variants"):
        check_settings(lacking)
    with pytest.raises(InputError, match=r"paintings\.path"):
        check_settings({key: v for key, v in ANY.items() if key != "paintings"})


def test_a_net_of_several_styles_has_as_many_rows() -> None:
    settings = copy.deepcopy(SEVERAL)
    assert settings["net"]["arguments"]["styles"] == 1
    count_rows(settings)
    assert settings["net"]["arguments"]["styles"] == 2
    before = copy.deepcopy(ONE)
    count_rows(before)
    assert before == ONE

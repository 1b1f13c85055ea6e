"""fst.styles.style: what is known of a style, and how one gets a net where there is none."""

import pytest
from torch import nn

from fst.errors import CheckpointError
from fst.styles.style import SIZE, Style, term_weights
from fst.styles.trained import TrainedStyle


def test_a_style_says_its_size_and_weights_or_the_plain_size() -> None:
    about = {"size": 300, "style_weight": 9.0, "tv_weight": 0.25, "title": "Sea"}
    assert Style("sea", "sea", about).size == 300
    assert Style("sea", "sea", about).weights == {"style_weight": 9.0, "tv_weight": 0.25}
    assert (Style("sea", "sea", {}).size, Style("sea", "sea", {}).weights) == (SIZE, {})
    assert term_weights({"weight": 3.0, "content_weight": 2.0}) == {"content_weight": 2.0}


def test_a_trained_style_gives_its_net_and_description() -> None:
    trained = TrainedStyle(nn.Identity(), {"style": {"name": "sea"}})
    style = Style("sea", "sea", {}, trained=trained)
    assert style.net() is trained
    assert style.description == {"style": {"name": "sea"}}


@pytest.mark.parametrize(
    ("asked", "facts"),
    [
        ("sea", ["'sea'", "checkpoints", "fst train style=sea", "fst stylize --method optimize"]),
        (
            "mine/sea.jpg",
            ["mine/sea.jpg", "fst train style=mine/sea.jpg", "--method optimize"],
        ),
    ],
)
def test_a_style_without_a_net_says_how_to_get_one(asked: str, facts: list[str]) -> None:
    style = Style("sea", asked, {})
    assert style.description == {}
    with pytest.raises(CheckpointError) as caught:
        style.net()
    assert all(fact in str(caught.value) for fact in facts)
    assert "\n" not in str(caught.value)

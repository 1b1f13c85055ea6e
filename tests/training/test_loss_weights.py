"""Where the weights of the loss are given."""

import pytest
from tiny_runs import training_settings

from fst.errors import InputError
from fst.training.loss_weights import style_weights


def test_weights_given_for_the_loss_count_as_the_styles() -> None:
    found = style_weights(training_settings("loss.style_weight=5", "loss.tv_weight=0.25"))
    assert found == {"content_weight": None, "style_weight": 5, "tv_weight": 0.25}
    found = style_weights(training_settings("style.style_weight=5", "style.content_weight=2"))
    assert found == {"content_weight": 2, "style_weight": 5, "tv_weight": 0.5}
    found = style_weights(training_settings())
    assert found == {"content_weight": None, "style_weight": None, "tv_weight": 0.5}


def test_one_weight_given_twice_is_refused() -> None:
    with pytest.raises(InputError, match=r"5.*6") as caught:
        style_weights(training_settings("style.style_weight=5", "loss.style_weight=6"))
    assert "style_weight" in str(caught.value)


def test_the_third_weight_given_twice_is_refused_too() -> None:
    with pytest.raises(InputError, match=r"tv_weight=3.*tv_weight=1"):
        style_weights(training_settings("style.tv_weight=3", "loss.tv_weight=1"))

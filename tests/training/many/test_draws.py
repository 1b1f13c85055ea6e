"""fst.training.many.draws: the styles of a step follow from seed, step and position."""

import math
import random
from collections import Counter
from typing import Any

import pytest
import torch

from fst.errors import InputError
from fst.training.many.bank import StyleBank
from fst.training.many.draws import Styles, draw, held_out_styles


def equal(one: Styles, other: Styles) -> bool:
    grams = all(torch.equal(one.grams[layer], other.grams[layer]) for layer in one.grams)
    return grams and all(
        torch.equal(a, b) for a, b in zip(one, other, strict=True) if isinstance(a, torch.Tensor)
    )


def parts(styles: Styles, row: int) -> dict[int, float]:
    """The variants that a style is mixed of, with their shares."""
    return {int(v): styles.moments[row, v].item() for v in styles.moments[row].nonzero()[:, 0]}


def test_shapes_and_what_belongs_together(told: StyleBank) -> None:
    styles = draw(told, 3, 5, seed=1, mixed=0)
    assert styles.moments.shape == (5, told.moments.shape[1])
    assert styles.style_weight.shape == styles.stroke_size.shape == styles.variant.shape == (5,)
    for row, variant in enumerate(styles.variant.tolist()):
        assert parts(styles, row) == {variant: 1.0}
        assert styles.stroke_size[row] == (64 if variant % 4 < 2 else 96)
        assert torch.equal(styles.grams["relu1_1"][row], (variant + 1) * torch.eye(2))


def test_a_step_draws_the_same_again_whatever_came_before(told: StyleBank) -> None:
    first = draw(told, 7, 6, seed=2, mixed=0.5)
    torch.manual_seed(5)
    random.seed(5)
    draw(told, 8, 3, seed=2)
    assert equal(draw(told, 7, 6, seed=2, mixed=0.5), first)
    for step, seed in ((8, 2), (7, 3)):
        assert not equal(draw(told, step, 6, seed, mixed=0.5), first)


def test_devices_share_the_styles_of_a_step(told: StyleBank) -> None:
    whole = draw(told, 4, 6, seed=0, mixed=0.5)
    for first in (0, 2, 4):
        part = draw(told, 4, 2, seed=0, mixed=0.5, first=first)
        there = slice(first, first + 2)
        grams = {layer: gram[there] for layer, gram in whole.grams.items()}
        cut = (whole.style_weight[there], whole.stroke_size[there], whole.variant[there])
        assert equal(part, Styles(whole.moments[there], grams, *cut))


def test_every_variant_is_as_likely(told: StyleBank) -> None:
    counts = Counter(draw(told, 0, 3000, seed=0, mixed=0).variant.tolist())
    assert set(counts) == set(range(12))
    assert all(200 < count < 300 for count in counts.values())


def test_mixtures_lie_between_two_paintings_at_one_size(told: StyleBank) -> None:
    styles = draw(told, 0, 2000, seed=0, mixed=0.25)
    shares, pairs = [], set()
    for row, variant in enumerate(styles.variant.tolist()):
        found = parts(styles, row)
        assert sum(found.values()) == pytest.approx(1, abs=1e-5)
        if len(found) == 1:
            assert found == {variant: 1.0}
            continue
        (other,) = set(found) - {variant}
        assert variant // 4 != other // 4  # another painting
        assert variant % 4 // 2 == other % 4 // 2  # at the same size
        pairs.add((variant, other))
        shares.append(found[other])
        expected = sum(share * (v + 1) for v, share in found.items())
        assert torch.allclose(styles.grams["relu1_1"][row], expected * torch.eye(2), rtol=1e-5)
    assert 430 < len(shares) < 570
    assert len(pairs) == 12 * 4  # two other paintings, two variants at that size
    assert min(shares) < 0.05
    assert max(shares) > 0.95
    assert 0.45 < sum(shares) / len(shares) < 0.55


def test_a_bank_of_one_painting_has_no_mixtures(told: StyleBank) -> None:
    alone = StyleBank(["a"], told.seen, [{
        "moments": told.moments[:4],
        "top.relu1_1": torch.ones(4),
        "gram.relu1_1": torch.ones(4, 3).half(),
    }])  # fmt: skip
    styles = draw(alone, 0, 50, seed=0, mixed=1.0)
    assert all(len(parts(styles, row)) == 1 for row in range(50))


def test_style_weights_are_as_likely_in_every_octave(told: StyleBank) -> None:
    logs = draw(told, 0, 3000, seed=0, style_weights=(2, 32)).style_weight.log2()
    assert 1 <= logs.min() < 1.05
    assert 4.95 < logs.max() <= 5
    counts = torch.histc(logs, 4, 1, 5)
    assert counts.min() > 650
    assert counts.max() < 850
    alone = draw(told, 0, 5, seed=0, style_weights=(6, 6)).style_weight
    assert torch.allclose(alone, torch.full((5,), 6.0))


WRONG: dict[str, tuple[str, Any]] = {
    "mixed above one": ("mixed", 1.5),
    "no share": ("mixed", math.nan),
    "a single weight": ("style_weights", [2]),
    "weights the wrong way round": ("style_weights", [40, 2]),
    "a weight of nothing": ("style_weights", [0, 2]),
}


@pytest.mark.parametrize("kind", WRONG)
def test_a_wrong_number_is_named(kind: str, told: StyleBank) -> None:
    name, value = WRONG[kind]
    with pytest.raises(InputError, match=f"paintings.{name} must be"):
        draw(told, 0, 2, 0, **{name: value})


def test_held_out_paintings_are_seen_as_they_are(told: StyleBank) -> None:
    styles = held_out_styles(told, 96, 5.0)
    assert styles.variant.tolist() == [2, 6, 10]
    assert styles.stroke_size.tolist() == [96.0] * 3
    assert styles.style_weight.tolist() == [5.0] * 3
    assert [parts(styles, row) for row in range(3)] == [{2: 1.0}, {6: 1.0}, {10: 1.0}]
    with pytest.raises(InputError, match=r"64, 96.*512"):
        held_out_styles(told)

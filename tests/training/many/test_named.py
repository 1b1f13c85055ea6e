"""fst.training.many.named: several styles in one net."""

from pathlib import Path
from typing import Any

import pytest
import torch
from support import make_photo

from fst.errors import InputError
from fst.losses.colors import color_moments
from fst.losses.functional import gram_matrix
from fst.losses.perceptual import PerceptualLoss
from fst.training.many.named import check_rows, in_turn, named_work, rows_of

STYLE: dict[str, Any] = {"name": "both", "size": None, "content_weight": None, "style_weight": None}


def test_a_shipped_style_keeps_what_its_file_says_and_a_painting_has_its_name() -> None:
    monet, poppies, mine = rows_of(["monet", "poppies", "pictures/my boat.jpg"], STYLE)
    assert (monet["painter"], monet["year"], monet["size"]) == ("Claude Monet", 1875, 512)
    assert (poppies["image"], poppies["size"]) == ("poppies_small.jpg", 300)  # of its own
    assert (mine["name"], mine["image"]) == ("my boat", "pictures/my boat.jpg")
    assert mine["title"] is None
    assert {row["style_weight"] for row in (monet, poppies, mine)} == {6.0}


def test_size_and_weight_that_are_given_hold_for_all() -> None:
    for size in (384, 512):
        rows = rows_of(["poppies", "a.jpg"], STYLE | {"size": size, "style_weight": 9.0})
        assert [(row["size"], row["style_weight"]) for row in rows] == [(size, 9.0)] * 2


@pytest.mark.parametrize(
    ("named", "says"),
    [
        (["monet", "monet"], "monet twice"),
        (["one/a.jpg", "two/a.png"], "a twice"),
        (["monet", "base.jpg"], "base"),
        (["monet", "any.jpg"], "any"),
        (["monet", "mine/poppies.jpg"], "rename"),
    ],
)
def test_a_name_is_a_style_of_its_own(named: list[str], says: str) -> None:
    with pytest.raises(InputError, match=says) as caught:
        rows_of(named, STYLE)
    assert "\n" not in str(caught.value)


def test_what_a_run_knows_of_its_styles_is_not_believed() -> None:
    rows = rows_of(["monet", "a.jpg"], STYLE)
    check_rows(rows, 2)
    wrong = [None, [1, 2], rows[:1], [rows[0], "a"], [rows[0], {**rows[1], "size": "large"}]]
    wrong.append([rows[0], {key: value for key, value in rows[1].items() if key != "image"}])
    for other in wrong:
        with pytest.raises(InputError, match="rows"):
            check_rows(other, 2)


def test_photos_take_the_styles_in_turn() -> None:
    turns = in_turn(5, 0, 40, seed=1).view(8, 5)
    assert all(sorted(cycle) == [0, 1, 2, 3, 4] for cycle in turns.tolist())
    assert len({tuple(cycle) for cycle in turns.tolist()}) > 1  # in another order
    # the same from any place on, whatever else was drawn
    torch.manual_seed(9)
    assert torch.equal(in_turn(5, 13, 9, seed=1), turns.flatten()[13:22])
    assert not torch.equal(in_turn(5, 0, 40, seed=2), turns.flatten())


def test_the_paintings_are_seen_by_each_judge(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, random_loss: PerceptualLoss
) -> None:
    monkeypatch.chdir(tmp_path)
    for i in range(3):
        make_photo(48, 40, seed=i).save(f"p{i}.png")
    settings: dict[str, Any] = {
        "styles": [f"p{i}.png" for i in range(3)],
        "style": STYLE | {"size": 40, "style_weight": 7.0},
        "data": {"batch_size": 2},
        "seed": 3,
    }
    work = named_work(settings, torch.device("cpu"))
    judged = work.measured(random_loss)
    for i, painting in enumerate(work.paintings):
        assert max(painting.shape[2:]) == 40
        for layer, gram in judged.held_out.grams.items():
            features = random_loss.vgg(painting, [layer])[layer]
            torch.testing.assert_close(gram[i], gram_matrix(features)[0])
        # for color_weight
        torch.testing.assert_close(judged.held_out.moments[i, -9:], color_moments(painting)[0])
    assert judged.held_out.style_weight.tolist() == [7.0] * 3
    drawn = judged.draw(4, 2, 0)
    expected = in_turn(3, 8, 2, seed=3)
    assert torch.equal(drawn.variant, expected)
    assert torch.equal(drawn.grams["relu1_1"], judged.held_out.grams["relu1_1"][expected])
    # of two devices, the second takes the second photo of the batch
    assert torch.equal(judged.draw(4, 1, 1).variant, expected[1:])
    assert work.about["styles"] == settings["rows"]

"""fst.styles.several: which paintings one picture is optimized for, and their shares."""

from pathlib import Path

import pytest
import torch
from support import make_photo

from fst.errors import FstWarning, InputError
from fst.nets import make_net
from fst.styles.several import find_optimized, mixture
from fst.styles.trained import TrainedStyle, save_checkpoint


@pytest.fixture(autouse=True)
def place(offline: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two paintings, and two trained nets of the first one."""
    monkeypatch.chdir(tmp_path)
    for number, name in enumerate(("a.png", "b.png")):
        make_photo(48, 40, seed=number).save(name)
    Path("checkpoints").mkdir()
    for number, name in enumerate(("one", "two")):
        torch.manual_seed(number)
        net = {"name": "johnson", "arguments": {"width": 4, "residual_blocks": 1}}
        about = {"net": net, "style": {"name": name, "image": "./a.png", "size": 32}}
        save_checkpoint(Path("checkpoints", f"{name}.safetensors"),
                        TrainedStyle(make_net(**net), about))  # fmt: skip


def test_paintings_with_shares_are_a_mixture() -> None:
    style = find_optimized("a.png=0.6,b.png=0.4")
    assert [one.image for one in style.paintings] == ["a.png", "b.png"]
    assert style.shares == {"a.png": 0.6, "b.png": 0.4}
    assert (style.name, style.trained, style.image) == ("a-b", None, None)


def test_shares_are_divided_by_their_sum_and_that_is_said() -> None:
    with pytest.warns(FstWarning, match="add up to 4"):
        style = find_optimized("a.png=3,b.png=1")
    assert style.shares == {"a.png": 0.75, "b.png": 0.25}


def test_trained_styles_are_meant_by_their_paintings_where_pixels_are_to_be_optimized() -> None:
    style = find_optimized("one=0.5,b.png=0.5", Path("checkpoints"), method="optimize")
    assert [one.image for one in style.paintings] == ["./a.png", "b.png"]
    assert style.paintings[0].size == 32
    nets = find_optimized("one=0.5,two=0.5", Path("checkpoints"))
    assert (nets.paintings, nets.trained is None) == ((), False)  # a blend of nets, as ever
    both = find_optimized("one=0.5,two=0.5", Path("checkpoints"), method="optimize")
    assert len(both.paintings) == 2


def test_one_style_is_itself() -> None:
    style = find_optimized("a.png")
    assert (style.image, style.paintings) == ("a.png", ())


def test_what_has_no_painting_is_named() -> None:
    blend = find_optimized("one=0.5,two=0.5", Path("checkpoints"))
    with pytest.raises(InputError, match=r"one=0\.5,two=0\.5 has no painting"):
        mixture("x", [blend], {"x": 1.0})

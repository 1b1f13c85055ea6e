"""fst.styles.predicted: the net of any painting, and what is asked of it."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from support import make_photo, shaken_net
from tiny_any import NET, make_any, save_any

from fst.errors import CheckpointError, FstWarning, InputError
from fst.image.io import load_image
from fst.image.painting import load_painting
from fst.image.picture import Picture
from fst.inference.options import PassOptions
from fst.inference.stylizers import make_stylizer
from fst.losses.functional import gram_matrix
from fst.losses.moments import moments_network, painting_moments
from fst.nets.conditional import AnyNet
from fst.nets.johnson import JohnsonNet
from fst.styles import kept
from fst.styles import predicted as module
from fst.styles.catalog import find_style
from fst.styles.objective import load_objective
from fst.styles.predicted import STROKE_SIZES, WEIGHTS, Asked, find_any, load_any
from fst.styles.trained import TrainedStyle, load_checkpoint, save_checkpoint

CHECKPOINTS = Path("checkpoints")


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder with a tiny any-painting net and two paintings, and no other assets."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("FST_ASSETS", raising=False)
    save_any(CHECKPOINTS)
    make_photo(60, 40, seed=1).save("a.png")
    make_photo(50, 50, seed=2).save("b.png")


def predicted(style: str, **asked: Any) -> TrainedStyle:
    return find_style(style, CHECKPOINTS, asked=asked).net()


def embedding_of(file: str, weight: float, size: int) -> torch.Tensor:
    """By hand, in the net as its file has it."""
    net = load_checkpoint(CHECKPOINTS / "any.safetensors").net
    assert isinstance(net, AnyNet)
    moments = painting_moments(moments_network(), load_painting(file, size))
    return net.predict(moments, torch.tensor([weight]), torch.tensor([float(size)]))[0]


def test_a_paintings_net_is_an_ordinary_net_that_paints_as_the_conditional_one() -> None:
    style = predicted("a.png", style_weight=9, stroke_size=300)
    assert type(style.net) is JohnsonNet
    net = load_checkpoint(CHECKPOINTS / "any.safetensors").net
    photos = torch.rand(2, 3, 24, 32, generator=torch.Generator().manual_seed(0))
    rows = torch.stack([embedding_of("a.png", 9.0, 300), embedding_of("b.png", 12.0, 512)])
    both = net(photos, rows)
    torch.testing.assert_close(style.net(photos[:1]), both[:1], rtol=0, atol=1e-4)
    torch.testing.assert_close(predicted("b.png").net(photos[1:]), both[1:], rtol=0, atol=1e-4)
    assert not torch.allclose(both[0], net(photos[:1], rows[1:])[0], atol=1e-2)  # they differ


def test_what_is_asked_is_said_and_what_is_not_is_the_styles_own_or_usual() -> None:
    style = find_style("a.png", CHECKPOINTS, asked={})
    assert style.predicted
    assert (style.name, style.image, style.size) == ("a", "a.png", 512)
    assert style.weights == {"content_weight": 1.0, "style_weight": 12.0, "tv_weight": 0.5}
    style = find_style("a.png", CHECKPOINTS, asked={"stroke_size": 300, "style_weight": 12})
    assert (style.size, style.weights["style_weight"]) == (300, 12.0)
    with pytest.warns(FstWarning, match="portrait"):
        poppies = find_style("poppies", CHECKPOINTS, asked={})
    assert (poppies.size, poppies.about["painter"]) == (300, "Claude Monet")  # its file's


def test_without_being_asked_nothing_is_predicted() -> None:
    assert find_style("a.png", CHECKPOINTS).trained is None
    Path("empty").mkdir()
    assert find_style("a.png", Path("empty"), asked={}).trained is None


def test_a_trained_style_stays_what_it_is() -> None:
    net = {"name": "johnson", "arguments": {"width": 4, "residual_blocks": 2}}
    about = {"net": net, "style": {"name": "a", "image": "a.png"}}
    save_checkpoint(CHECKPOINTS / "a.safetensors", TrainedStyle(shaken_net("nearest"), about))
    style = find_style("a", CHECKPOINTS, asked={})
    assert style.trained is not None
    assert not style.predicted


def test_a_painting_may_be_a_picture() -> None:
    picture = load_image("a.png")
    found = find_style(picture, CHECKPOINTS, asked={})
    assert found.predicted
    for key, value in predicted("a.png").net.state_dict().items():
        assert torch.equal(value, found.net().net.state_dict()[key]), key
    Path("empty").mkdir()
    with pytest.raises(CheckpointError, match=r"any-painting net.*empty.*optimize"):
        find_style(picture, Path("empty"), asked={}).net()


def test_a_mixture_of_nets_is_the_net_of_the_mixed_numbers() -> None:
    style = find_style("a.png=0.75,b.png=0.25", CHECKPOINTS, asked={})
    assert style.predicted
    rows = [embedding_of(file, 12.0, 512) for file in ("a.png", "b.png")]
    net = load_checkpoint(CHECKPOINTS / "any.safetensors").net
    assert isinstance(net, AnyNet)
    expected = net.net_for(0.75 * rows[0] + 0.25 * rows[1]).state_dict()
    for key, value in style.net().net.state_dict().items():
        torch.testing.assert_close(value, expected[key], rtol=1e-4, atol=1e-5)


def test_paintings_mix_with_trained_nets_of_the_same_kind_and_with_no_others() -> None:
    for name, blocks in (("like", 1), ("unlike", 2)):
        arguments = {"width": 4, "residual_blocks": blocks, "upsampling": "bilinear"}
        about = {"net": {"name": "johnson", "arguments": arguments}, "style": {"name": name}}
        path = CHECKPOINTS / f"{name}.safetensors"
        save_checkpoint(path, TrainedStyle(JohnsonNet(**arguments), about))
    style = find_style("like=0.5,a.png=0.5", CHECKPOINTS, asked={})
    one = load_checkpoint(CHECKPOINTS / "like.safetensors").net.state_dict()
    other = predicted("a.png").net.state_dict()
    for key, value in style.net().net.state_dict().items():
        torch.testing.assert_close(value, (one[key] + other[key]) / 2)
    with pytest.raises(CheckpointError, match=r"unlike and a\.png can't be blended"):
        find_style("unlike=0.5,a.png=0.5", CHECKPOINTS, asked={})


def test_the_loss_is_that_of_the_painting_at_its_stroke_size() -> None:
    style = predicted("a.png", stroke_size=320, style_weight=20)
    painting, loss = load_objective(style, torch.device("cpu"), weights="slim")
    assert torch.equal(painting, load_painting("a.png", 320))
    assert (loss.content_weight, loss.style_weight, loss.tv_weight) == (1.0, 20.0, 0.5)
    features = loss.vgg(painting, ["relu2_1"])["relu2_1"]
    torch.testing.assert_close(loss.gram_relu2_1, gram_matrix(features))


# --- the any-painting net ------------------------------------------------------------------------


def test_the_net_is_read_once_as_long_as_it_stays_the_same() -> None:
    first = load_any(CHECKPOINTS)
    assert load_any(CHECKPOINTS) is first
    save_any(CHECKPOINTS, seed=5)
    second = load_any(CHECKPOINTS)
    assert first is not None
    assert second is not None
    assert second.digest != first.digest
    half = {key: value.half().float() for key, value in make_any(5).state_dict().items()}
    for key, value in second.net.state_dict().items():
        assert torch.equal(value, half[key]), key
    (CHECKPOINTS / "any.safetensors").unlink()
    assert find_any(CHECKPOINTS) is None
    assert load_any(CHECKPOINTS) is None


def test_another_net_of_that_name_and_another_slim_network_are_refused() -> None:
    save_any(Path("other"), network="0" * 64)
    with pytest.raises(CheckpointError, match="another slim network"):
        find_style("a.png", Path("other"), asked={})
    about = {
        "net": {"name": "johnson", "arguments": {"width": 4, "residual_blocks": 2}},
        "style": {"name": "any"},
    }
    path = Path("other/any.safetensors")
    save_checkpoint(path, TrainedStyle(shaken_net("nearest"), about))
    with pytest.raises(CheckpointError, match=r"any\.safetensors is no any-painting net.*johnson"):
        find_style("a.png", Path("other"), asked={})


@pytest.mark.parametrize("said", ["x", [], {"network": None}])
def test_what_a_file_says_of_its_paintings_is_not_believed(said: object) -> None:
    Path("odd").mkdir()
    about = {"net": NET, "style": {"name": "any"}, "paintings": said}
    save_checkpoint(Path("odd/any.safetensors"), TrainedStyle(make_any(), about))
    if isinstance(said, dict):
        assert find_style("a.png", Path("odd"), asked={}).predicted
    else:
        with pytest.raises(CheckpointError, match="paintings must be names and values"):
            find_style("a.png", Path("odd"), asked={})


def test_reading_it_imports_no_compiler() -> None:
    """That takes seconds, and is what drawing random numbers on the meta device comes to."""
    code = (
        "import sys; from pathlib import Path; from fst.styles.predicted import load_any; "
        "assert load_any(Path('checkpoints')) is not None; print('torch._dynamo' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_another_default_type_changes_nothing() -> None:
    expected = predicted("a.png").net.state_dict()
    torch.set_default_dtype(torch.float64)
    try:
        found = predicted("a.png").net.state_dict()
    finally:
        torch.set_default_dtype(torch.float32)
    for key, value in found.items():
        assert torch.equal(value, expected[key]), key


# --- mistakes ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "facts"),
    [
        ({"stroke_size": 255}, ["stroke_size", "256", "768", "255"]),
        ({"stroke_size": 769}, ["stroke_size", "256", "768", "769"]),
        ({"stroke_size": 300.5}, ["stroke_size", "300.5"]),
        ({"style_weight": 1.9}, ["style_weight", "2", "40", "1.9"]),
        ({"style_weight": 41}, ["style_weight", "2", "40", "41"]),
        ({"style_weight": float("nan")}, ["style_weight", "nan"]),
    ],
)
def test_what_the_net_has_not_learned_is_one_line_that_says_what_can(
    asked: dict[str, Any], facts: list[str]
) -> None:
    with pytest.raises(InputError) as caught:
        find_style("a.png", CHECKPOINTS, asked=asked)
    assert "\n" not in str(caught.value)
    assert all(fact in str(caught.value) for fact in [*facts, "--method optimize"])


def test_the_ends_of_what_can_be_asked_can_be() -> None:
    for weight in WEIGHTS:
        for size in STROKE_SIZES:
            assert Asked(weight, size) == Asked(float(weight), size)
    assert Asked() == Asked(12.0, 512)


@pytest.mark.parametrize(
    ("name", "facts"),
    [
        ("flat.png", ["flat.png", "one color"]),
        ("small.png", ["small.png", "15x15", "16"]),
        ("thin.png", ["thin.png", "512x15", "16"]),
        ("text.png", ["text.png"]),
        ("empty.png", ["empty.png"]),
        ("broken.png", ["broken.png"]),
        ("clear.png", ["clear.png", "transparent"]),
    ],
)
def test_no_painting_to_learn_from_is_one_line(name: str, facts: list[str]) -> None:
    Image.new("RGB", (40, 40), "red").save("flat.png")
    make_photo(15, 15).save("small.png")
    make_photo(570, 17).save("thin.png")
    Path("text.png").write_text("no picture")
    Path("empty.png").touch()
    Path("broken.png").write_bytes(Path("a.png").read_bytes()[:200])
    Image.new("RGBA", (40, 40), (9, 9, 9, 0)).save("clear.png")
    with pytest.raises(InputError) as caught:
        find_style(name, CHECKPOINTS, asked={})
    assert "\n" not in str(caught.value)
    assert all(fact in str(caught.value) for fact in facts)
    with pytest.raises(InputError):
        find_style(f"{name}=0.5,a.png=0.5", CHECKPOINTS, asked={})


def test_a_painting_may_be_gone_once_it_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = predicted("a.png", stroke_size=320).digest
    gone, elsewhere = (find_style("a.png", CHECKPOINTS, asked={}) for _ in range(2))
    assert gone.fitted is not None
    assert elsewhere.fitted is not None
    (tmp_path / "other").mkdir()
    Path("b.png").rename("other/a.png")
    monkeypatch.chdir(tmp_path / "other")
    assert elsewhere.fitted(320).digest == expected
    (tmp_path / "a.png").unlink()
    assert gone.fitted(320).digest == expected


def test_a_painting_too_thin_for_a_small_photos_strokes_is_seen_as_usual() -> None:
    make_photo(500, 20, seed=3).save("thin.png")  # 10 pixels high at 256, and 16 are the least
    style = find_style("thin.png", CHECKPOINTS, asked={})
    assert style.fitted is not None
    assert style.fitted(200).digest == predicted("thin.png", stroke_size=512).digest
    assert style.fitted(700).digest == predicted("thin.png", stroke_size=704).digest
    with pytest.raises(InputError, match="256x10"):
        predicted("thin.png", stroke_size=256)  # chosen, it is told


def test_a_large_jpeg_is_decoded_in_part_and_a_usual_one_whole(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    decoded: list[tuple[int, int]] = []
    read = kept.open_painting

    def see(file: Any, *others: Any, **named: Any) -> Picture:
        picture = read(file, *others, **named)
        decoded.append(picture.size)
        return picture

    make_photo(2400, 2100, seed=1).save("large.jpg")
    make_photo(2400, 2000, seed=1).save("usual.jpg")
    whole = embedding_of("large.jpg", 12.0, 256)
    monkeypatch.setattr(kept, "open_painting", see)
    of_part = predicted("large.jpg", stroke_size=256).net.state_dict()
    predicted("usual.jpg", stroke_size=256)
    assert decoded == [(1200, 1050), (2400, 2000)]
    net = load_checkpoint(CHECKPOINTS / "any.safetensors").net
    assert isinstance(net, AnyNet)
    for key, value in net.net_for(whole).state_dict().items():
        torch.testing.assert_close(of_part[key], value, rtol=0.05, atol=0.02)


@pytest.mark.parametrize(("side", "size"), [(20, 256), (300, 320), (384, 384), (9000, 768)])
def test_strokes_fit_the_photo_unless_they_are_chosen(side: int, size: int) -> None:
    style = find_style("a.png", CHECKPOINTS, asked={})
    assert style.fitted is not None
    found = style.fitted(side)
    assert found.description["style"]["size"] == size
    assert found.digest == predicted("a.png", stroke_size=size).digest
    assert style.description["predicted"]["stroke_size"] == "fits"
    assert find_style("a.png", CHECKPOINTS, asked={"stroke_size": size}).fitted is None
    blend = find_style("a.png=0.5,b.png=0.5", CHECKPOINTS, asked={})
    assert blend.fitted is not None
    mean = [predicted(name, stroke_size=size).net.out.bias for name in ("a.png", "b.png")]
    torch.testing.assert_close(blend.fitted(side).net.out.bias, torch.stack(mean).mean(0))


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Long sides of the paintings whose moments are read, one by one."""
    sides: list[int] = []

    def see(network: Any, painting: torch.Tensor) -> torch.Tensor:
        sides.append(max(painting.shape[2:]))
        return painting_moments(network, painting)

    monkeypatch.setattr(module, "painting_moments", see)
    return sides


def test_a_painting_is_seen_once_at_the_size_that_is_painted(seen: list[int]) -> None:
    make_photo(600, 500, seed=1).save("a.png")
    style = find_style("a.png", CHECKPOINTS, asked={})
    stylizer = make_stylizer(style, pass_options=PassOptions(backend="eager"))
    assert (style.size, style.predicted, seen) == (512, True, [])
    for side in (300, 330, 40, 300):
        stylizer(torch.rand(1, 3, 24, side))
    assert seen == [320, 256]
    stylizer.painter  # noqa: B018
    assert seen == [320, 256, 512]


def test_each_painting_of_a_blend_is_seen_once(seen: list[int]) -> None:
    style = find_style("a.png=0.5,b.png=0.5", CHECKPOINTS, asked={})
    stylizer = make_stylizer(style, pass_options=PassOptions(backend="eager"))
    assert seen == []
    for _ in range(2):
        stylizer(torch.rand(1, 3, 24, 270))
    assert seen == [256, 256]
    assert find_style("a.png=0.5,b.png=0.5", CHECKPOINTS, asked={"stroke_size": 320}).predicted
    assert seen[2:] == [320, 320]

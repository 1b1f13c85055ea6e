"""Which style is meant, what paints in it, and the loss it was trained with."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from support import make_photo
from tiny_any import save_any
from torch import Tensor

from fst.choices import MARGIN
from fst.errors import AssetError, CheckpointError, InputError
from fst.inference.optimizing import OptimizingStylizer
from fst.inference.options import PassOptions
from fst.inference.painter import NetPainter
from fst.inference.pixel_options import PixelOptions
from fst.inference.stylizers import FeedForwardStylizer, Stylizer
from fst.inference.stylizers import make_stylizer as make
from fst.losses.functional import gram_matrix
from fst.losses.perceptual import PerceptualLoss
from fst.nets import make_net
from fst.optimization.pixels import Iterate
from fst.styles import catalog
from fst.styles.catalog import find_style
from fst.styles.objective import load_objective, style_target
from fst.styles.trained import TrainedStyle, load_checkpoint, save_checkpoint

SMALL_LOSS: dict[str, Any] = {
    "weights": "random",
    "content_layers": {"relu2_2": 1.0},
    "style_layers": {"relu1_1": 1.0, "relu2_1": 1.0},
}


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In an empty folder, with no assets but the test's own."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("FST_ASSETS", raising=False)


@pytest.fixture
def photo() -> Tensor:
    return torch.rand(1, 3, 20, 24, generator=torch.Generator().manual_seed(5))


@pytest.fixture
def checkpoints(tmp_path: Path) -> Path:
    """A folder with one trained style, called ``mine``."""
    folder = tmp_path / "checkpoints"
    folder.mkdir()
    write_style(folder, "mine")
    return folder


@pytest.fixture
def paintings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An FST_ASSETS folder's paintings: ``mine.png`` (48x40), and the shipped Monet (40x48)."""
    folder = tmp_path / "assets" / "styles"
    folder.mkdir(parents=True)
    make_photo(48, 40, seed=1).save(folder / "mine.png")
    make_photo(40, 48, seed=2).save(folder / "monet_woman_with_a_parasol.jpg", quality=95)
    monkeypatch.setenv("FST_ASSETS", str(tmp_path / "assets"))
    return folder


def make_stylizer(
    style: str,
    method: str = "auto",
    checkpoints: Path | None = None,
    margin: int | None = None,
    loss: dict[str, Any] | None = None,
    settings: dict[str, Any] | None = None,
    **pixels: Any,
) -> Stylizer:
    """Finds the style and makes what paints in it."""
    options = PixelOptions(**(loss or {}), **(settings or {}), **pixels)
    return make(find_style(style, checkpoints), method, PassOptions(margin=margin), options)


def painting_and_weights(style: str, size: int | None = None) -> tuple[Tensor, dict[str, float]]:
    """What a loss is made of, for a style without a checkpoint."""
    found = find_style(style)
    assert found.image is not None
    return style_target(found.image, size or found.size), found.weights


def write_style(folder: Path, name: str, **style: object) -> Path:
    net = {"name": "johnson", "arguments": {"width": 4, "residual_blocks": 1}}
    torch.manual_seed(0)
    about = {"net": net, "style": {"name": name, **style}}
    save_checkpoint(folder / f"{name}.safetensors", TrainedStyle(make_net(**net), about))
    return folder / f"{name}.safetensors"


def read(path: Path) -> Tensor:
    with Image.open(path) as image:
        array = np.asarray(image.convert("RGB"), dtype=np.float32) / 255
    return torch.from_numpy(array).permute(2, 0, 1)[None]


def assert_loss_is_for(loss: PerceptualLoss, painting: Tensor) -> None:
    """The loss's Gram matrix is that of ``painting``'s own features."""
    for layer in loss.style_layers:
        expected = gram_matrix(loss.vgg(painting, [layer])[layer])
        torch.testing.assert_close(getattr(loss, f"gram_{layer}"), expected)


# --- which style ---------------------------------------------------------------------------------


def test_a_trained_style_is_found_by_name(checkpoints: Path) -> None:
    found = find_style("mine", checkpoints)
    assert (found.trained is not None, found.name) == (True, "mine")


def test_the_checkpoints_here_are_looked_through_without_being_named() -> None:
    Path("checkpoints").mkdir()
    write_style(Path("checkpoints"), "mine")
    assert find_style("mine").net().name == "mine"


def test_a_checkpoints_path_gives_the_name_it_was_trained_under(checkpoints: Path) -> None:
    path = (checkpoints / "mine.safetensors").rename(checkpoints / "backup.safetensors")
    assert find_style(str(path), checkpoints).name == "mine"


def test_a_paintings_path_is_a_style_without_a_checkpoint(
    tmp_path: Path, checkpoints: Path
) -> None:
    make_photo().save(tmp_path / "My Painting.JPG", format="JPEG")
    path = tmp_path / "My Painting.JPG"
    found = find_style(str(path), checkpoints)
    assert (found.trained, found.name) == (None, "My Painting")


def test_a_style_file_without_a_checkpoint_is_known_by_name(checkpoints: Path) -> None:
    found = find_style("monet", checkpoints)
    assert (found.trained, found.name) == (None, "monet")


@pytest.mark.usefixtures("paintings")
def test_a_painting_of_the_assets_is_known_by_name(tmp_path: Path, checkpoints: Path) -> None:
    (tmp_path / "assets" / "styles" / "mine.png").rename(
        tmp_path / "assets" / "styles" / "sunset.png"
    )
    found = find_style("sunset", checkpoints)
    assert (found.trained, found.name) == (None, "sunset")


def test_an_unknown_style_names_those_there_are(checkpoints: Path) -> None:
    with pytest.raises(InputError, match=r"'nosuch'.*: mine;.*great_wave.*monet") as caught:
        find_style("nosuch", checkpoints)
    assert "\n" not in str(caught.value)


def test_without_any_checkpoint_the_error_says_none(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="none"):
        find_style("nosuch", tmp_path)


@pytest.mark.parametrize("suffix", ["pth", "pt", "ckpt", "model", "bin"])
def test_a_pickle_is_refused(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"style.{suffix}"
    torch.save({"weight": torch.ones(1)}, path)
    with pytest.raises(CheckpointError, match=r"refused.*\.safetensors"):
        find_style(str(path))


def test_a_checkpoint_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"gone\.safetensors"):
        find_style(str(tmp_path / "gone.safetensors"))


@pytest.mark.parametrize("name", ["", "."])
def test_a_folder_is_no_style(checkpoints: Path, name: str) -> None:
    with pytest.raises(InputError, match="no style"):
        find_style(name, checkpoints)


def test_of_a_folder_of_paintings_one_is_to_be_given(
    checkpoints: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("gallery").mkdir()
    for name in ("gallery", "./gallery/"):
        with pytest.raises(InputError, match=rf"{name}.*one painting.*fst sheet"):
            find_style(name, checkpoints)


@pytest.mark.usefixtures("paintings")
@pytest.mark.parametrize(("name", "trained"), [("mine", True), ("monet", False), ("sunset", False)])
def test_a_folder_of_the_same_name_hides_no_style(
    paintings: Path, checkpoints: Path, name: str, trained: bool
) -> None:
    """``--style monet --output monet/``, and then once more."""
    make_photo().save(paintings / "sunset.png")
    Path(name).mkdir()
    found = find_style(name, checkpoints)
    assert (found.trained is not None, found.name) == (trained, name)


@pytest.mark.usefixtures("paintings")
def test_a_folder_is_not_taken_for_a_painting_of_its_name(paintings: Path) -> None:
    make_photo(48, 40, seed=3).save(paintings / "sunset.png")
    Path("sunset").mkdir()
    painting, _ = painting_and_weights("sunset", 48)
    torch.testing.assert_close(painting, read(paintings / "sunset.png"), rtol=0, atol=1e-6)


# --- paintings -----------------------------------------------------------------------------------


def test_a_painting_comes_at_512_pixels_unless_told_otherwise(paintings: Path) -> None:
    painting, weights = painting_and_weights(str(paintings / "mine.png"))
    assert painting.shape == (1, 3, round(512 * 40 / 48), 512)
    assert weights == {}
    assert painting_and_weights("mine", 24)[0].shape == (1, 3, 20, 24)


def test_a_painting_at_its_own_size_is_its_own_pixels(paintings: Path) -> None:
    painting, _ = painting_and_weights(str(paintings / "mine.png"), 48)
    torch.testing.assert_close(painting, read(paintings / "mine.png"), rtol=0, atol=1e-6)


def test_a_style_file_sets_painting_size_and_weights(
    paintings: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    about = {"name": "dusk", "image": "mine.png", "size": 36, "style_weight": 7.0, "title": "Dusk"}
    monkeypatch.setattr(catalog, "style_names", lambda: ["dusk"])
    monkeypatch.setattr(catalog, "read_style", lambda name: about)
    painting, weights = painting_and_weights("dusk")
    assert painting.shape == (1, 3, 30, 36)
    assert weights == {"style_weight": 7.0}
    assert painting_and_weights("dusk", 24)[0].shape == (1, 3, 20, 24)


# --- what paints ---------------------------------------------------------------------------------


def test_a_style_with_a_checkpoint_is_painted_in_one_pass(checkpoints: Path, photo: Tensor) -> None:
    stylizer = make_stylizer("mine", checkpoints=checkpoints, margin=0)
    assert isinstance(stylizer, FeedForwardStylizer)
    with torch.no_grad():
        expected = load_checkpoint(checkpoints / "mine.safetensors").net(photo)
    torch.testing.assert_close(stylizer(photo), expected, rtol=0, atol=1e-5)
    wider = NetPainter(stylizer.style.net, margin=MARGIN)(photo)
    usual = make_stylizer("mine", checkpoints=checkpoints)
    torch.testing.assert_close(usual(photo), wider)


@pytest.mark.parametrize(("said", "margin"), [(None, MARGIN), (8, 8), (32, 32), (0, 0)])
def test_a_net_is_painted_with_the_margin_that_its_style_says(
    tmp_path: Path, said: int | None, margin: int
) -> None:
    path = write_style(tmp_path, "mine", **({} if said is None else {"margin": said}))
    stylizer = make_stylizer(str(path))
    assert isinstance(stylizer, FeedForwardStylizer)
    assert stylizer.margin == margin
    asked = make_stylizer(str(path), margin=12)
    assert isinstance(asked, FeedForwardStylizer)
    assert asked.margin == 12


def test_a_checkpoint_can_be_given_by_path(checkpoints: Path, photo: Tensor) -> None:
    by_path = make_stylizer(str(checkpoints / "mine.safetensors"))
    by_name = make_stylizer("mine", checkpoints=checkpoints)
    assert torch.equal(by_path(photo), by_name(photo))


def test_a_style_with_only_a_painting_is_optimized(
    paintings: Path, checkpoints: Path, photo: Tensor
) -> None:
    stylizer = make_stylizer(
        str(paintings / "monet_woman_with_a_parasol.jpg"),
        checkpoints=checkpoints,
        style_size=48,
        loss=SMALL_LOSS,
        settings={"iterations": 3},
    )
    assert isinstance(stylizer, OptimizingStylizer)
    assert_loss_is_for(stylizer.loss, read(paintings / "monet_woman_with_a_parasol.jpg"))
    seen: list[Iterate] = []
    painted = stylizer(photo, seen.append)
    assert [iterate.iteration for iterate in seen] == [0, 1, 2, 3]
    assert torch.equal(seen[0].image, photo)
    assert torch.equal(painted, seen[-1].image.clamp(0, 1))
    assert float(seen[-1].terms.total) < float(seen[0].terms.total)


def test_what_is_optimized_is_painted_between_0_and_1(paintings: Path, photo: Tensor) -> None:
    stylizer = make_stylizer(
        str(paintings / "mine.png"),
        style_size=48,
        loss=SMALL_LOSS,
        settings={"iterations": 3, "optimizer": "adam", "learning_rate": 0.5},
    )
    seen: list[Iterate] = []
    painted = stylizer(photo, seen.append)
    assert seen[-1].image.max() > 1
    assert painted.max() == 1
    assert painted.min() == 0


@pytest.mark.usefixtures("paintings")
def test_a_style_with_a_checkpoint_can_be_optimized_too(checkpoints: Path) -> None:
    stylizer = make_stylizer(
        "mine", "optimize", checkpoints=checkpoints, style_size=48, loss=SMALL_LOSS
    )
    assert isinstance(stylizer, OptimizingStylizer)


@pytest.mark.parametrize("name", ["holiday", "monet"])
def test_a_checkpoint_is_optimized_for_the_painting_it_was_trained_on(
    paintings: Path, tmp_path: Path, checkpoints: Path, name: str
) -> None:
    """``train.py style=monet style.image=my.jpg``: not for the painting that bears its name."""
    make_photo(32, 32, seed=7).save(tmp_path / "my.png")
    path = write_style(checkpoints, name, image=str(tmp_path / "my.png"), size=32)
    stylizer = make_stylizer(str(path), "optimize", style_size=32, loss=SMALL_LOSS)
    assert isinstance(stylizer, OptimizingStylizer)
    assert_loss_is_for(stylizer.loss, read(tmp_path / "my.png"))


def test_one_pass_without_a_checkpoint_says_how_to_train_one(checkpoints: Path) -> None:
    with pytest.raises(CheckpointError, match=r"fst train style=monet.*--method optimize"):
        make_stylizer("monet", "feedforward", checkpoints=checkpoints)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [({"method": "magic"}, "feedforward, optimize.*'magic'"),
     ({"preset": "van gogh"}, "gatys, johnson, course, pyramid.*'van gogh'")],
)  # fmt: skip
def test_an_unknown_method_or_preset_names_those_there_are(
    checkpoints: Path, arguments: dict[str, str], named: str
) -> None:
    with pytest.raises(InputError, match=named):
        make_stylizer("mine", checkpoints=checkpoints, **arguments)  # type: ignore[arg-type]


@pytest.fixture
def heavy_style(paintings: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A style file that sets weights of its own."""
    weights = {"content_weight": 3.0, "style_weight": 7.0, "tv_weight": 9.0}
    about = {"name": "dusk", "image": "mine.png", **weights}
    monkeypatch.setattr(catalog, "style_names", lambda: ["dusk"])
    monkeypatch.setattr(catalog, "read_style", lambda name: about)


@pytest.mark.usefixtures("heavy_style")
def test_weights_are_the_callers_else_the_style_files(tmp_path: Path) -> None:
    stylizer = make_stylizer(
        "dusk", checkpoints=tmp_path, style_size=24, loss={**SMALL_LOSS, "style_weight": 2.0}
    )
    assert isinstance(stylizer, OptimizingStylizer)
    assert (stylizer.loss.content_weight, stylizer.loss.style_weight) == (3.0, 2.0)


@pytest.mark.usefixtures("heavy_style")
def test_a_preset_brings_its_own_balance_and_gives_way_to_the_caller(tmp_path: Path) -> None:
    stylizer = make_stylizer(
        "dusk",
        checkpoints=tmp_path,
        style_size=32,
        preset="course",
        loss={"weights": "random", "content_weight": 20.0, "style_layers": {"conv1_1": 1.0}},
        settings={"iterations": 7},
    )
    assert isinstance(stylizer, OptimizingStylizer)
    assert (stylizer.loss.content_weight, stylizer.loss.style_weight) == (20.0, 40.0)
    assert stylizer.loss.tv_weight < 9.0
    assert stylizer.loss.normalization == "course"
    assert list(stylizer.loss.style_layers) == ["conv1_1"]
    assert stylizer.settings["iterations"] == 7
    assert stylizer.settings["optimizer"] == "adam"


# --- the loss of a checkpoint --------------------------------------------------------------------


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"pooling": "avg", "normalization": "course", "content_weight": 2.0, "tv_weight": 0.0},
        {"style_layers": {"relu1_1": 3.0, "relu2_1": 1.0}, "style_weight": 9.0},
        {"padding": "replicate"},
    ],
    ids=["defaults", "course", "weighted", "padded"],
)
def test_the_loss_is_rebuilt_from_the_description(
    paintings: Path, photo: Tensor, settings: dict[str, Any]
) -> None:
    painting = read(paintings / "mine.png")
    trained_with = PerceptualLoss(painting, **{**SMALL_LOSS, **settings})
    style = {"name": "mine", "image": "mine.png", "size": 48}
    trained = TrainedStyle(torch.nn.Identity(), {"style": style, "loss": trained_with.describe()})
    found, rebuilt = load_objective(trained, torch.device("cpu"), weights="random")
    torch.testing.assert_close(found, painting, rtol=0, atol=1e-6)
    assert rebuilt.describe() == trained_with.describe()
    image = torch.rand(photo.shape, generator=torch.Generator().manual_seed(1))
    expected = trained_with(image, trained_with.content_targets(photo))
    terms = rebuilt(image, rebuilt.content_targets(photo))
    for term, same in zip(terms, expected, strict=True):
        torch.testing.assert_close(term, same)
    assert "pooling" in trained.description["loss"]["loss_network"]  # the description is untouched


def test_the_painting_of_a_loss_comes_at_the_size_it_was_trained_at_or_from_a_path(
    paintings: Path,
) -> None:
    about = PerceptualLoss(read(paintings / "mine.png"), **SMALL_LOSS).describe()
    style = {"name": "mine", "image": "gone.jpg", "size": 24}
    trained = TrainedStyle(torch.nn.Identity(), {"style": style, "loss": about})
    found, _ = load_objective(
        trained, torch.device("cpu"), painting=str(paintings / "mine.png"), weights="random"
    )
    assert found.shape == (1, 3, 20, 24)
    with pytest.raises(AssetError, match=r"gone\.jpg"):
        load_objective(trained, torch.device("cpu"), weights="random")


def test_a_style_by_name_is_optimized_with_the_real_weights(
    assets_folder: Path, tmp_path: Path, photo: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FST_ASSETS", str(assets_folder))
    stylizer = make_stylizer(
        "monet", checkpoints=tmp_path, style_size=64, settings={"iterations": 2, "init": "blend"}
    )
    assert isinstance(stylizer, OptimizingStylizer)
    objectives: list[float] = []
    painted = stylizer(
        photo.repeat(1, 1, 2, 2), lambda iterate: objectives.append(float(iterate.terms.total))
    )
    assert painted.shape == (1, 3, 40, 48)
    assert len(objectives) == 3
    assert objectives[-1] < objectives[0]
    assert stylizer.loss.describe()["loss_network"]["weights"] == "caffe"


def test_each_photo_is_painted_with_strokes_that_fit_it(tmp_path: Path) -> None:
    save_any(tmp_path)
    make_photo(60, 40, seed=1).save(tmp_path / "painting.png")
    file = str(tmp_path / "painting.png")
    fitting = make(find_style(file, tmp_path, asked={}))
    for width in (32, 324):
        photo = torch.rand(1, 3, 24, width, generator=torch.Generator().manual_seed(width))
        size = 256 if width == 32 else 320
        chosen = make(find_style(file, tmp_path, asked={"stroke_size": size}))
        assert torch.equal(fitting(photo), chosen(photo))
        assert not torch.allclose(
            fitting(photo),
            make(find_style(file, tmp_path, asked={"stroke_size": 768}))(photo),
            atol=1e-3,
        )

"""scripts/stylize.py: control over the painting, many photos, mistakes, as a user meets them."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from support import Run, make_photo

from fst.nets.johnson import JohnsonNet
from fst.styles.trained import TrainedStyle, save_checkpoint


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with a photo and three checkpoints, the third of another net."""
    make_photo(60, 44).save(tmp_path / "photo.png")
    (tmp_path / "checkpoints").mkdir()
    for seed, (name, width) in enumerate([("one", 4), ("two", 4), ("wide", 6)]):
        torch.manual_seed(seed)
        arguments = {"width": width, "residual_blocks": 1}
        about = {
            "net": {"name": "johnson", "arguments": arguments},
            "style": {"name": name, "image": f"{name}.jpg", "size": 64},
        }
        style = TrainedStyle(JohnsonNet(**arguments), about)
        save_checkpoint(tmp_path / "checkpoints" / f"{name}.safetensors", style)
    return tmp_path


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image)


def make_mask(path: Path, white: tuple[int, int], size: tuple[int, int] = (60, 44)) -> None:
    image = Image.new("L", size, 0)
    image.paste(255, (white[0], 0, white[1], size[1]))
    image.save(path)


def test_strength_zero_is_the_photo_bit_for_bit(run_inside: Run, place: Path) -> None:
    command = ["photo.png", "--style", "one", "--strength", "0", "--output", "out.png"]
    assert run_inside("stylize.py", *command).returncode == 0
    assert np.array_equal(pixels(place / "out.png"), pixels(place / "photo.png"))


def test_two_styles_with_masks(run_inside: Run, place: Path) -> None:
    make_mask(place / "a.png", (0, 30))
    make_mask(place / "b.png", (30, 60))
    masked = ["--style", "one", "--mask", "a.png", "--style", "two", "--mask", "b.png"]
    result = run_inside("stylize.py", "photo.png", *masked, "--feather", "0")
    assert result.returncode == 0, result.stderr
    both = pixels(place / "photo-one-two.png")
    for name, columns in (("one", slice(0, 30)), ("two", slice(30, 60))):
        run_inside("stylize.py", "photo.png", "--style", name)
        assert np.array_equal(both[:, columns], pixels(place / f"photo-{name}.png")[:, columns])


def test_a_blend_is_named_after_its_styles(run_inside: Run, place: Path) -> None:
    result = run_inside("stylize.py", "photo.png", "--blend", "one=2,two=2")
    assert result.returncode == 0
    assert "add up to 4" in result.stderr
    assert (place / "photo-one-two.png").exists()


def test_color_size_upsampling_and_tiles_together(run_inside: Run, place: Path) -> None:
    options = ["--preserve-color", "lab", "--size", "32", "--upsample", "bicubic", "--seamless"]
    result = run_inside("stylize.py", "photo.png", "--style", "one", *options)
    assert result.returncode == 0, result.stderr
    assert pixels(place / "photo-one.png").shape == (44, 60, 3)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--style", "one", "--strength", "2"], "strength must be a number from 0 to 1"),
        (["--style", "one", "--upsample", "guided"], "needs a size"),
        (["--style", "one", "--style", "two"], "2 styles and 0 masks"),
        (["--style", "one", "--mask", "no.png"], "no.png"),
        (["--style", "one", "--blend", "one=1,two=1"], "--blend"),
        ([], "--blend"),
        (["--blend", "one=1"], "at least two"),
        (["--blend", "one=0.5,wide=0.5"], "can't be blended"),
        (["--blend", "one=1,nobody=1"], "nobody"),
        (["--blend", "one=0.5,two=0.5", "--refine", "3"], "blend"),
        (["--style", "one", "--memory", "1MB"], "needs 0."),
        (["--style", "photo.png", "--seamless", "--checkpoints", "."], "there is no checkpoint"),
        (["--style", "photo.png", "--refine", "5", "--checkpoints", "."], "needs a checkpoint"),
        (["--style", "one", "--seamless", "--refine", "5"], "--seamless"),
        (["--style", "one", "--refine", "5", "--style-weight", "2"], "--style-weight"),
    ],
)
def test_mistakes_end_in_one_line(
    run_inside: Run, place: Path, options: list[str], says: str
) -> None:
    result = run_inside("stylize.py", "photo.png", *options)
    assert result.returncode == 1
    assert says in result.stderr
    assert result.stderr.count("\n") == 1
    assert not list(place.glob("photo-*.png"))


def test_a_mask_of_another_size_is_resized_with_a_warning(run_inside: Run, place: Path) -> None:
    make_mask(place / "mask.png", (0, 10), (20, 20))
    result = run_inside("stylize.py", "photo.png", "--style", "one", "--mask", "mask.png")
    assert result.returncode == 0
    assert result.stderr.startswith("warning: ")
    assert "20x20, the photo 60x44: resized" in result.stderr


def test_a_folder_is_gone_on_with(run_inside: Run, place: Path) -> None:
    (place / "in" / "deep").mkdir(parents=True)
    for i in range(3):
        make_photo(seed=i).save(place / "in" / "deep" / f"{i}.png")
    (place / "in" / "broken.png").write_bytes(b"no picture")
    command = ["in", "--style", "one", "--output", "out"]
    first = run_inside("stylize.py", *command)
    assert first.returncode == 1
    assert "broken.png" in first.stderr
    assert "wrote 3 of 4" in first.stdout
    (place / "out" / "deep" / "1-one.png").unlink()
    kept = (place / "out" / "deep" / "0-one.png").stat().st_mtime_ns
    (place / "in" / "broken.png").unlink()
    second = run_inside("stylize.py", *command)
    assert second.returncode == 0
    assert "2 pictures were painted with these settings already" in second.stdout
    assert "wrote 1 of 1" in second.stdout
    assert (place / "out" / "deep" / "0-one.png").stat().st_mtime_ns == kept
    third = run_inside("stylize.py", *command, "--overwrite")
    assert "wrote 3 of 3" in third.stdout
    fourth = run_inside("stylize.py", *command)
    assert fourth.returncode == 0


def test_refining_begins_at_the_painted_picture(run_inside: Run, place: Path) -> None:
    trained = ["style=monet", "loss=slim", "data=sample", "data.size=32", "data.batch_size=1",
               "data.val_photos=1", "net.arguments={width: 4, residual_blocks: 1}",
               "trainer.max_steps=2", "trainer.device=cpu", "logger=csv"]  # fmt: skip
    assert run_inside("train.py", *trained).returncode == 0
    command = ["photo.png", "--style", "monet", "--refine", "4", "--save-every", "4"]
    result = run_inside("stylize.py", *command)
    assert result.returncode == 0, result.stderr
    assert "iteration 0/4" in result.stdout
    refined = pixels(place / "photo-monet.png").astype(float)
    run_inside("stylize.py", "photo.png", "--style", "monet", "--output", "plain.png")
    assert 0 < np.abs(refined - pixels(place / "plain.png")).mean() < 60

"""Inputs on which earlier versions failed: the folder ``failing`` of FST_ASSETS, and what is right.

Those that need threads or a second training have tests of their own, next to what they try.
"""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import numpy as np
import pytest
from PIL import Image
from support import Run

Stylize = Callable[..., CompletedProcess[str]]
SLIM = ("--weights", "slim")
WEIGHED = ("style.style_weight=5", "loss=slim", "init=null", "net.arguments.width=8")
TINY = ("style=monet", "style.name=x", *WEIGHED, "data=folder", "data.size=32", "data.batch_size=2")


@pytest.fixture
def failing(assets_folder: Path, tmp_path: Path) -> Path:
    """A copy of the inputs, in the folder that commands are run in."""
    if not (assets_folder / "failing").is_dir():
        pytest.skip("needs the folder 'failing' of FST_ASSETS")
    for path in (assets_folder / "failing").iterdir():
        if path.is_dir():
            shutil.copytree(path, tmp_path / path.name, copy_function=shutil.copy)
            for folder in [tmp_path / path.name, *(tmp_path / path.name).rglob("*/")]:
                folder.chmod(0o755)
        else:
            shutil.copy(path, tmp_path)
    for path in tmp_path.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    return tmp_path


@pytest.fixture
def stylize(run_inside: Run, failing: Path, assets_folder: Path) -> Stylize:
    """``fst stylize WORDS --style monet`` beside the inputs; None leaves the style out."""

    def call(*words: str, style: str | None = "monet") -> CompletedProcess[str]:
        named = () if style is None else ("--style", style)
        return run_inside("stylize.py", *words, *named, FST_ASSETS=str(assets_folder))

    return call


@pytest.fixture
def train(run_forked: Run, failing: Path, assets_folder: Path) -> Stylize:
    def call(*words: str, **variables: str) -> CompletedProcess[str]:
        return run_forked("train.py", *TINY, *words, FST_ASSETS=str(assets_folder), **variables)

    return call


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB"), float)


def content(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def one_line(result: CompletedProcess[str], *facts: str) -> None:
    """It ended with one error that says these things."""
    assert result.returncode != 0
    errors = [line for line in result.stderr.splitlines() if line.startswith("error:")]
    assert len(errors) == 1, result.stderr
    assert "Traceback" not in result.stderr
    for fact in facts:
        assert fact in errors[0]


def test_iterates_never_replace_a_photo(stylize: Stylize, failing: Path) -> None:
    photo = failing / "save_every" / "shot_00002.png"
    before = photo.read_bytes()
    result = stylize(
        "save_every/shot_00002.png", "--method", "optimize", *SLIM, "--iterations", "4",
        "--save-every", "2", "--output", "save_every/shot.png",
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert photo.read_bytes() == before
    iterates = sorted(path.name for path in (failing / "save_every/shot.png.iterates").iterdir())
    assert iterates == ["00000.png", "00002.png", "00004.png"]


@pytest.mark.parametrize(
    ("folder", "photo", "style", "more", "output"),
    [
        ("same_name", "card/IMG_0001.jpg", "monet", (), "Pictures/IMG_0001.jpg"),
        ("mask_and_painting", "photo.jpg", "monet", ("--mask", "mask.png"), "mask.png"),
        ("mask_and_painting", "photo.jpg", "painting.jpg", (*SLIM, "--iterations", "3"),
         "painting.jpg"),
        ("mask_and_painting", "photo.jpg", "monet", (), "photo.jpg"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("overwrite", [False, True])
def test_photos_masks_and_paintings_are_not_replaced(
    folder: str, photo: str, style: str, more: tuple[str, ...], output: str, overwrite: bool,
    stylize: Stylize, failing: Path,
) -> None:  # fmt: skip
    named = [f"{folder}/{word}" if (failing / folder / word).is_file() else word for word in more]
    style = f"{folder}/{style}" if "." in style else style
    words = [f"{folder}/{photo}", *named, "--output", f"{folder}/{output}"]
    before = content(failing)
    if overwrite and folder == "same_name":
        pytest.skip("that is what --overwrite is for")
    result = stylize(*words, *(["--overwrite"] if overwrite else []), style=style)
    one_line(result, output.split("/")[-1])
    assert content(failing) == before


def test_a_result_does_not_take_another_originals_name(stylize: Stylize, failing: Path) -> None:
    original = failing / "same_name/Pictures/IMG_0001.jpg"
    before = original.read_bytes()
    result = stylize("same_name/card/IMG_0001.jpg", "--output", "same_name/Pictures")
    assert original.read_bytes() == before
    assert result.returncode == 0  # beside it, under a name with the style's
    assert (failing / "same_name/Pictures/IMG_0001-monet.jpg").exists()


@pytest.mark.parametrize("more", [("--refine", "1"), ("--method", "optimize", "--iterations", "1")])
def test_a_picture_called_monet_is_not_monets_painting(
    more: tuple[str, ...], stylize: Stylize, failing: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (failing / "elsewhere").mkdir()
    shutil.copy(failing / "own_monet/photo.jpg", failing / "elsewhere")
    painted = []
    for folder in ("own_monet", "elsewhere"):
        shutil.copy(failing / folder / "photo.jpg", failing / "here.jpg")
        if folder == "own_monet":
            shutil.copy(failing / folder / "monet.jpg", failing / "monet.jpg")
        result = stylize("here.jpg", *more, *SLIM, "--output", f"{folder}.png")
        assert result.returncode == 0, result.stderr
        (failing / "monet.jpg").unlink(missing_ok=True)
        painted.append(pixels(failing / f"{folder}.png"))
    assert np.array_equal(*painted)


@pytest.mark.parametrize("more", [(), ("--preserve-color", "histogram")])
def test_colors_under_transparency_do_not_show(
    more: tuple[str, ...], stylize: Stylize, failing: Path
) -> None:
    assert stylize("hidden", "--output", "o", *more).returncode == 0
    results = sorted((failing / "o").glob("*.png"))
    assert len(results) == 4
    seen = []
    for path in results:
        with Image.open(path) as picture:
            rgba = np.asarray(picture.convert("RGBA"), float)
        seen.append(rgba[..., :3] * rgba[..., 3:] / 255)
    for other in seen[1:]:
        assert np.abs(other - seen[0]).max() <= 1


def test_a_comparison_goes_on_without_a_broken_photo(
    run_inside: Run, assets_folder: Path, failing: Path
) -> None:
    result = run_inside(
        "compare.py", "--style", "monet", *SLIM, "--size", "64", "--iterations", "3",
        "--photos", "compare_one_broken", "--output", "r", FST_ASSETS=str(assets_folder),
    )  # fmt: skip
    assert result.returncode == 1
    assert "m_not_a_picture.jpg" in result.stderr
    report = (failing / "r" / "index.html").read_text()
    assert "a.jpg" in report
    assert "z.jpg" in report


@pytest.mark.slow
def test_blank_photos_do_not_spoil_a_training(train: Stylize, failing: Path) -> None:
    (failing / "six").mkdir()
    for number in range(6):
        shutil.copy(failing / "mask_and_painting/photo.jpg", failing / f"six/{number}.jpg")
    result = train("data.path=blank_photos", "data.val_path=six", "data.batch_size=4",
                   "trainer.max_steps=30")  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert "skipped" not in result.stdout
    assert "wrote" in result.stdout


@pytest.mark.slow
def test_names_that_are_not_utf8_are_taken(
    run: Run, train: Stylize, failing: Path, assets_folder: Path
) -> None:
    folder = failing / "latin1"
    folder.mkdir()
    for number in range(6):
        target = os.fsencode(folder) + b"/caf\xe9%d.jpg" % number
        shutil.copy(os.fsencode(failing / "mask_and_painting/photo.jpg"), target)
    strict = {"PYTHONIOENCODING": "utf-8:strict", "FST_ASSETS": str(assets_folder)}
    photo = os.fsdecode(b"latin1/caf\xe90.jpg")
    painted = run("stylize.py", photo, "--style", "monet", **strict)
    assert painted.returncode == 0, painted.stderr
    assert os.path.exists(os.fsencode(failing) + b"/latin1/caf\xe90-monet.jpg")
    os.remove(os.fsencode(failing) + b"/latin1/caf\xe90-monet.jpg")
    compared = run("compare.py", "--style", "monet", *SLIM, "--size", "64", "--iterations", "2",
                   "--photos", "latin1", "--output", "r", **strict)  # fmt: skip
    assert compared.returncode == 0, compared.stderr
    trained = train("data.path=latin1", "trainer.max_steps=2")
    assert trained.returncode == 0, trained.stderr


@pytest.mark.parametrize(
    "words",
    [
        ("data.path=Fotos/Müller",),
        ("data.path=a=b",),
        ("resume=runs/x/20260101-000000/resume/step=10.ckpt",),
        ("data.path=[2024]",),
        ("data.path=nosuch", "style.name=Müller"),
        ("seed=abc",),
        ("data.batch_size=2.5",),
        ("warmup_steps=-5", "trainer.max_steps=6"),
        ("style.image=thinpainting.png",),
    ],
)
def test_settings_are_taken_as_typed_or_refused_in_a_line(
    words: tuple[str, ...], run_inside: Run, failing: Path, assets_folder: Path
) -> None:
    before = content(failing)
    result = run_inside("train.py", *TINY, "trainer.max_steps=2", *words,
                        FST_ASSETS=str(assets_folder))  # fmt: skip
    value = words[0].partition("=")[2]
    one_line(result, value.split("/")[-1] if "resume" not in words[0] else value)
    assert content(failing) == before


def test_a_thin_painting_is_refused_in_a_line(stylize: Stylize) -> None:
    one_line(stylize("mask_and_painting/photo.jpg", *SLIM, "--iterations", "1",
                     style="thinpainting.png"), "thinpainting.png")  # fmt: skip


@pytest.mark.parametrize(
    ("photo", "output"), [("wide17000.png", "x.webp"), ("wide66000.png", "x.jpg")]
)
def test_what_a_format_cannot_hold_is_refused_before_the_work(
    photo: str, output: str, stylize: Stylize, failing: Path
) -> None:
    result = stylize(photo, "--method", "optimize", *SLIM, "--iterations", "3", "--output", output)
    one_line(result, output)
    assert "iteration" not in result.stdout
    assert not (failing / output).exists()


def test_a_png_with_much_text_is_painted(stylize: Stylize, failing: Path) -> None:
    result = stylize("bigtext.png", "--output", "x.png")
    assert result.returncode == 0, result.stderr
    assert pixels(failing / "x.png").std() > 5


@pytest.mark.parametrize("photo", ["float_overshoot.tif", "int32_0_255.tif", "gray16_minwhite.tif"])
def test_numbers_of_every_kind_are_the_picture(photo: str, stylize: Stylize, failing: Path) -> None:
    result = stylize(photo, "--strength", "0", "--output", "x.png")
    assert result.returncode == 0, result.stderr
    picture = pixels(failing / "x.png")
    assert picture.mean() > 50
    assert picture.max() > 200
    if photo == "gray16_minwhite.tif":  # a gray house under a bright sun
        with Image.open(failing / photo) as raw:
            inverted = 255 - np.asarray(raw, float) / 257
        assert np.abs(picture[..., 0] - inverted).mean() < 3


@pytest.mark.parametrize(
    ("photo", "says"), [("rgb32float.tif", "rgb32float.tif"), ("fake.heic", "HEIC")]
)
def test_kinds_that_are_not_read_are_told(photo: str, says: str, stylize: Stylize) -> None:
    one_line(stylize(photo, "--output", "x.png"), says)


@pytest.mark.parametrize("photo", ["pages.tif", "anim.gif"])
def test_of_several_pictures_it_says_which(photo: str, stylize: Stylize, failing: Path) -> None:
    result = stylize(photo, "--output", "x.png")
    assert result.returncode == 0, result.stderr
    assert photo in result.stderr
    assert "first" in result.stderr


def test_calm_areas_stay_calm(stylize: Stylize, failing: Path) -> None:
    assert stylize("one_dot.png", "black.png", "--output", "o").returncode == 0
    dot, black = (pixels(failing / f"o/{name}-monet.png") for name in ("one_dot", "black"))
    corners = np.stack([dot[:16, :16], dot[:16, -16:], dot[-16:, :16], dot[-16:, -16:]])
    assert corners.reshape(-1, 3).std(0).max() < 1
    assert corners.mean() > black.mean() + 40


def test_lines_are_drawn_on_light_paper(stylize: Stylize, failing: Path) -> None:
    result = stylize("lineart.png", "--output", "x.png", style="great_wave")
    assert result.returncode == 0
    assert np.median(pixels(failing / "x.png")) > 200


def test_the_cameras_notes_are_kept(stylize: Stylize, failing: Path) -> None:
    assert stylize("exif6.jpg", "--output", "x.jpg").returncode == 0
    with Image.open(failing / "exif6.jpg") as before, Image.open(failing / "x.jpg") as after:
        old, new = before.getexif(), after.getexif()
        assert new.get(271) == old.get(271)
        assert new.get(306) == old.get(306)
        assert new.get(274, 1) == 1
        assert after.info["dpi"] == (300, 300)
        assert after.size == before.size[::-1]


@pytest.mark.parametrize(
    "words",
    [
        ("--style", "monet", "--refine", "1", *SLIM, "--init", "noise", "--output", "x.png"),
        ("--style", "monet", *SLIM, "--method", "optimize", "--init", "noise", "--seed", "9" * 20),
        ("--style", "monet", "--device", "hpu"),
    ],
)
def test_options_that_are_wrong_are_a_line(words: tuple[str, ...], stylize: Stylize) -> None:
    one_line(stylize("mask_and_painting/photo.jpg", *words, style=None))


@pytest.mark.slow
def test_a_closed_standard_output_is_no_traceback(
    failing: Path, environment: dict[str, str], run: Run
) -> None:
    import subprocess
    import sys

    words = [sys.executable, "-m", "fst", "stylize", "mask_and_painting/photo.jpg", "--style",
             "monet", "--output", "x.png"]  # fmt: skip
    line = " ".join(words) + " >&-"
    result = subprocess.run(line, shell=True, cwd=failing, env=environment, capture_output=True,
                            text=True)  # fmt: skip
    assert "Traceback" not in result.stderr
    assert pixels(failing / "x.png").std() > 5

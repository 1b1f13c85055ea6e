"""scripts/stylize.py: a result says how it was painted, and is painted once."""

import hashlib
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from PIL.ExifTags import GPS, IFD, Base
from support import Run, make_photo

import fst
from fst.image.record import LONGEST, read_record
from fst.interfaces.commands import stylize
from fst.nets import make_net
from fst.styles.trained import TrainedStyle, load_checkpoint, save_checkpoint

SUFFIXES = [".jpg", ".png", ".webp", ".tif"]


@pytest.fixture
def style(tmp_path: Path) -> str:
    """The name of a tiny trained style in ``checkpoints/``; there is another one, too."""
    arguments = {"width": 4, "residual_blocks": 1}
    (tmp_path / "checkpoints").mkdir()
    for name in ("tiny", "other"):
        about = {"net": {"name": "johnson", "arguments": arguments}, "style": {"name": name}}
        trained = TrainedStyle(make_net("johnson", arguments), about)
        save_checkpoint(tmp_path / "checkpoints" / f"{name}.safetensors", trained)
    return "tiny"


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder of three photos, of which one was taken in Munich."""
    folder = tmp_path / "photos"
    folder.mkdir()
    exif = Image.Exif()
    exif[Base.Model] = "Model 5"
    exif.get_ifd(IFD.GPSInfo)[GPS.GPSLatitude] = (48.0, 8.0, 1.5)
    for number, name in enumerate(("a.jpg", "b.png", "c.webp")):
        make_photo(seed=number).save(folder / name, exif=exif.tobytes())
    return folder


def content(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_result_says_how_it_was_painted(
    suffix: str, run_inside: Run, style: str, tmp_path: Path
) -> None:
    make_photo().save(tmp_path / f"Bäume{suffix}")
    result = run_inside("stylize.py", f"Bäume{suffix}", "--style", style, "--quality", "90")
    assert result.returncode == 0, result.stderr
    found = read_record(tmp_path / f"Bäume-tiny{suffix}")
    assert found is not None
    digest = hashlib.sha256((tmp_path / f"Bäume{suffix}").read_bytes()).hexdigest()
    assert found["photo"] == {"name": f"Bäume{suffix}", "sha256": digest}
    (painted,) = found["styles"]
    net = load_checkpoint(tmp_path / "checkpoints" / "tiny.safetensors")
    assert (painted["name"], painted["weights_sha256"]) == ("tiny", net.digest)
    assert found["program"] == f"fst {fst.__version__}"
    assert found["settings"].get("quality") == (90 if suffix in (".jpg", ".webp") else None)
    assert found["settings"]["strength"] == 1
    assert str(tmp_path).encode() not in (tmp_path / f"Bäume-tiny{suffix}").read_bytes()


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_it_can_be_asked_to_say_nothing(
    suffix: str, run_inside: Run, style: str, tmp_path: Path
) -> None:
    make_photo().save(tmp_path / f"cat{suffix}")
    words = ("stylize.py", f"cat{suffix}", "--style", style, "--output")
    assert run_inside(*words, f"with{suffix}").returncode == 0
    assert run_inside(*words, f"without{suffix}", "--no-record").returncode == 0
    assert read_record(tmp_path / f"without{suffix}") is None
    assert b"fst" not in (tmp_path / f"without{suffix}").read_bytes()
    pixels = []
    for name in ("with", "without"):
        with Image.open(tmp_path / f"{name}{suffix}") as image:
            pixels.append(image.tobytes())
    assert pixels[0] == pixels[1]


def test_a_photo_is_painted_once(run_inside: Run, style: str, tmp_path: Path) -> None:
    make_photo().save(tmp_path / "cat.png")
    words = ("stylize.py", "cat.png", "--style", style)
    assert run_inside(*words).returncode == 0
    before = content(tmp_path)
    again = run_inside(*words, "--strength", "1")
    assert again.returncode == 0
    assert "cat-tiny.png" in again.stdout
    assert "already" in again.stdout
    assert "wrote" not in again.stdout
    assert content(tmp_path) == before


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--strength", "0.5"], "strength 1.0, now 0.5"),
        (["--size", "32"], "size none, now 32"),
        (["--preserve-color", "lab"], "preserve_color none, now 'lab'"),
        (["--style", "other"], "style tiny, now other"),
        (["--mask", "cat.png"], "another mask"),
        (["--keep-location"], "keep_location none, now"),
        (["--no-record"], "it says how it was painted"),
    ],
)
def test_other_settings_are_told_and_nothing_is_replaced(
    options: list[str], said: str, run_inside: Run, style: str, tmp_path: Path
) -> None:
    make_photo().save(tmp_path / "cat.png")
    words = ["stylize.py", "cat.png", "--output", "out.png"]
    assert run_inside(*words, "--style", style).returncode == 0
    before = content(tmp_path)
    words += options if "--style" in options else ["--style", style, *options]
    result = run_inside(*words)
    assert result.returncode == 1
    (line,) = result.stderr.splitlines()
    assert said in line
    assert "out.png" in line
    assert "--overwrite" in line
    assert "--output" in line
    assert content(tmp_path) == before
    assert run_inside(*words, "--overwrite").returncode == 0
    assert content(tmp_path) != before


def test_a_folder_is_painted_on(run_inside: Run, style: str, photos: Path, tmp_path: Path) -> None:
    words = ("stylize.py", "photos", "--style", style, "--output", "out")
    assert run_inside(*words).returncode == 0
    before = content(tmp_path / "out")
    assert len(before) == 3
    again = run_inside(*words)
    assert again.returncode == 0
    assert "3 pictures" in again.stdout
    assert "these settings already" in again.stdout
    (tmp_path / "out" / "b-tiny.png").unlink()
    rest = run_inside(*words)
    assert rest.returncode == 0
    assert "2 pictures" in rest.stdout
    assert "wrote 1 of 1" in rest.stdout
    assert content(tmp_path / "out") == before


def test_a_folder_of_other_results_is_refused_before_the_work(
    run_inside: Run,
    style: str,
    photos: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    words = ("stylize.py", "photos", "--style", style, "--output", "out")
    assert run_inside(*words).returncode == 0
    make_photo(seed=9).save(photos / "a.jpg")  # another photo of that name
    (tmp_path / "out" / "c-tiny.webp").unlink()
    before = content(tmp_path)

    def work(*_: Any) -> None:
        raise AssertionError("the work has begun")

    monkeypatch.setattr(stylize, "paint_all", work)
    result = run_inside(*words)
    assert result.returncode == 1
    assert "a-tiny.jpg" in result.stderr
    assert "from another photo" in result.stderr
    both = run_inside(*words, "--size", "32")
    assert both.returncode == 1
    assert "size none, now 32" in both.stderr
    assert content(tmp_path) == before


def test_without_records_what_is_there_is_left(
    run_inside: Run, style: str, photos: Path, tmp_path: Path
) -> None:
    words = ("stylize.py", "photos", "--style", style, "--output", "out", "--no-record")
    assert run_inside(*words).returncode == 0
    before = content(tmp_path / "out")
    (tmp_path / "out" / "b-tiny.png").unlink()
    rest = run_inside(*words)
    assert rest.returncode == 0
    assert "2 pictures" in rest.stdout
    assert "no record" in rest.stdout
    assert content(tmp_path / "out") == before
    with_record = run_inside(*words[:-1])
    assert with_record.returncode == 1
    assert "does not say how it was painted" in with_record.stderr
    assert content(tmp_path / "out") == before


def test_results_among_photos_are_no_photos(
    run_inside: Run, style: str, photos: Path, tmp_path: Path
) -> None:
    words = ("stylize.py", "photos", "--style")
    assert run_inside(*words, style, "--output", "photos").returncode == 0
    result = run_inside(*words, "other", "--output", "out")
    assert result.returncode == 0, result.stderr
    assert "3 " in result.stdout
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "a-other.jpg", "b-other.png", "c-other.webp",
    ]  # fmt: skip
    named = run_inside("stylize.py", "photos/a-tiny.jpg", "--style", "other", "--output", "again/")
    assert named.returncode == 0, named.stderr
    assert (tmp_path / "again" / "a-tiny-other.jpg").is_file()


def test_a_folder_of_results_alone_says_so(
    run_inside: Run, style: str, photos: Path, tmp_path: Path
) -> None:
    assert run_inside("stylize.py", "photos", "--style", style, "--output", "out").returncode == 0
    result = run_inside("stylize.py", "out", "--style", "other", "--output", "again")
    assert result.returncode == 1
    (line,) = result.stderr.splitlines()
    assert "results" in line
    assert "3" in line
    assert not (tmp_path / "again").exists()


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_the_place_is_told_where_that_is_asked_for(
    suffix: str, run_inside: Run, style: str, photos: Path, tmp_path: Path
) -> None:
    words = ("stylize.py", "photos/a.jpg", "--style", style, "--output")
    assert run_inside(*words, f"without{suffix}").returncode == 0
    assert run_inside(*words, f"with{suffix}", "--keep-location").returncode == 0
    places = []
    for name in ("without", "with"):
        with Image.open(tmp_path / f"{name}{suffix}") as image:
            assert image.getexif()[Base.Model] == "Model 5"
            places.append(dict(image.getexif().get_ifd(IFD.GPSInfo)))
    assert places == [{}, {GPS.GPSLatitude: (48.0, 8.0, 1.5)}]


def test_a_record_that_is_too_long_is_left_out(
    run_inside: Run, style: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_photo().save(tmp_path / "cat.jpg")
    monkeypatch.setattr(stylize, "__version__", "x" * LONGEST)
    result = run_inside("stylize.py", "cat.jpg", "--style", style)
    assert result.returncode == 0, result.stderr
    assert "warning" in result.stderr
    assert read_record(tmp_path / "cat-tiny.jpg") is None

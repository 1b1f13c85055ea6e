"""``fst study units``: a planted patch is what excites most; pages and grids are there."""

import argparse
from pathlib import Path

import pytest
import torch
from PIL import Image
from support import make_photo

from fst.errors import InputError
from fst.image.io import load_image, save_image
from fst.interfaces.arguments.study import parser
from fst.loss_networks.vgg import VGG19
from fst.research.studies import units
from fst.research.studies.units import how_many, look, row_of, run, unit_grid


@pytest.fixture
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, offline: None) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photos").mkdir()
    for number in range(4):
        make_photo(48, 40, seed=number).save(tmp_path / f"photos/{number}.png")
    return tmp_path / "photos"


def asked(*words: str) -> argparse.Namespace:
    given = ["--photos", "photos", "--size", "48", "--weights", "slim", "--precision", "fp32"]
    return parser().parse_args(["units", *words, *given, "--device", "cpu", "--output", "out"])


def test_a_planted_patch_excites_most(photos: Path) -> None:
    """Gray photos excite a unit of colors nowhere; one has a red square at a known place."""
    for number in range(4):
        plain = torch.full((1, 3, 40, 48), 0.45)
        if number == 2:
            plain[:, 0, 18:23, 30:35] = 1.0
            plain[:, 1:, 18:23, 30:35] = 0.0
        save_image(photos / f"{number}.png", plain)
    network = VGG19(["conv1_2"], "slim")
    files = sorted(photos.iterdir())
    seen, read = look(network, ["conv1_2"], files, 48)
    assert read == files
    features = [network(load_image(f).rgb, ["conv1_2"], metric=False)["conv1_2"] for f in files]
    rises = (features[2] - features[0])[0].amax((1, 2))  # of the square, over what gray does
    unit = int(rises.argmax())
    first = seen["conv1_2"].of(unit)[0]
    assert first.photo == 2
    assert 16 <= first.row <= 24
    assert 28 <= first.column <= 36
    assert first.activation == pytest.approx(float(features[2][0, unit].max()), rel=1e-5)


def test_pages_and_pictures_are_written(photos: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (photos / "broken.png").write_bytes(b"no picture")
    assert run(asked("--layer", "conv1_1", "relu2_1", "--units", "3,0", "--copies", "small")) == 1
    output = capsys.readouterr()
    assert "broken.png" in output.err
    out = Path("out")
    for layer, side in (("conv1_1", 3), ("relu2_1", 10)):
        tile = side * -(-72 // side)
        with Image.open(out / layer / "unit-003.png") as image:
            assert image.size == (3 * (tile + 4) - 2, 2 * (tile + 4) - 2)  # of four photos
        page = (out / f"{layer}.html").read_text()
        assert page.index("unit-003") < page.index("unit-000")
        assert f"{side}x{side} pixels" in page
        assert "4 photos" in page
        assert (out / f"{layer}.png").is_file()
        assert (Path("small") / f"units-{layer}.webp").is_file()
    assert "conv1_1.html" in (out / "index.html").read_text()
    run(asked("--layer", "conv1_1", "--count", "2"))  # a study of ours is replaced


def test_what_is_there_and_no_study_stays(photos: Path) -> None:
    Path("out").mkdir()
    Path("out/index.html").write_text("mine")
    with pytest.raises(InputError, match=r"index\.html is there already"):
        run(asked("--layer", "conv1_1"))
    assert Path("out/index.html").read_text() == "mine"


def test_wrong_layers_and_units_are_told_before_the_photos(
    photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(units, "look", never)
    with pytest.raises(InputError, match=r"conv9_9.*conv1_1"):
        run(asked("--layer", "conv9_9"))
    with pytest.raises(InputError, match=r"conv1_1 has no unit 16: it has 16"):
        run(asked("--layer", "conv1_1", "--units", "16"))
    assert not Path("out").exists()


def test_units_are_counted_without_photos() -> None:
    network = VGG19(["conv1_1", "relu4_1"], "slim")
    assert how_many(network, ["conv1_1", "relu4_1"]) == {"conv1_1": 16, "relu4_1": 128}


def test_patches_are_enlarged_pixel_by_pixel_in_order() -> None:
    patches = [torch.full((1, 3, 3, 3), number / 10) for number in range(1, 5)]
    patches[0][..., 0, 0] = 1.0
    grid = unit_grid(patches)
    step = 72 + 2 + 2  # a frame of one pixel, two pixels between
    assert grid.size == (3 * step - 2, 2 * step - 2)  # as many rows as there are patches for
    level = [grid.getpixel((x, y)) for x, y in ((40, 40), (116, 40), (192, 40), (40, 116))]
    assert level == [(int(25.5 * n + 0.5),) * 3 for n in (1, 2, 3, 4)] or level == [
        (round(25.5 * n),) * 3 for n in (1, 2, 3, 4)
    ]
    assert grid.getpixel((24, 24)) == (255, 255, 255)  # the one white pixel, 24 times as large
    assert grid.getpixel((25, 25)) != (255, 255, 255)
    assert grid.getpixel((200, 120)) == (255, 255, 255)  # fewer than six


def test_a_white_patch_is_seen_and_few_patches_take_no_room() -> None:
    white = unit_grid([torch.ones(1, 3, 3, 3)])
    assert white.size == (74, 74)
    assert max(white.getpixel((0, 30))) < 200  # its frame
    assert unit_grid([torch.ones(1, 3, 3, 3)], 3).size == (3 * 76 - 2, 74)
    assert unit_grid([], 2).size == (2 * 76 - 2, 74)  # at rest everywhere
    assert row_of([[], [torch.ones(1)] * 2]) == 2
    assert row_of([[]]) == 1
    assert row_of([[torch.ones(1)] * 9]) == 3

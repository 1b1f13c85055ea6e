"""``fst study features``: the tiles are the network's features, each by its own range."""

from pathlib import Path

import pytest
import torch
from PIL import Image
from support import make_photo

from fst.errors import InputError
from fst.interfaces.arguments.study import parser
from fst.research.studies.features import feature_sheet, run, scaled


def test_a_channel_is_brought_to_its_own_range() -> None:
    channel = torch.tensor([[-2.0, 0.0], [2.0, 6.0]])
    assert torch.equal(scaled(channel), torch.tensor([[0, 0.25], [0.5, 1]]))
    assert torch.equal(scaled(torch.full((2, 2), 3.0)), torch.zeros(2, 2))


def test_tiles_are_enlarged_pixel_by_pixel() -> None:
    features = torch.zeros(3, 2, 2)
    features[1] = torch.tensor([[0.0, 1.0], [0.5, 0.25]])
    sheet = feature_sheet(features, [1])
    dark, light = sheet.getpixel((10, 10)), sheet.getpixel((8 + 61, 10))
    assert (dark, light) == ((0, 0, 0), (255, 255, 255))


def test_page_and_sheets_are_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, offline: None
) -> None:
    monkeypatch.chdir(tmp_path)
    make_photo(48, 40).save("photo.png")
    words = ["features", "photo.png", "--layer", "relu1_1", "pool2", "--weights", "slim",
             "--size", "48", "--count", "8", "--output", "out"]  # fmt: skip
    assert run(parser().parse_args(words)) == 0
    page = Path("out/index.html").read_text()
    assert "8 of 16 channels, 48x40 positions" in page
    assert "8 of 32 channels, 12x10 positions" in page
    with Image.open("out/relu1_1.png") as image:
        image.verify()
    with pytest.raises(InputError, match="is read by this command"):
        run(parser().parse_args([words[0], "out/photo.png", *words[2:]]))
    with pytest.raises(InputError, match="conv7_1"):
        run(parser().parse_args([*words[:3], "conv7_1"]))

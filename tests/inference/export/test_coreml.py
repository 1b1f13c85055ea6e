"""fst.inference.export.coreml and .mil: a package that is read back and computed here."""

from pathlib import Path

import pytest
import torch
from exports import exported, painter, tiny_style

from fst.inference.export import coreml
from fst.inference.export.options import ExportOptions
from fst.inference.export.pictures import photos_to_prove

pytestmark = pytest.mark.filterwarnings("ignore")
ct = pytest.importorskip("coremltools", reason="pip install coremltools", exc_type=ImportError)

SAID = {"style": "tiny", "multiple": "4", "license": "public domain", "painter": "Somebody"}


def written(folder: Path, uint8: bool = False, half: bool = False) -> Path:
    options = ExportOptions("tiny", uint8=uint8, half=half, metadata=SAID)
    return coreml.write(exported(tiny_style(), any_size=False, uint8=uint8), folder, options)


def test_the_package_holds_this_net_for_a_range_of_sizes(tmp_path: Path) -> None:
    path = written(tmp_path)
    run = coreml.runner(path)
    for height, width in ((48, 64), (24, 28)):
        photos = photos_to_prove(1, height, width)
        expected = painter(tiny_style())(photos)
        torch.testing.assert_close(run(photos), expected, rtol=0, atol=2e-5)
    spec = ct.models.utils.load_spec(str(path))
    (given,), (made,) = spec.description.input, spec.description.output
    assert (given.name, made.name) == ("photos", "painted")
    sides = given.type.multiArrayType.shapeRange.sizeRanges
    assert [(side.lowerBound, side.upperBound) for side in sides] == [
        (1, 1), (3, 3), (24, 4096), (24, 4096),
    ]  # fmt: skip
    said = spec.description.metadata
    assert (said.license, said.author) == ("public domain", "Somebody")
    assert dict(said.userDefined)["multiple"] == "4"


def test_with_bytes_images_go_in_and_out_and_halves_are_half(tmp_path: Path) -> None:
    path = written(tmp_path, uint8=True, half=True)
    spec = ct.models.utils.load_spec(str(path))
    for one in (*spec.description.input, *spec.description.output):
        assert one.type.WhichOneof("Type") == "imageType"
        assert one.type.imageType.colorSpace == ct.proto.FeatureTypes_pb2.ImageFeatureType.RGB
    (weights,) = path.rglob("weight.bin")
    floats = sum(stage.weight.numel() for stage in exported(tiny_style()).plain.stages)
    assert weights.stat().st_size < 3 * floats + 10_000  # of floats it would be four times as much
    photos = photos_to_prove(1, 48, 64)
    made = coreml.runner(path)(photos)
    assert float((made - painter(tiny_style())(photos)).abs().mean()) < 1 / 255

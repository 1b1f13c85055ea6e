"""fst.inference.export.openvino: a net and its weights as two files."""

from pathlib import Path

import pytest
import torch
from exports import exported, painter, small_proof, tiny_style

from fst.inference.export.options import ExportOptions
from fst.inference.export.pictures import photos_to_prove
from fst.inference.export.writing import export

openvino = pytest.importorskip("openvino")


def test_any_size_and_any_batch_and_what_it_is(tmp_path: Path) -> None:
    with small_proof():
        (written,) = export(tiny_style(), ["openvino"], tmp_path, ExportOptions("tiny"))
    assert [path.name for path in written.files] == ["tiny.bin", "tiny.xml"]
    assert len(written.checks) == 4
    model = openvino.Core().read_model(tmp_path / "tiny.xml")
    assert model.get_rt_info(["fst", "license"]).astype(str) == "public domain"
    assert model.get_rt_info(["fst", "least_side"]).astype(str) == "24"
    compiled = openvino.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    for count, height, width in ((1, 24, 25), (3, 77, 130)):
        photos = photos_to_prove(2, height, width)[[0, 1, 0][:count]]
        made = torch.from_numpy(compiled({"photos": photos.numpy()})["painted"])
        torch.testing.assert_close(made, painter(tiny_style())(photos), rtol=0, atol=2e-5)
    with pytest.raises(RuntimeError):  # a side is too short
        compiled({"photos": photos[:, :, :23].numpy()})


def test_bytes_in_half_of_the_room(tmp_path: Path) -> None:
    with small_proof():
        half = ExportOptions("half", uint8=True, half=True)
        export(tiny_style(), ["openvino"], tmp_path, half)
    floats = sum(value.numel() for value in exported(tiny_style()).buffers())
    assert (tmp_path / "half.bin").stat().st_size < 0.6 * 4 * floats
    compiled = openvino.compile_model(tmp_path / "half.xml", "CPU")
    photos = torch.randint(0, 256, (2, 33, 50, 3), dtype=torch.uint8)
    made = compiled({"photos": photos.numpy()})["painted"]
    assert (made.shape, str(made.dtype)) == ((2, 33, 50, 3), "uint8")

"""fst.inference.export.onnx: one file for ONNX Runtime."""

from collections import Counter
from math import prod
from pathlib import Path

import pytest
import torch
from exports import painter, small_proof, tiny_style, wider_style

from fst.inference.export.options import ExportOptions
from fst.inference.export.pictures import photos_to_prove
from fst.inference.export.writing import export
from fst.styles.style import Style

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")
pytest.importorskip("onnxscript")


def written(folder: Path, style: Style | None = None, **options: bool) -> Path:
    with small_proof():
        chosen = ExportOptions("tiny", **options)
        (one,) = export(style or tiny_style(), ["onnx"], folder, chosen)
    assert len(one.checks) == 4
    return one.files[-1]


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory.mktemp("onnx"))


def test_any_size_and_any_batch(plain: Path) -> None:
    session = onnxruntime.InferenceSession(plain, providers=["CPUExecutionProvider"])
    for count, height, width in ((1, 24, 25), (3, 77, 130)):
        photos = photos_to_prove(2, height, width)[[0, 1, 0][:count]]
        (made,) = session.run(["painted"], {"photos": photos.numpy()})
        expected = painter(tiny_style())(photos)
        torch.testing.assert_close(torch.from_numpy(made), expected, rtol=0, atol=2e-5)


def test_a_side_that_is_too_short_is_an_error_and_not_another_picture(plain: Path) -> None:
    settings = onnxruntime.SessionOptions()
    settings.log_severity_level = 4
    session = onnxruntime.InferenceSession(plain, settings, providers=["CPUExecutionProvider"])
    for height, width in ((20, 64), (64, 12)):
        with pytest.raises(onnxruntime.capi.onnxruntime_pybind11_state.InvalidArgument):
            session.run(None, {"photos": torch.rand(1, 3, height, width).numpy()})


def test_the_graph_is_what_runtimes_know_best(plain: Path) -> None:
    model = onnx.load(plain)
    onnx.checker.check_model(model, full_check=True)
    kinds = Counter(node.op_type for node in model.graph.node)
    assert kinds["InstanceNormalization"] == 9  # of three at the start, two blocks and two after
    assert all(node.domain == "" and not node.metadata_props for node in model.graph.node)
    (given,), (made,) = model.graph.input, model.graph.output
    for value in (given, made):
        sides = value.type.tensor_type.shape.dim
        assert [side.dim_param or side.dim_value for side in sides] == [
            "count", 3, "height", "width",
        ]  # fmt: skip
    assert (given.name, made.name) == ("photos", "painted")


def test_the_file_says_what_it_is(plain: Path) -> None:
    session = onnxruntime.InferenceSession(plain, providers=["CPUExecutionProvider"])
    said = session.get_modelmeta().custom_metadata_map
    assert said["style"] == "tiny"
    assert said["title"] == "A Painting"
    assert said["license"] == "public domain"
    assert (said["multiple"], said["least_side"], said["margin"]) == ("1", "24", "20")
    assert said["range"] == "0 to 1"
    assert said["weights_sha256"] == tiny_style().net().digest


def test_bytes_in_and_bytes_out_in_half_of_the_room(tmp_path: Path) -> None:
    style = wider_style(8)
    path = written(tmp_path, style, uint8=True, half=True)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    photos = photos_to_prove(1, 41, 66)
    pictures = photos.mul(255).round().byte().permute(0, 2, 3, 1).contiguous()
    (made,) = session.run(None, {"photos": pictures.numpy()})
    assert (made.shape, str(made.dtype)) == (tuple(pictures.shape), "uint8")
    expected = painter(style)(photos).mul(255).permute(0, 2, 3, 1)
    assert float((torch.from_numpy(made).float() - expected).abs().mean()) < 0.5
    large = [w for w in onnx.load(path).graph.initializer if prod(w.dims) > 9000]
    assert len(large) >= 4  # small ones the exporter makes float32 of
    assert {w.data_type for w in large} == {onnx.TensorProto.FLOAT16}


def test_residual_blocks_in_whole_numbers(tmp_path: Path) -> None:
    path = written(tmp_path, int8=True)  # which compares it with the net
    model = onnx.load(path)
    weights = {w.name: w for w in model.graph.initializer}
    whole = [w for w in weights.values()
             if w.data_type == onnx.TensorProto.INT8 and len(w.dims) == 4]  # fmt: skip
    assert [tuple(w.dims) for w in whole] == [(16, 16, 3, 3)] * 4
    assert {p.key for p in model.metadata_props} >= {"style", "precision"}
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    assert session.get_modelmeta().custom_metadata_map["precision"] == "int8"

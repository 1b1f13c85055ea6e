"""fst.research.benchmarks.one_pass: what is compared is the same picture."""

import importlib.util
from pathlib import Path

import pytest
import torch

from fst import assets
from fst.errors import CheckpointError, InputError
from fst.nets.johnson import JohnsonNet
from fst.research.benchmarks.one_pass import InferenceBench, Pass, passes, peak_memory
from fst.styles.trained import TrainedStyle, save_checkpoint


def test_every_precision_in_every_backend_and_the_textbook_first() -> None:
    found = passes(64, 2, ["bf16", "fp32"], ["eager", "compile"])
    assert [case.name for case in found] == [
        "textbook", "bf16", "fp32", "bf16 compile", "fp32 compile",
    ]  # fmt: skip
    assert {(case.size, case.batch) for case in found} == {(64, 2)}
    with pytest.raises(InputError, match=r"eager.*openvino.*tensorrt"):
        passes(64, 1, ["fp32"], ["tensorrt"])


def test_a_backend_that_is_not_installed_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(InputError, match="pip install onnxruntime onnx onnxscript"):
        passes(64, 1, ["fp32"], ["onnxruntime"])


def test_the_net_of_a_style_is_timed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    about = {"name": "johnson", "arguments": {"width": 4, "residual_blocks": 1}}
    trained = TrainedStyle(JohnsonNet(4, 1), {"net": about, "style": {"name": "sea"}})
    save_checkpoint(tmp_path / "sea.safetensors", trained, torch.float32)
    timed = InferenceBench(str(tmp_path / "sea.safetensors"), "cpu").net.state_dict()
    assert all(torch.equal(timed[key], value) for key, value in trained.net.state_dict().items())
    monkeypatch.setattr(assets, "checkpoint_folders", lambda: (tmp_path,))
    with pytest.raises(CheckpointError, match="the_scream"):
        InferenceBench("the_scream", "cpu")


def test_what_is_timed_is_told() -> None:
    told = InferenceBench(device="cpu").told()
    for fact in ("width 32", "bilinear", "not trained", "without the margin of 20 px"):
        assert fact in told


def test_all_passes_paint_the_same_picture() -> None:
    bench = InferenceBench(device="cpu")
    cases = passes(32, 2, ["fp32", "bf16"], ["eager"])
    shapes = {bench.run(case)().shape for case in cases}  # type: ignore[attr-defined]
    assert shapes == {torch.Size((2, 3, 32, 32))}
    textbook, exact, rounded = bench.differences(cases)
    assert textbook == (0, 0, 0)
    assert exact[2] < 0.1
    assert 0 < rounded[0] < rounded[1] <= rounded[2] < 64
    assert rounded[0] < 5


def test_differences_are_mean_percentile_and_largest(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = InferenceBench(device="cpu")
    off = torch.zeros(2000)
    off[:1999] = 1 / 255
    off[7] = 100 / 255
    off[8] = 50 / 255
    monkeypatch.setattr(bench, "run", lambda case: lambda: off if case.kind == "fp32" else off * 0)
    _, (mean, percentile, largest) = bench.differences([Pass(16), Pass(16, kind="fp32")])
    assert mean == pytest.approx((1997 + 150) / 2000)
    assert percentile == pytest.approx(1)  # two of 2000 are above
    assert largest == pytest.approx(100)


@pytest.mark.slow
def test_a_larger_picture_takes_more_memory() -> None:
    small, large = (peak_memory(None, "cpu", Pass(size, kind="fp32")) for size in (64, 768))
    assert small < large
    output = 768 * 768 * 12 / 1e6
    assert output < large < 100 * output  # a process holds 130 times as much before its passes

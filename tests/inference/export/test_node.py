"""The example for Node in docs/export.md: as it stands, it paints what ``fst`` paints."""

import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import torch
from paint_page import pixels
from support import ROOT, make_photo
from tiny_runs import save_style

import fst
from fst.inference.export import onnx
from fst.inference.export.exported import ExportedNet
from fst.inference.export.options import ExportOptions


@pytest.fixture
def node() -> str:
    """The program, where it finds the packages that the example needs."""
    program = shutil.which("node")
    if program is None:
        pytest.skip("needs node")
    wanted = 'require("onnxruntime-node"); require("sharp")'
    found = subprocess.run([program, "-e", wanted], capture_output=True, check=False)
    if found.returncode:
        pytest.skip(
            "needs npm install --ignore-scripts onnxruntime-node sharp, and NODE_PATH set to "
            "their node_modules"
        )
    return program


def test_the_example_paints_what_fst_paints(node: str, tmp_path: Path) -> None:
    for package in ("onnx", "onnxscript"):
        pytest.importorskip(package, reason="needs the extra onnxruntime")
    (tmp_path / "exported").mkdir()
    net = save_style(tmp_path / "dawn.safetensors", seed=1)
    stages = net.stages(torch.float32)
    assert stages is not None
    options = ExportOptions("monet", uint8=True)
    onnx.write(ExportedNet(stages, options.margin, uint8=True), tmp_path / "exported", options)
    make_photo(61, 44).save(tmp_path / "photo.png")
    text = (ROOT / "docs" / "export.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"<!-- test: node -->\n```js\n(.*?)^```", text, re.M | re.S)
    script = example.replace("photo.jpg", "photo.png")  # so that nothing is lost on the way
    done = subprocess.run(
        [node, "-e", script], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    expected = fst.load("dawn", tmp_path, "cpu", "fp32")(make_photo(61, 44))
    difference = pixels(tmp_path / "painted.png").astype(int) - pixels(expected)
    assert np.abs(difference).max() <= 1

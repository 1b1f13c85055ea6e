"""fst.inference.export.executorch: a program that ExecuTorch's runtime runs."""

from pathlib import Path

import pytest
import torch
from exports import exported, painter, tiny_style

from fst.inference.export import executorch
from fst.inference.export.options import ExportOptions
from fst.inference.export.pictures import photos_to_prove

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]
pytest.importorskip("torchao", reason="pip install executorch torchao")
pytest.importorskip("executorch.runtime", reason="pip install executorch torchao")

SAID = {"style": "tiny", "multiple": "4", "dtype": "float32"}


def test_it_paints_at_every_size_up_to_the_largest(tmp_path: Path) -> None:
    options = ExportOptions("tiny", size=(96, 64), metadata=SAID)
    path = executorch.write(exported(tiny_style(), any_size=False), tmp_path, options)
    assert path.name == "tiny.pte"
    run = executorch.runner(path)
    for height, width in ((32, 48), (64, 96), (28, 28)):
        photos = photos_to_prove(1, height, width)
        expected = painter(tiny_style())(photos)
        torch.testing.assert_close(run(photos), expected, rtol=0, atol=1e-3)


def test_it_says_what_it_is_and_takes_bytes(tmp_path: Path) -> None:
    from executorch.runtime import Runtime

    options = ExportOptions("tiny", size=(64, 64), metadata=SAID | {"dtype": "uint8"})
    net = exported(tiny_style(), any_size=False, uint8=True)
    path = executorch.write(net, tmp_path, options)
    data = path.read_bytes()
    program = Runtime.get().load_program(data)
    assert program.load_method("style").execute([]) == ["tiny"]
    assert program.load_method("multiple").execute([]) == [4]
    assert program.load_method("largest_width").execute([]) == [64]
    photos = photos_to_prove(1, 48, 64)
    made = executorch.runner(path)(photos)
    expected = painter(tiny_style())(photos)
    assert float((made - expected).abs().max()) < 0.51 / 255 + 1e-3

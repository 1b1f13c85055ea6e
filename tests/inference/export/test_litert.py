"""fst.inference.export.litert: a file that LiteRT runs, for pictures of one size."""

from pathlib import Path

import numpy as np
import pytest
from exports import exported, painter, tiny_style

from fst.inference.export import litert
from fst.inference.export.options import ExportOptions
from fst.inference.export.pictures import photos_to_prove

INSTALL = "pip install litert-torch ai-edge-litert ai-edge-quantizer"
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]
interpreters = pytest.importorskip("ai_edge_litert.interpreter", reason=INSTALL)
pytest.importorskip("litert_torch", reason=INSTALL)


@pytest.mark.parametrize(("uint8", "int8", "bound"), [(False, False, 0.01), (True, True, 2.0)])
def test_it_paints_pictures_of_its_size(
    uint8: bool, int8: bool, bound: float, tmp_path: Path
) -> None:
    options = ExportOptions("tiny", uint8=uint8, int8=int8, size=(64, 48))
    path = litert.write(exported(tiny_style(), any_size=False, uint8=uint8), tmp_path, options)
    signature = interpreters.Interpreter(str(path)).get_signature_runner()
    (given,) = signature.get_input_details().values()
    assert tuple(given["shape"]) == (1, 48, 64, 3)
    assert given["dtype"] == (np.uint8 if uint8 else np.float32)
    photos = photos_to_prove(1, 48, 64)
    made = litert.runner(path)(photos)
    assert 255 * float((made - painter(tiny_style())(photos)).abs().mean()) < bound

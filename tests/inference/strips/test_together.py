"""Small pictures painted as a batch come out as they do alone."""

import pytest
import torch
from support import shaken_net

from fst.inference.painter import NetPainter
from fst.inference.strips import plans, together
from fst.inference.strips import run as strips_run


@pytest.mark.parametrize("upsampling", ["bilinear", "nearest"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_batch_is_its_pictures(upsampling: str, dtype: torch.dtype) -> None:
    stages = shaken_net(upsampling).stages(dtype)
    photos = torch.rand((3, 3, 76, 80), generator=torch.Generator().manual_seed(1))
    assert together.fits(stages, 76, 80, dtype)
    painted = together.run_together(stages, photos, dtype)
    assert painted.dtype == torch.float32
    for photo, one in zip(torch.split(photos, 1), torch.split(painted, 1), strict=True):
        alone = strips_run.run(stages, photo, dtype)
        assert (alone.sigmoid() - one.sigmoid()).abs().max() < 1 / 255
        assert dtype != torch.float32 or torch.allclose(alone, one, atol=1e-4)


@pytest.mark.parametrize("side", [240, 256, 320, 400])
def test_only_what_is_one_strip_fits(side: int, monkeypatch: pytest.MonkeyPatch) -> None:
    stages = shaken_net("nearest").stages(torch.float32)
    strips = []
    monkeypatch.setattr(strips_run, "stop_if_canceled", lambda: strips.append(None))
    monkeypatch.setattr(together, "SMALL", 1 << 20)
    strips_run.run(stages, torch.rand(1, 3, side, 72), plan=plans.Plan(strip_bytes=1 << 20))
    assert together.fits(stages, side, 72, torch.float32) == (len(strips) == len(stages))


def test_a_flat_picture_among_others_is_painted_its_own_way() -> None:
    """It hangs among photos (fst.inference.flat), which the others don't see."""
    painter = NetPainter(shaken_net("nearest"), margin=4)
    photos = torch.rand((3, 3, 72, 72), generator=torch.Generator().manual_seed(1))
    photos[1] = 0.95
    together_painted = painter(photos)
    for photo, one in zip(torch.split(photos, 1), torch.split(together_painted, 1), strict=True):
        assert (painter(photo) - one).abs().max() < 1 / 255


def test_how_many_are_painted_together() -> None:
    painter = NetPainter(shaken_net("nearest"), margin=4)
    cpu = torch.device("cpu")
    assert painter.several(72, 72, cpu) == together.MOST
    assert painter.several(24, 24, cpu) == 1
    assert painter.several(4000, 3000, cpu) == 1
    assert NetPainter(painter.net, circular=True).several(72, 72, cpu) == 1
    needs = plans.memory(painter.stages or [], 80, 80, torch.float32, plans.Plan())
    little = NetPainter(painter.net, margin=4, memory=int(2.5 * needs))
    assert little.several(72, 72, cpu) == 2

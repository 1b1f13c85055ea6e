"""fst.research.benchmarks.video: what is painted, measured and told."""

import json
import math
from pathlib import Path

import pytest
import torch
from support import make_photo, shaken_net

from fst.errors import InputError
from fst.inference.stylizers import FeedForwardStylizer
from fst.interfaces import cli
from fst.interfaces.arguments.benchmark import parser
from fst.losses.perceptual import PerceptualLoss
from fst.research.benchmarks.clips import windows
from fst.research.benchmarks.video import Found, judged, measure, medians, run, with_shares
from fst.styles.trained import TrainedStyle


@pytest.fixture(scope="module")
def loss() -> PerceptualLoss:
    layers = {"relu1_1": 1.0}
    return PerceptualLoss(
        torch.rand(1, 3, 32, 32), weights="random", content_layers=layers, style_layers=layers
    )


def row(stable: str, clip: str = "a", warping: float = 2.0, objective: float = 3.0) -> Found:
    return Found(clip, "monet", stable, warping, 1.0, objective, 4.0, 0.5, 0.1)


def test_shares_are_of_the_same_clip_frame_by_frame() -> None:
    rows = with_shares([row("off"), row("flow", warping=1.0), row("off", "b", 8.0, 6.0),
                        row("flow", "b", 2.0, 9.0)])  # fmt: skip
    assert [found.of_off for found in rows] == [1, 0.5, 1, 0.25]
    assert [found.objective_of_off for found in rows] == [1, 1, 1, 1.5]
    assert math.isnan(with_shares([row("flow")])[0].of_off)


def test_medians_are_of_every_way() -> None:
    rows = [row("off", str(n), n) for n in (1.0, 2.0, 9.0)] + [row("flow", warping=5.0)]
    found = medians(rows)
    assert [(median.stable, median.warping) for median in found] == [("off", 2.0), ("flow", 5.0)]
    assert math.isnan(found[0].of_off)


def test_a_net_s_clip_is_measured(loss: PerceptualLoss, tmp_path: Path) -> None:
    pytest.importorskip("cv2")
    make_photo(120, 90).save(tmp_path / "sea.png")
    clip = windows(tmp_path / "sea.png", 6, 64)[0]
    style = TrainedStyle(shaken_net("bilinear"), {"style": {"name": "tiny"}})
    stylizer = FeedForwardStylizer(style, torch.device("cpu"))
    off, flow = with_shares([measure(clip, "tiny", stylizer, loss, way) for way in ("off", "flow")])
    assert off.of_source > 1
    assert flow.of_off < 1
    assert off.objective == pytest.approx(
        sum(judged(loss, stylizer(clip.frames[n]), clip.frames[n]) for n in (5, 5, 4)) / 3, rel=0.2
    )
    assert off.seconds > 0


def test_nothing_to_paint_is_refused() -> None:
    with pytest.raises(InputError, match="--clips"):
        run(parser().parse_args(["video", "--device", "cpu"]))


def test_the_command_writes_its_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("cv2")
    monkeypatch.chdir(tmp_path)
    make_photo(120, 90).save("sea.png")
    words = ["video", "--photos", "sea.png", "--styles", "monet", "--stable", "off", "auto",
             "--frames", "4", "--size", "48", "--weights", "slim", "--device", "cpu",
             "--json", "rows.json"]  # fmt: skip
    with pytest.raises(SystemExit) as end:
        cli.run("benchmark", words)
    assert not end.value.code
    rows = json.loads(Path("rows.json").read_text())["rows"]
    assert [(r["clip"], r["stable"]) for r in rows] == [
        (f"sea, {motion}", way) for motion in ("pan", "zoom", "turn") for way in ("off", "auto")
    ]
    assert all(r["of_off"] == 1 for r in rows[::2])
    assert "median" in capsys.readouterr().out

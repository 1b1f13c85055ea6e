"""fst.research.benchmarks.ladder: every level is judged by the same objective; no time counts."""

import json
import statistics
from pathlib import Path
from typing import Any

import pytest
import torch
from support import make_photo
from tiny_any import saved_any

from fst.errors import InputError
from fst.evaluation import timing
from fst.evaluation.photos import read_photo
from fst.image.painting import load_painting
from fst.interfaces.arguments.benchmark import parser
from fst.losses.perceptual import PerceptualLoss
from fst.nets.johnson import JohnsonNet
from fst.optimization.pixels import optimize
from fst.research.benchmarks import ladder
from fst.research.benchmarks.ladder import by_optimization, climb, find_nets, run
from fst.styles.trained import TrainedStyle, save_checkpoint
from fst.system.checksum import checksum


def save_net(path: Path, image: str | None, sha256: str | None = None, **training: Any) -> Path:
    torch.manual_seed(1)
    net = {"name": "johnson", "arguments": {"width": 4, "residual_blocks": 1}}
    about = {"name": path.stem, "image": image}
    about |= {} if sha256 is None else {"image_sha256": sha256}
    description = {"net": net, "style": about, "training": training}
    save_checkpoint(path, TrainedStyle(JohnsonNet(4, 1), description), torch.float32)
    return path


def test_a_level_has_the_means_of_its_terms_and_the_median_seconds(
    random_loss: PerceptualLoss,
) -> None:
    torch.manual_seed(0)
    photos = list(torch.rand(3, 1, 3, 40, 48))
    seconds = iter([0.1, 0.2, 9.0])
    level, pictures = climb(
        "a pass", lambda photo: (photo * 2 - 0.5, next(seconds)), 5.0, random_loss, photos
    )
    assert (level.name, level.prepared, level.picture) == ("a pass", 5.0, 0.2)
    totals = []
    for photo, picture in zip(photos, pictures, strict=True):
        assert torch.equal(picture, ((photo * 2 - 0.5).clamp(0, 1) * 255).round() / 255)
        totals.append(float(random_loss(picture, random_loss.content_targets(photo)).total))
    assert level.objective == pytest.approx(statistics.mean(totals), rel=1e-5)
    assert level.content + level.style + level.tv == pytest.approx(level.objective)


def test_the_optimization_is_timed_warm(
    random_loss: PerceptualLoss, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What came before the clock started: an iteration, as a pass comes before its own."""
    seen: list[str] = []

    def clock(device: torch.device) -> Any:
        seen.append("clock")
        return lambda: 1.0

    def watched(*given: Any, **settings: Any) -> Any:
        seen.append("optimize")
        return optimize(*given, **settings)

    monkeypatch.setattr(ladder, "start_clock", clock)
    monkeypatch.setattr(ladder, "optimize", watched)
    monkeypatch.setattr(timing, "optimize", watched)
    by_optimization(random_loss, 2)(torch.rand(1, 3, 40, 48))
    assert seen == ["optimize", "clock", "optimize"]


def test_the_optimization_comes_below_its_photo(random_loss: PerceptualLoss) -> None:
    torch.manual_seed(0)
    photo = torch.rand(1, 3, 40, 48)
    before, after = (
        climb("", by_optimization(random_loss, iterations), 0, random_loss, [photo])[0]
        for iterations in (0, 8)
    )
    assert before.content < 1e-3
    assert after.objective < before.objective


def test_nets_of_another_painting_are_refused(tmp_path: Path) -> None:
    painting, other = tmp_path / "sea.png", tmp_path / "hill.png"
    make_photo().save(painting)
    make_photo(seed=1).save(other)
    good = save_net(tmp_path / "good.safetensors", "elsewhere/sea.jpg")
    same = save_net(tmp_path / "same.safetensors", "renamed.png", checksum(painting))
    (tmp_path / "older").mkdir()
    older = save_net(tmp_path / "older" / "good.safetensors", "sea.png")
    found = find_nets([str(good), str(same), str(older)], None, painting)
    assert list(found) == ["good", "same", str(older)]
    with pytest.raises(InputError, match=r"good.*sea\.jpg.*hill"):
        find_nets([str(good)], None, other)
    with pytest.raises(InputError, match=r"same.*renamed\.png.*hill"):
        find_nets([str(same)], None, other)
    of_none = save_net(tmp_path / "none.safetensors", None)
    with pytest.raises(InputError, match="no painting"):
        find_nets([str(of_none)], None, painting)


def test_all_levels_are_in_the_table_the_figures_and_on_the_sheet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    saved_any(tmp_path / "nets")
    make_photo(80, 60).save(tmp_path / "sea.png")
    minute = save_net(tmp_path / "minute.safetensors", "sea.png", seconds=61)
    (tmp_path / "photos").mkdir()
    for seed, name in enumerate("ab"):
        make_photo(70, 60, seed).save(tmp_path / "photos" / f"{name}.png")
    words = ["--painting", "sea.png", "--nets", str(minute), "--photos", "photos", "--size", "32",
             "--iterations", "2", "--weights", "slim", "--device", "cpu", "--stroke-size", "256",
             "--precision", "fp32", "--checkpoints", "nets", "--output", "out"]  # fmt: skip
    rows = run(parser().parse_args(["ladder", *words]))
    names = ["one pass", "minute", "optimization, 2 iterations"]
    assert [row["name"] for row in rows] == names
    assert rows[1]["prepared"] == 61
    assert json.loads((tmp_path / "out" / "figures.json").read_text())["levels"] == rows
    told = capsys.readouterr().out
    assert all(name in told for name in ("one pass", "minute", "optimization"))
    # the trained net's objective, by its forward alone
    loss = PerceptualLoss(load_painting("sea.png", 256), style_weight=6, weights="slim")
    torch.manual_seed(1)
    net = JohnsonNet(4, 1)
    totals = []
    for name in "ab":
        photo = read_photo(tmp_path / "photos" / f"{name}.png", 32).rgb
        with torch.no_grad():
            totals.append(float(loss(net(photo), loss.content_targets(photo)).total))
    assert rows[1]["objective"] == pytest.approx(statistics.mean(totals), rel=1e-2)

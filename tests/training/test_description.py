"""fst.training.description: what a finished style tells about how it came about."""

from dataclasses import asdict

import pytest
import torch
from tiny_runs import SpoiledLoss, TinyRuns, rows

import fst
from fst.system.device import machine
from fst.training.description import describe_run
from fst.training.fit import fit
from fst.training.recipe import Recipe


def test_the_description_tells_how_the_style_came_about(runs: TinyRuns) -> None:
    runs.loss = SpoiledLoss(runs.loss, [5])  # type: ignore[arg-type]
    runs.options = {"learning_rate": 2e-3, "warmup_steps": 2, "ema": 0.5, "seed": 7}
    run = runs.new()
    module, data = runs.module(), runs.data()
    trainer = runs.trainer(run)
    assert fit(module, data, trainer, run)
    net = {"name": "johnson", "arguments": {"width": 4, "residual_blocks": 1}}
    init = {"init": "base", "init_sha256": "00ff"}
    about = describe_run(module, data, trainer, net, {"name": "mine"}, init)
    assert about["net"] == net
    assert about["style"] == {"name": "mine"}
    assert about["loss"]["style_layers"] == {"relu1_1": 0.5, "relu2_1": 0.5}
    assert (about["data"]["name"], about["data"]["photos"]) == ("photos", 10)
    date = about["training"].pop("date")
    assert len(date.split("-")) == 3
    assert isinstance(about["training"].pop("seconds"), int)
    assert about["training"].pop("machine") == machine(torch.device("cpu"))
    assert about["training"] == {
        "steps": 12,
        "slim_steps_share": 0.0,
        "device": "cpu",
        "devices": 1,
        "skipped_steps": 1,
        **init,
    }
    # all of the recipe, with the precision that was taken
    given = {"optimizer": "adam", "learning_rate": 2e-3, "warmup_steps": 2, "ema": 0.5, "seed": 7}
    assert about["recipe"] == asdict(Recipe(**given, pattern_weight=0.0, precision="fp32"))
    last = rows(run, "val/total")[-1]
    assert about["objective"] == pytest.approx(
        {name: float(last[f"val/{name}"]) for name in ("total", "content", "style", "tv")}
    )
    assert about["versions"]["torch"] == torch.__version__.split("+")[0]
    assert about["versions"]["fst"] == fst.__version__

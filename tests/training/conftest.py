"""What the tests of a training share: runs of a moment."""

from pathlib import Path

import pytest
from tiny_runs import RestlessNet, TinyRuns

from fst.losses.perceptual import PerceptualLoss


@pytest.fixture
def runs(tmp_path: Path, photo_folder: Path, random_loss: PerceptualLoss) -> TinyRuns:
    """Tiny runs in the test's own folder."""
    return TinyRuns(tmp_path, photo_folder, random_loss)


@pytest.fixture
def restless(runs: TinyRuns) -> TinyRuns:
    """Runs that depend on all that a checkpoint must hold."""
    runs.net = RestlessNet
    runs.options = {"ema": 0.9, "warmup_steps": 5, "optimizer": "muon"}
    return runs

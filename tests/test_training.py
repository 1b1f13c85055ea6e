"""The module and the trainer: what a step computes, the schedule, what is described."""

import math
from pathlib import Path

import pytest
import torch
from lightning.pytorch.loggers.logger import Logger

from fst.callbacks import CurveCSV
from fst.data import PhotoDataModule
from fst.errors import CheckpointError, DivergedError, InputError
from fst.nets import JohnsonNet
from fst.perceptual import PerceptualLoss
from fst.runs import Run, prepare_run
from fst.training import StyleTransferModule, describe_run, fit, make_trainer


@pytest.fixture
def data(photo_folder: Path) -> PhotoDataModule:
    return PhotoDataModule("folder", str(photo_folder), size=32, batch_size=2, val_photos=2)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return prepare_run("mine", tmp_path / "runs", tmp_path / "checkpoints")


def make_module(loss: PerceptualLoss, **settings: object) -> StyleTransferModule:
    torch.manual_seed(0)
    return StyleTransferModule(JohnsonNet(width=4, residual_blocks=1), loss, **settings)  # type: ignore[arg-type]


def train(
    module: StyleTransferModule, data: PhotoDataModule, run: Run, steps: int, **settings: object
) -> list[dict[str, str]]:
    logger = CurveCSV(str(run.folder))
    loggers: list[Logger] = [logger]
    trainer = make_trainer(
        run, loggers, max_steps=steps, device="cpu", precision="fp32", log_every=1, **settings  # type: ignore[arg-type]
    )  # fmt: skip
    assert fit(module, data, trainer, run)
    module.trainer = trainer
    lines = logger.path.read_text().splitlines()
    return [dict(zip(lines[0].split(","), line.split(","), strict=True)) for line in lines[1:]]


def test_a_step_descends_the_objective_by_hand(
    random_loss: PerceptualLoss, data: PhotoDataModule, run: Run
) -> None:
    # the same two steps with torch alone, over the same crops
    module = make_module(random_loss, schedule="constant", warmup_steps=0)
    twin = make_module(random_loss).net
    rows = train(module, data, run, steps=2)
    assert data.train is not None
    data.train.start = 0
    crops = iter(data.train)
    adam = torch.optim.Adam(twin.parameters(), lr=1e-3)
    for row in [row for row in rows if row["train/total"]]:
        photos = torch.stack([next(crops), next(crops)])
        terms = random_loss(twin(photos), random_loss.content_targets(photos))
        assert float(row["train/total"]) == pytest.approx(terms.total.mean().item(), rel=1e-4)
        assert float(row["train/style"]) == pytest.approx(terms.style.mean().item(), rel=1e-4)
        adam.zero_grad()
        terms.total.mean().backward()
        adam.step()
    for ours, theirs in zip(module.net.parameters(), twin.parameters(), strict=True):
        assert torch.allclose(ours, theirs, atol=1e-5)


def test_the_cosine_schedule_warms_up_and_ends_at_zero(
    random_loss: PerceptualLoss, data: PhotoDataModule, run: Run
) -> None:
    module = make_module(random_loss, learning_rate=0.01, warmup_steps=3)
    rows = [row for row in train(module, data, run, steps=10) if row["lr"]]
    expected = [
        0.01 * min(1, (k + 1) / 4) * 0.5 * (1 + math.cos(math.pi * k / 10)) for k in range(10)
    ]
    assert [float(row["lr"]) for row in rows] == pytest.approx(expected)


def test_the_constant_schedule_is_constant(
    random_loss: PerceptualLoss, data: PhotoDataModule, run: Run
) -> None:
    module = make_module(random_loss, schedule="constant", warmup_steps=0)
    rows = [row for row in train(module, data, run, steps=3) if row["lr"]]
    assert [float(row["lr"]) for row in rows] == pytest.approx([1e-3] * 3)


def test_the_loss_network_is_in_no_checkpoint(
    random_loss: PerceptualLoss, data: PhotoDataModule, run: Run
) -> None:
    module = make_module(random_loss)
    train(module, data, run, steps=4, checkpoint_every=2)
    files = sorted(path.name for path in run.checkpoints.iterdir())
    assert files == ["step=2.ckpt", "step=4.ckpt"]
    content = torch.load(run.checkpoints / "step=4.ckpt", weights_only=True)
    assert set(content["state_dict"]) == {f"net.{key}" for key in module.net.state_dict()}


def test_the_same_seed_gives_the_same_run_to_the_last_bit(
    random_loss: PerceptualLoss, photo_folder: Path, tmp_path: Path
) -> None:
    curves = []
    for name in ("a", "b"):
        data = PhotoDataModule("folder", str(photo_folder), size=32, batch_size=2, val_photos=2)
        run = prepare_run(name, tmp_path / "runs", tmp_path / "checkpoints")
        curves.append(train(make_module(random_loss), data, run, steps=5))
    assert curves[0] == curves[1]


def test_a_nan_names_the_step_and_the_term(
    random_loss: PerceptualLoss, data: PhotoDataModule, run: Run
) -> None:
    module = make_module(random_loss)
    with torch.no_grad():
        module.net.get_parameter("out.bias").fill_(float("nan"))
    with pytest.raises(DivergedError, match=r"content and style.*not finite at step 0"):
        train(module, data, run, steps=2)


def test_the_description_tells_how_the_style_came_about(
    random_loss: PerceptualLoss, data: PhotoDataModule, run: Run
) -> None:
    module = make_module(random_loss, learning_rate=2e-3)
    rows = train(module, data, run, steps=3)
    net = {"name": "johnson", "arguments": {"width": 4, "residual_blocks": 1}}
    about = describe_run(module, data, module.trainer, net, {"name": "mine"}, seed=7)
    assert about["net"] == net
    assert about["style"] == {"name": "mine"}
    assert about["loss"]["style_layers"] == {"relu1_1": 0.5, "relu2_1": 0.5}
    assert (about["data"]["name"], about["data"]["photos"]) == ("photos", 10)
    assert (about["training"]["steps"], about["training"]["seed"]) == (3, 7)
    assert about["training"]["learning_rate"] == 2e-3
    assert about["versions"]["torch"] == torch.__version__.split("+")[0]
    assert about["objective"]["total"] == pytest.approx(float(rows[-1]["val/total"]), rel=1e-5)


def test_a_checkpoint_of_another_net_is_refused(
    random_loss: PerceptualLoss, data: PhotoDataModule, run: Run, photo_folder: Path
) -> None:
    train(make_module(random_loss), data, run, steps=2, checkpoint_every=2)
    other = StyleTransferModule(JohnsonNet(width=6, residual_blocks=1), random_loss)
    again = Run(run.folder, run.output, run.checkpoints / "step=2.ckpt")
    fresh = PhotoDataModule("folder", str(photo_folder), size=32, batch_size=2, val_photos=2)
    with pytest.raises(CheckpointError, match="net"):
        train(other, fresh, again, steps=4)


@pytest.mark.parametrize(
    "wrong", [{"learning_rate": 0.0}, {"learning_rate": math.nan}, {"schedule": "often"}]
)
def test_wrong_settings_are_refused(random_loss: PerceptualLoss, wrong: dict[str, object]) -> None:
    with pytest.raises(InputError):
        make_module(random_loss, **wrong)


@pytest.mark.parametrize("wrong", [{"max_steps": 0}, {"val_every": 0}, {"device": "abacus"}])
def test_a_trainer_that_cannot_run_is_refused(run: Run, wrong: dict[str, object]) -> None:
    with pytest.raises(InputError):
        make_trainer(run, [], **wrong)  # type: ignore[arg-type]

"""fst.training.module: what a step computes, who judges it, and what paints."""

import math
from pathlib import Path
from typing import Any

import pytest
import tiny_runs
import torch
from safetensors.torch import save_file
from tiny_runs import KillAt, RestlessNet, TinyNet, TinyRuns, curve, rows, same
from torch import Tensor

from fst.errors import InputError
from fst.inference.painter import NetPainter
from fst.loss_networks.layers import LAYERS
from fst.loss_networks.weights import load_weights
from fst.losses.perceptual import PerceptualLoss
from fst.nets.johnson import JohnsonNet
from fst.training.module import StyleTransferModule


@pytest.fixture
def runs(runs: TinyRuns) -> TinyRuns:
    """Neither validated nor saved before their end."""
    runs.settings |= {"val_every": 100, "checkpoint_every": 100}
    return runs


def make_module(loss: PerceptualLoss, **options: Any) -> StyleTransferModule:
    torch.manual_seed(0)
    return tiny_runs.make_module(JohnsonNet(width=4, residual_blocks=1), loss, **options)


def photos(count: int) -> Tensor:
    return torch.rand(count, 3, 16, 16, generator=torch.Generator().manual_seed(3))


def crops(runs: TinyRuns, count: int, **options: Any) -> Tensor:
    """The first photos of a run."""
    data = runs.data(**options)
    data.setup()
    assert data.train is not None
    photos = iter(data.train)
    return torch.stack([next(photos) for _ in range(count)])


def test_steps_descend_the_objective_by_hand(runs: TinyRuns, random_loss: PerceptualLoss) -> None:
    # the same steps with torch alone, over the same crops
    twin, run = runs.module().net, runs.new()
    module = runs.fit(run, max_steps=3)
    adam = torch.optim.Adam(twin.parameters(), lr=1e-3, foreach=False)
    for row, batch in zip(rows(run), torch.split(crops(runs, 6), 2), strict=True):
        terms = random_loss(twin(batch), random_loss.content_targets(batch))
        for name in ("total", "content", "style", "tv"):
            expected = getattr(terms, name).mean().item()
            assert float(row[f"train/{name}"]) == pytest.approx(expected, rel=1e-4)
        adam.zero_grad()
        terms.total.mean().backward()
        adam.step()
    for ours, theirs in zip(module.net.parameters(), twin.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("optimizer", ["adam", "muon"])
@pytest.mark.parametrize("exact", [True, False])
@pytest.mark.parametrize("weights", ["random", "caffe"])
def test_scaling_the_layers_of_vgg_changes_no_trained_weight(
    weights: str,
    exact: bool,
    optimizer: str,
    runs: TinyRuns,
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    """Every convolution by a factor of its own, in [0.01, 100], or by a power of two: exact."""
    depth = LAYERS["relu3_1"]
    if weights != "random":
        request.getfixturevalue("assets_folder")
    state = {key: value.float() for key, value in load_weights(weights, depth)[0].items()}
    generator = torch.Generator().manual_seed(7)
    scaled, before = {}, 1.0
    for key in (key for key in state if key.endswith(".weight")):
        exponent = 4 * torch.rand(1, generator=generator, dtype=torch.float64).item() - 2
        factor = 2.0 ** round(3 * exponent) if exact else 10**exponent
        scaled[key] = state[key] * (factor / before)
        bias = key.replace("weight", "bias")
        scaled[bias] = state[bias] * factor
        before = factor
    painting = torch.rand(1, 3, 40, 48, generator=generator)
    layers = {"relu1_1": 1.0, "relu2_1": 1.0, "relu3_1": 1.0}
    trained = []
    for name, tensors in (("plain", state), ("scaled", scaled)):
        save_file({k: v.contiguous() for k, v in tensors.items()}, tmp_path / f"{name}.safetensors")
        file = str(tmp_path / f"{name}.safetensors")
        runs.loss = PerceptualLoss(
            painting, content_layers={"relu2_2": 1.0}, style_layers=layers, weights=file
        )
        runs.options |= {"optimizer": optimizer}
        trained.append(runs.fit(runs.new(name), max_steps=8).net.state_dict())
    begun = runs.module().net.state_dict()
    for key, plain in trained[0].items():
        other = trained[1][key]
        moved = (plain - begun[key]).abs().max().item()
        assert moved > 1e-4
        torch.testing.assert_close(other, plain, rtol=0, atol=0 if exact else 1e-3 * moved)


@pytest.fixture
def early(painting: Tensor) -> PerceptualLoss:
    """Another loss than the run's: other layers, other weights."""
    layers = {"content_layers": {"relu1_2": 1.0}, "style_layers": {"relu1_2": 1.0}}
    return PerceptualLoss(painting, 2.0, 1.0, 0.0, **layers, weights="random")


@pytest.mark.parametrize(("share", "steps"), [(0.0, 0), (0.5, 2), (0.6, 3), (1.0, 4)])
def test_the_first_steps_are_judged_by_the_early_loss(
    runs: TinyRuns, random_loss: PerceptualLoss, early: PerceptualLoss, share: float, steps: int
) -> None:
    twin = runs.module().net
    runs.options |= {"early_loss": early, "early_share": share}
    run = runs.new()
    module = runs.fit(run, max_steps=4)
    adam = torch.optim.Adam(twin.parameters(), lr=1e-3, foreach=False)
    for step, batch in enumerate(torch.split(crops(runs, 8), 2)):
        loss = early if step < steps else random_loss
        terms = loss(twin(batch), loss.content_targets(batch))
        total = terms.total.mean()
        assert float(rows(run)[step]["train/total"]) == pytest.approx(total.item(), rel=1e-4)
        adam.zero_grad()
        total.backward()
        adam.step()
    assert module.loss is random_loss


def test_validation_is_never_by_the_early_loss(
    runs: TinyRuns, random_loss: PerceptualLoss, early: PerceptualLoss
) -> None:
    module = make_module(random_loss, early_loss=early, early_share=1.0)
    batch, logged = photos(2), {}
    module._log = lambda part, terms: logged.update({part: terms})  # type: ignore[method-assign]
    module.validation_step(batch, 0)
    expected = random_loss(module(batch), random_loss.content_targets(batch))
    torch.testing.assert_close(logged["val"].total, expected.total)


def test_a_run_resumes_across_the_change_of_judges(runs: TinyRuns, early: PerceptualLoss) -> None:
    runs.options |= {"early_loss": early, "early_share": 0.5}
    runs.settings |= {"checkpoint_every": 1, "max_steps": 6}
    whole = runs.new()
    expected = runs.fit(whole)
    for step in (2, 3, 4):
        run = runs.new()
        assert runs.kill(run, KillAt(step))
        resumed = runs.fit(runs.again(run))
        assert curve(run) == curve(whole)
        assert same(resumed.net.state_dict(), expected.net.state_dict())


@pytest.mark.parametrize("statistic", ["moments", "sliced"])
def test_a_run_of_another_statistic_is_resumed_exactly(
    runs: TinyRuns, statistic: str, painting: Tensor
) -> None:
    """What a step draws follows from its place; a validation always draws the same."""
    runs.loss = PerceptualLoss(
        painting,
        content_layers={"relu1_2": 1.0},
        style_layers={"relu1_1": 1.0, "relu2_1": 1.0},
        weights="random",
        statistic=statistic,
    )
    runs.settings |= {"checkpoint_every": 1, "max_steps": 4, "val_every": 2}
    whole = runs.new()
    expected = runs.fit(whole)
    run = runs.new()
    assert runs.kill(run, KillAt(2))
    resumed = runs.fit(runs.again(run))
    assert curve(run) == curve(whole)
    assert same(resumed.net.state_dict(), expected.net.state_dict())
    batch = crops(runs, 2)
    net = runs.module().net
    with torch.no_grad():
        one, two = (
            runs.loss(net(batch), runs.loss.content_targets(batch), draw=draw).style.mean()
            for draw in (0, 1)
        )
    first = float(rows(whole)[0]["train/style"])
    assert first == pytest.approx(one.item(), rel=1e-4)
    assert torch.equal(one, two) == (statistic == "moments")


def test_the_average_is_what_paints_and_is_validated(runs: TinyRuns) -> None:
    runs.options |= {"ema": 0.999, "learning_rate": 0.1}
    run = runs.new()
    module = runs.fit(run, max_steps=3).eval()
    batch = photos(2)
    with torch.no_grad():
        assert torch.equal(module(batch), module.best_net(batch))
        assert not torch.allclose(module(batch), module.net(batch), atol=1e-3)
        data = runs.data()
        data.setup()
        assert data.val is not None
        held_out = torch.stack([data.val[0], data.val[1]])
        terms = module.loss(module.best_net(held_out), module.loss.content_targets(held_out))
    validated = float(rows(run, "val/total")[-1]["val/total"])
    assert validated == pytest.approx(terms.total.mean().item(), rel=1e-5)


def test_without_an_average_the_weights_themselves_are_kept(random_loss: PerceptualLoss) -> None:
    module = make_module(random_loss)
    assert module.best_net is module.net
    assert not [key for key in module.state_dict() if key.startswith("average")]


def test_the_average_is_not_trained(random_loss: PerceptualLoss) -> None:
    module = make_module(random_loss, ema=0.5)
    assert not any(weight.requires_grad for weight in module.best_net.parameters())
    assert all(weight.requires_grad for weight in module.net.parameters())


def test_with_a_margin_what_the_finished_net_shows_is_judged(random_loss: PerceptualLoss) -> None:
    batch = torch.nn.functional.interpolate(photos(2), (32, 48))
    bare, wide = make_module(random_loss), make_module(random_loss, margin=8)
    painted = NetPainter(bare.net, margin=8)(batch)
    torch.testing.assert_close(wide(batch), painted, rtol=0, atol=1e-5)
    assert not torch.allclose(wide(batch), bare(batch), atol=1e-3)
    terms, seen = (module.gradients(batch) for module in (wide, bare))
    expected = random_loss(painted, random_loss.content_targets(batch))
    torch.testing.assert_close(terms.total, expected.total, rtol=1e-4, atol=1e-5)
    assert not torch.allclose(terms.total, seen.total, rtol=1e-3)


def test_bfloat16_is_for_the_convolutions_only(random_loss: PerceptualLoss) -> None:
    batch = photos(2)
    exact, rounded = (make_module(random_loss, dtype=d) for d in (torch.float32, torch.bfloat16))
    kinds = []
    rounded.net.get_submodule("out").register_forward_hook(lambda *a: kinds.append(a[2].dtype))
    painted = rounded(batch)
    assert kinds == [torch.bfloat16]
    assert painted.dtype == torch.float32
    assert {weight.dtype for weight in rounded.parameters()} == {torch.float32}
    torch.testing.assert_close(painted, exact(batch), rtol=0, atol=0.03)
    assert not torch.equal(painted, exact(batch))


def test_a_restless_net_takes_the_same_steps_from_the_same_seed(runs: TinyRuns) -> None:
    # what the tests of resumption rest on: its result does depend on the global generators
    runs.net = RestlessNet
    first, second, other = (runs.new() for _ in range(3))
    runs.fit(first, max_steps=2)
    runs.fit(second, max_steps=2)
    assert curve(first) == curve(second)
    runs.net = TinyNet
    runs.fit(other, max_steps=2)
    assert curve(first) != curve(other)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"learning_rate": 0.0}, "learning_rate"),
        ({"learning_rate": -1.0}, "learning_rate"),
        ({"learning_rate": math.nan}, "learning_rate"),
        ({"learning_rate": math.inf}, "learning_rate"),
        ({"schedule": "often"}, "cosine, constant"),
        ({"ema": -0.1}, "ema"),
        ({"ema": 1.0}, "ema"),
        ({"accumulate": 0}, "accumulate"),
        ({"early_share": 1.5}, r"loss\.slim_share"),
        ({"early_share": math.nan}, r"loss\.slim_share"),
    ],
)
def test_wrong_settings_are_refused(
    random_loss: PerceptualLoss, wrong: dict[str, Any], says: str
) -> None:
    with pytest.raises(InputError, match=says):
        make_module(random_loss, **wrong)

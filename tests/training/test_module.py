"""The module: what a step computes, the schedule, the average, parts of a batch."""

import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import tiny_runs
import torch
from safetensors.torch import save_file
from tiny_runs import KillAt, RestlessNet, TinyNet, TinyRuns, checkpoint, curve, rows, same
from torch import Tensor, nn

from fst.errors import InputError
from fst.loss_networks.layers import LAYERS
from fst.loss_networks.weights import load_weights
from fst.losses.functional import upsampling_pattern
from fst.losses.perceptual import PerceptualLoss
from fst.nets.johnson import JohnsonNet
from fst.training.module import StyleTransferModule


@pytest.fixture
def runs(tmp_path: Path, photo_folder: Path, random_loss: PerceptualLoss) -> TinyRuns:
    runs = TinyRuns(tmp_path, photo_folder, random_loss)
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
    endless = iter(data.train)
    return torch.stack([next(endless) for _ in range(count)])


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


def test_the_cosine_schedule_warms_up_and_ends_at_zero(runs: TinyRuns) -> None:
    runs.options = {"learning_rate": 0.01, "warmup_steps": 3}
    run = runs.new()
    runs.fit(run, max_steps=10)
    expected = [
        0.01 * min(1, (k + 1) / 4) * 0.5 * (1 + math.cos(math.pi * k / 10)) for k in range(10)
    ]
    assert [float(row["lr"]) for row in rows(run)] == pytest.approx(expected)


def test_the_constant_schedule_is_constant_after_its_warm_up(runs: TinyRuns) -> None:
    runs.options = {"learning_rate": 0.01, "warmup_steps": 1, "schedule": "constant"}
    run = runs.new()
    runs.fit(run, max_steps=4)
    assert [float(row["lr"]) for row in rows(run)] == pytest.approx([0.005] + [0.01] * 3)


def test_adam_steps_at_the_rate_that_is_logged(runs: TinyRuns) -> None:
    # in Adam's first step every weight moves by the rate, whatever its gradient
    runs.options = {"learning_rate": 0.01, "warmup_steps": 3}
    before = runs.module().net.state_dict()
    after = runs.fit(runs.new(), max_steps=1).net.state_dict()
    for name in before:
        moved = (after[name] - before[name]).abs()
        torch.testing.assert_close(moved, torch.full_like(moved, 0.0025), rtol=0.02, atol=0)


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


def test_the_average_of_the_weights_by_hand(runs: TinyRuns) -> None:
    runs.options |= {"ema": 0.2}
    expected = {key: value.clone() for key, value in runs.module().net.state_dict().items()}
    for steps in (1, 2, 3):
        module = runs.fit(runs.new(), max_steps=steps)
        for key, value in module.net.state_dict().items():
            decay = min(0.2, steps / (9 + steps))  # 1/10, 2/11, then the one asked for
            expected[key] = decay * expected[key] + (1 - decay) * value
        torch.testing.assert_close(module.best_net.state_dict(), expected)
        assert not same(module.best_net.state_dict(), module.net.state_dict())


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


def test_the_average_keeps_the_buffers_of_the_net(runs: TinyRuns) -> None:
    class Counting(TinyNet):
        def __init__(self) -> None:
            super().__init__()
            self.norm = nn.BatchNorm2d(3)

        def forward(self, photos: Tensor) -> Tensor:
            return super().forward(self.norm(photos))

    runs.net = Counting
    runs.options |= {"ema": 0.9}
    module = runs.fit(runs.new(), max_steps=3)
    assert int(module.net.get_buffer("norm.num_batches_tracked")) == 3
    assert same(dict(module.best_net.named_buffers()), dict(module.net.named_buffers()))


def test_without_an_average_the_weights_themselves_are_kept(random_loss: PerceptualLoss) -> None:
    module = make_module(random_loss)
    assert module.best_net is module.net
    assert not [key for key in module.state_dict() if key.startswith("average")]


def test_the_average_is_not_trained(random_loss: PerceptualLoss) -> None:
    module = make_module(random_loss, ema=0.5)
    assert not any(weight.requires_grad for weight in module.best_net.parameters())
    assert all(weight.requires_grad for weight in module.net.parameters())


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


def gradients(module: StyleTransferModule, batch: Tensor) -> tuple[Any, list[Tensor]]:
    module.zero_grad()
    terms = module.gradients(batch)
    return terms, [weight.grad for weight in module.net.parameters() if weight.grad is not None]


@pytest.mark.parametrize(
    ("parts", "sizes"),
    [(1, [5]), (2, [3, 2]), (3, [2, 2, 1]), (4, [2, 1, 1, 1]), (5, [1] * 5), (8, [1] * 5)],
)
def test_the_parts_of_a_batch_give_the_gradients_of_the_whole(
    parts: int, sizes: list[int], random_loss: PerceptualLoss
) -> None:
    batch, seen = photos(5), []
    whole = make_module(random_loss)
    module = make_module(random_loss, accumulate=parts)
    module.net.register_forward_hook(lambda net, inputs, output: seen.append(len(inputs[0])))
    terms, grads = gradients(module, batch)
    expected_terms, expected = gradients(whole, batch)
    assert seen == sizes
    assert terms._fields == ("content", "style", "tv")
    for ours, theirs in zip(terms, expected_terms, strict=True):
        assert ours.shape == (5,)
        assert not ours.requires_grad
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-6)
    scale = max(float(grad.abs().max()) for grad in expected)
    for grad, other in zip(grads, expected, strict=True):
        torch.testing.assert_close(grad, other, rtol=1e-3, atol=1e-5 * scale)


def test_the_gradients_are_those_of_the_mean_objective(random_loss: PerceptualLoss) -> None:
    module, batch = make_module(random_loss, accumulate=2), photos(3)
    _, grads = gradients(module, batch)
    terms = random_loss(module.net(batch), random_loss.content_targets(batch))
    expected = torch.autograd.grad(terms.total.mean(), list(module.net.parameters()))
    scale = max(float(grad.abs().max()) for grad in expected)
    for grad, other in zip(grads, expected, strict=True):
        torch.testing.assert_close(grad, other, rtol=1e-3, atol=1e-5 * scale)


@pytest.mark.parametrize("parts", [1, 2])
def test_the_pattern_is_in_the_gradient_and_not_in_what_is_told(
    parts: int, random_loss: PerceptualLoss
) -> None:
    batch = torch.rand(3, 3, 48, 48, generator=torch.Generator().manual_seed(5))
    module = make_module(random_loss, accumulate=parts, pattern_weight=50.0)
    told, grads = gradients(module, batch)
    painted = module.net(batch)
    terms = random_loss(painted, random_loss.content_targets(batch))
    for ours, theirs in zip(told, terms, strict=True):
        torch.testing.assert_close(ours, theirs.detach(), rtol=1e-4, atol=1e-6)
    pattern = 50 * upsampling_pattern(painted)
    assert pattern.mean() > 1e-4 * terms.total.mean()
    parameters = list(module.net.parameters())
    expected = torch.autograd.grad((terms.total + pattern).mean(), parameters, retain_graph=True)
    without = torch.autograd.grad(terms.total.mean(), parameters)
    scale = max(float(grad.abs().max()) for grad in expected)
    for grad, other in zip(grads, expected, strict=True):
        torch.testing.assert_close(grad, other, rtol=1e-3, atol=1e-5 * scale)
    assert any((a - b).abs().max() > 1e-4 * scale for a, b in zip(grads, without, strict=True))


class Crammed(torch.autograd.Function):
    """Passes its input on where it has few photos; else memory runs out, forward or backward."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, room: int, error: Exception, backward: bool) -> Tensor:
        ctx.error = error if len(x) > room else None
        if ctx.error is not None and not backward:
            raise ctx.error
        return x.clone()

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        if ctx.error is not None:
            raise ctx.error
        return grad, None, None, None


class SmallMemory(TinyNet):
    """A net on a device that takes only so many photos at once."""

    room = 1
    error: Exception = torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")
    in_backward = False

    def forward(self, photos: Tensor) -> Tensor:
        painted = super().forward(photos)
        if torch.is_grad_enabled():  # validation needs less
            painted = Crammed.apply(painted, self.room, self.error, self.in_backward)
        return painted


def small_memory(**attributes: Any) -> type[SmallMemory]:
    return type("Small", (SmallMemory,), attributes)


CPU_FULL = RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes")


@pytest.mark.parametrize("attributes", [{}, {"in_backward": True}, {"error": CPU_FULL}])
def test_where_memory_runs_out_it_goes_on_in_smaller_parts(
    attributes: dict[str, Any], runs: TinyRuns, capsys: pytest.CaptureFixture[str]
) -> None:
    runs.settings |= {"max_steps": 4}
    run, twin_run = runs.new(), runs.new()
    runs.net = small_memory(**attributes)
    module = fit_fours(runs, run)
    output = capsys.readouterr().out
    said = [line for line in output.splitlines() if "memory" in line]
    assert said == [f"out of memory: going on in {parts} parts a step" for parts in (2, 4)]
    # the same as if it had been told so at once, also in its first step
    runs.net = TinyNet
    runs.options |= {"accumulate": 4}
    twin = fit_fours(runs, twin_run)
    assert curve(run) == curve(twin_run)
    assert same(module.state_dict(), twin.state_dict())
    assert "memory" not in capsys.readouterr().out


def fit_fours(runs: TinyRuns, run: Any) -> StyleTransferModule:
    """A run with batches of four."""
    data = runs.data

    def fours(**options: Any) -> Any:
        return data(**{"batch_size": 4, **options})

    runs.data = fours  # type: ignore[method-assign]
    try:
        return runs.fit(run)
    finally:
        runs.data = data  # type: ignore[method-assign]


@pytest.mark.parametrize(
    ("batch", "room", "parts"), [(6, 2, [2, 4]), (6, 1, [2, 4, 6]), (3, 2, [2])]
)
def test_a_batch_is_never_cut_smaller_than_needed(
    batch: int, room: int, parts: list[int], runs: TinyRuns, capsys: pytest.CaptureFixture[str]
) -> None:
    runs.net, seen = small_memory(room=room), []
    module = runs.module()
    module.net.register_forward_hook(lambda net, inputs, output: seen.append(len(inputs[0])))
    optimizer = torch.optim.Adam(module.net.parameters())
    attach(module, optimizer, world_size=1)
    module._gradients_that_fit(photos(batch))
    assert max(seen) <= room
    lines = capsys.readouterr().out.splitlines()
    assert lines == [f"out of memory: going on in {n} parts a step" for n in parts]
    assert module.micro_batches == parts[-1]
    painted = TinyNet.forward(cast(TinyNet, module.net), photos(batch))
    terms = module.loss(painted, module.loss.content_targets(photos(batch)))
    expected = torch.autograd.grad(terms.total.mean(), list(module.net.parameters()))
    for weight, other in zip(module.net.parameters(), expected, strict=True):
        torch.testing.assert_close(weight.grad, other, rtol=1e-3, atol=1e-6)


def attach(module: StyleTransferModule, optimizer: torch.optim.Optimizer, world_size: int) -> None:
    """As much of a trainer as the gradients need."""
    stub: Any = SimpleNamespace(optimizers=[optimizer], world_size=world_size)
    module._trainer = stub
    module.manual_backward = Tensor.backward  # type: ignore[method-assign]


@pytest.mark.parametrize(
    ("world_size", "batch", "says"),
    [
        (1, 1, "lower data.size"),
        (1, 4, "lower data.size"),
        (2, 4, "lower data.batch_size, or raise accumulate"),
    ],
)
def test_where_nothing_smaller_is_left_one_line_says_what_to_lower(
    world_size: int, batch: int, says: str, runs: TinyRuns
) -> None:
    runs.net = small_memory(room=0)
    module = runs.module()
    attach(module, torch.optim.Adam(module.net.parameters()), world_size)
    with pytest.raises(InputError) as caught:
        module._gradients_that_fit(photos(batch))
    assert str(caught.value) == f"out of memory: {says}"
    assert module.micro_batches == (1 if world_size == 2 else batch)


def test_another_error_is_not_taken_for_a_lack_of_memory(runs: TinyRuns) -> None:
    runs.net = small_memory(error=RuntimeError("shapes do not match"))
    with pytest.raises(RuntimeError, match="shapes do not match"):
        runs.fit(runs.new(), max_steps=1)


def test_the_parts_in_use_survive_a_resumption(
    runs: TinyRuns, capsys: pytest.CaptureFixture[str]
) -> None:
    runs.settings |= {"checkpoint_every": 3, "max_steps": 8}
    runs.net = small_memory(room=1)
    whole, run = runs.new(), runs.new()
    twin = runs.fit(whole)
    assert runs.kill(run, KillAt(step=5))
    assert checkpoint(run)["fst"]["micro_batches"] == 2
    capsys.readouterr()
    module = runs.fit(runs.again(run))
    assert "memory" not in capsys.readouterr().out  # said once, and known
    assert module.micro_batches == 2
    assert curve(run) == curve(whole)
    assert same(module.state_dict(), twin.state_dict())


def test_parts_that_the_user_changes_are_changed(runs: TinyRuns) -> None:
    runs.settings |= {"checkpoint_every": 3, "max_steps": 6}
    runs.options |= {"accumulate": 2}
    run = runs.new()
    assert runs.kill(run, KillAt(step=5))
    runs.options |= {"accumulate": 1}
    assert runs.fit(runs.again(run)).micro_batches == 1


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
        ({"early_share": 1.5}, r"loss\.schedule"),
        ({"early_share": math.nan}, r"loss\.schedule"),
    ],
)
def test_wrong_settings_are_refused(
    random_loss: PerceptualLoss, wrong: dict[str, Any], says: str
) -> None:
    with pytest.raises(InputError, match=says):
        make_module(random_loss, **wrong)

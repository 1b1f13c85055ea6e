"""fst.training.micro_batches: a batch in parts, and what to do where memory runs out."""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, cast

import pytest
import tiny_runs
import torch
from tiny_runs import KillAt, TinyNet, TinyRuns, checkpoint, curve, same
from torch import Tensor, nn

from fst.errors import InputError
from fst.evaluation.regularity import weave
from fst.losses.brightness import brightness_error
from fst.losses.colors import color_error
from fst.losses.frame import frame_error
from fst.losses.functional import upsampling_pattern
from fst.losses.perceptual import LossTerms, PerceptualLoss
from fst.losses.stability import instability, random_motion
from fst.nets.johnson import JohnsonNet
from fst.training.micro_batches import accumulate_gradients, more_parts
from fst.training.module import StyleTransferModule
from fst.training.recipe import Recipe


@pytest.fixture
def runs(runs: TinyRuns) -> TinyRuns:
    """Neither validated nor saved before their end."""
    runs.settings |= {"val_every": 100, "checkpoint_every": 100}
    return runs


def make_module(loss: PerceptualLoss, **options: Any) -> StyleTransferModule:
    torch.manual_seed(0)
    return tiny_runs.make_module(JohnsonNet(width=4, residual_blocks=1), loss, **options)


def photos(count: int, side: int = 16) -> Tensor:
    return torch.rand(count, 3, side, side, generator=torch.Generator().manual_seed(3))


def gradients(module: StyleTransferModule, batch: Tensor) -> tuple[Any, list[Tensor]]:
    module.zero_grad()
    terms = module.gradients(batch)
    return terms, [weight.grad for weight in module.net.parameters() if weight.grad is not None]


def assert_close(grads: Sequence[Tensor], expected: Sequence[Tensor]) -> None:
    """The same gradients, but for rounding that is small beside the largest of them."""
    scale = max(float(grad.abs().max()) for grad in expected)
    for grad, other in zip(grads, expected, strict=True):
        torch.testing.assert_close(grad, other, rtol=1e-3, atol=1e-5 * scale)


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
    assert_close(grads, expected)


@pytest.mark.parametrize("weight", ["color_weight", "brightness_weight"])
def test_colors_and_brightness_count_with_the_style_weight(
    weight: str, random_loss: PerceptualLoss
) -> None:
    module, batch = make_module(random_loss, **{weight: 0.5}), photos(3)
    terms, grads = gradients(module, batch)
    painted, wanted = module.net(batch), random_loss.colors
    plain = random_loss(painted, random_loss.content_targets(batch))
    away = {
        "color_weight": color_error(painted, wanted),
        "brightness_weight": brightness_error(painted, batch, wanted),
    }[weight]
    total = (plain.total + 0.5 * random_loss.style_weight * away).mean()
    expected = torch.autograd.grad(total, list(module.net.parameters()))
    assert_close(grads, expected)
    torch.testing.assert_close(terms.total, plain.total.detach(), rtol=1e-4, atol=1e-6)


def test_a_weave_counts_with_the_style_weight(random_loss: PerceptualLoss) -> None:
    wave = torch.sin(torch.arange(128) * (2 * torch.pi / 7)) * 0.3 + 0.5
    batch = wave.expand(2, 3, 128, 128).clone()
    module = make_module(random_loss, weave_weight=2.0)
    terms, grads = gradients(module, batch)
    painted = module.net(batch)
    plain = random_loss(painted, random_loss.content_targets(batch))
    woven = weave(painted, batch)
    assert float(woven.detach().min()) > 0
    total = (plain.total + 2 * random_loss.style_weight * woven).mean()
    expected = torch.autograd.grad(total, list(module.net.parameters()))
    assert_close(grads, expected)
    torch.testing.assert_close(terms.total, plain.total.detach(), rtol=1e-4, atol=1e-6)


def test_flicker_counts_with_the_style_weight_and_follows_from_the_step(
    random_loss: PerceptualLoss,
) -> None:
    module, batch = make_module(random_loss, stability_weight=2.0, seed=5), photos(3)
    terms, grads = gradients(module, batch)
    painted = module.net(batch)
    plain = random_loss(painted, random_loss.content_targets(batch))
    flicker = instability(module.net, batch, painted, random_motion(batch, 5 << 16))
    assert float(flicker.detach().min()) > 0
    total = (plain.total + 2 * random_loss.style_weight * flicker).mean()
    expected = torch.autograd.grad(total, list(module.net.parameters()))
    assert_close(grads, expected)
    torch.testing.assert_close(terms.total, plain.total.detach(), rtol=1e-4, atol=1e-6)
    assert all(
        torch.equal(grad, same)
        for grad, same in zip(grads, gradients(module, batch)[1], strict=True)
    )


def test_a_frame_counts_with_the_style_weight_and_its_corner_follows_from_the_step(
    random_loss: PerceptualLoss,
) -> None:
    module, batch = make_module(random_loss, frame_weight=0.5, seed=5), photos(2, 128)
    terms, grads = gradients(module, batch)
    painted = module.net(batch)
    plain = random_loss(painted, random_loss.content_targets(batch))
    framed = frame_error(module.net, batch, painted, 5)
    assert float(framed.detach().min()) > 0
    total = (plain.total + 0.5 * random_loss.style_weight * framed).mean()
    expected = torch.autograd.grad(total, list(module.net.parameters()))
    assert_close(grads, expected)
    torch.testing.assert_close(terms.total, plain.total.detach(), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("seed", range(4))
def test_the_parts_of_a_batch_have_a_frame_at_the_same_borders(
    seed: int, random_loss: PerceptualLoss
) -> None:
    batch = photos(2, 128)
    whole, parted = (
        gradients(make_module(random_loss, frame_weight=1, seed=seed, accumulate=parts), batch)[1]
        for parts in (1, 2)
    )
    assert_close(parted, whole)


def test_the_gradients_are_those_of_the_mean_objective(random_loss: PerceptualLoss) -> None:
    module, batch = make_module(random_loss, accumulate=2), photos(3)
    _, grads = gradients(module, batch)
    terms = random_loss(module.net(batch), random_loss.content_targets(batch))
    expected = torch.autograd.grad(terms.total.mean(), list(module.net.parameters()))
    assert_close(grads, expected)


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
    assert_close(grads, expected)
    scale = max(float(grad.abs().max()) for grad in expected)
    assert any((a - b).abs().max() > 1e-4 * scale for a, b in zip(grads, without, strict=True))


def nothing_to_see(side: int) -> dict[str, Tensor]:
    """Photos that show nothing, and nearly nothing."""
    white = torch.ones(3, side, side)
    dot, noise = white.clone(), torch.Generator().manual_seed(1)
    dot[:, side // 2, side // 2] = 254 / 255
    blue = white * torch.tensor([0.1, 0.3, 0.9])[:, None, None]
    grain = (128 + torch.randint(-1, 2, (3, side, side), generator=noise)) / 255
    return {"white": white, "black": 0 * white, "blue": blue, "dot": dot, "grain": grain}


def test_photos_that_show_nothing_add_nothing_to_the_gradient_of_the_others() -> None:
    double = torch.float64
    painting = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(2), dtype=double)
    loss = PerceptualLoss(
        painting, 1, 3, 0.5, {"relu2_2": 1.0}, {"relu1_1": 1.0}, weights="random", dtype=double
    )
    torch.manual_seed(0)
    net = JohnsonNet(width=2, residual_blocks=5).double()  # deep enough to overflow float64, too
    photo = torch.rand(1, 3, 16, 16, generator=torch.Generator().manual_seed(3), dtype=double)
    blank = torch.stack([*nothing_to_see(16).values()]).double()
    accumulate_gradients(
        torch.cat([photo, blank]), 1, net, loss, Recipe(pattern_weight=50.0), Tensor.backward
    )
    share = 1 / (1 + len(blank))

    def objective() -> float:
        with torch.no_grad():
            painted = net(photo)
            terms = loss(painted, loss.content_targets(photo))
            return share * float((terms.total + 50 * upsampling_pattern(painted)).sum())

    for name in ("down1.conv.weight", "blocks.2.first.conv.weight", "up2.norm.bias", "out.bias"):
        weight, step = net.get_parameter(name), 1e-6
        entry = weight.data.flatten()[:1] if weight.dim() == 1 else weight.data[0, 0, 1, 1:2]
        before = entry.clone()
        ends = []
        for sign in (1, -1):
            entry.copy_(before + sign * step)
            ends.append(objective())
        entry.copy_(before)
        assert weight.grad is not None
        slope = weight.grad.flatten()[0] if weight.dim() == 1 else weight.grad[0, 0, 1, 1]
        assert float(slope) == pytest.approx((ends[0] - ends[1]) / (2 * step), rel=1e-4, abs=1e-7)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_photo_of_two_colors_has_an_ordinary_gradient(
    dtype: torch.dtype, random_loss: PerceptualLoss
) -> None:
    two = torch.ones(1, 3, 32, 32)
    two[..., 16:] = 0
    torch.manual_seed(0)
    net = JohnsonNet(width=4, residual_blocks=5)
    module = tiny_runs.make_module(net, random_loss, dtype=dtype)
    batches = {"two": two, "usual": torch.rand(1, 3, 32, 32), "black": 0 * two}
    sizes = {}
    for name, batch in batches.items():
        _, grads = gradients(module, batch)
        sizes[name] = float(nn.utils.get_total_norm(grads))
    assert 0 < sizes["two"] < 100 * sizes["usual"]
    assert sizes["black"] == 0


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
    stub: Any = SimpleNamespace(optimizers=[optimizer], world_size=world_size, global_step=0)
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


# --- the parts on their own ----------------------------------------------------------------------


class Distance(torch.nn.Module):
    """A loss by hand: the squared distance of each picture's mean from its photo's."""

    def content_targets(self, photos: Tensor) -> Tensor:
        return photos.mean((1, 2, 3))

    def forward(self, painted: Tensor, targets: Tensor, draw: int = 0) -> LossTerms:
        off = (painted.mean((1, 2, 3)) - targets) ** 2
        return LossTerms(off, 2 * off, torch.zeros_like(off))


@pytest.mark.parametrize("parts", [1, 2, 3, 9])
def test_the_shares_of_the_parts_add_up_to_the_mean(parts: int) -> None:
    batch, shares = photos(5), []
    scale = torch.tensor(0.5, requires_grad=True)

    def backward(share: Tensor) -> None:
        shares.append(share.item())
        share.backward()

    loss: Any = Distance()
    terms = accumulate_gradients(
        batch, parts, lambda part: scale * part, loss, Recipe(pattern_weight=0.0), backward
    )
    means = batch.mean((1, 2, 3))
    # (s m - m)^2 is (s - 1)^2 m^2: at s = 1/2 a quarter of m^2, with the slope -m^2
    torch.testing.assert_close(terms.content, means**2 / 4)
    torch.testing.assert_close(terms.style, means**2 / 2)
    assert len(shares) == min(parts, 5)
    assert sum(shares) == pytest.approx(float((3 * means**2 / 4).mean()), rel=1e-5)
    assert scale.grad is not None
    torch.testing.assert_close(scale.grad, -3 * (means**2).mean())


OUT_OF_MEMORY = torch.OutOfMemoryError("CUDA out of memory")


@pytest.mark.parametrize(
    ("parts", "batch", "more"), [(1, 8, 2), (2, 8, 4), (4, 8, 8), (4, 6, 6), (1, 2, 2)]
)
def test_twice_as_many_parts_are_tried_up_to_a_photo_each(
    parts: int, batch: int, more: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert more_parts(OUT_OF_MEMORY, parts, batch, alone=True) == more
    assert f"{more} parts" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("parts", "batch", "alone", "names"),
    [(4, 4, True, ["data.size"]), (1, 1, True, ["data.size"]),
     (1, 8, False, ["data.batch_size", "accumulate"])],
)  # fmt: skip
def test_what_to_lower_is_named_where_no_more_parts_help(
    parts: int, batch: int, alone: bool, names: list[str]
) -> None:
    with pytest.raises(InputError, match="memory") as caught:
        more_parts(OUT_OF_MEMORY, parts, batch, alone)
    assert all(name in str(caught.value) for name in names)
    assert caught.value.__cause__ is OUT_OF_MEMORY


def test_an_error_of_another_kind_is_raised_again() -> None:
    error = RuntimeError("shapes do not fit")
    with pytest.raises(RuntimeError) as caught:
        more_parts(error, 1, 8, alone=True)
    assert caught.value is error

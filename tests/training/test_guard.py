"""The guard: steps that are left out, rollbacks, and the end; on its own and in trainings."""

import copy
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from lightning import Callback
from PIL import Image
from tiny_runs import (
    AfterStep,
    DeepNet,
    KillAt,
    RestlessNet,
    SpoiledLoss,
    TinyRuns,
    checkpoint,
    curve,
    infinite_gradient,
    not_a_number,
    rows,
    same,
)
from torch import Tensor, nn

from fst.errors import DivergedError, InputError
from fst.losses.perceptual import LossTerms
from fst.nets.johnson import JohnsonNet
from fst.training import optimizers
from fst.training.fit import fit
from fst.training.guard import MAX_BLANK, FiniteGuard, snapshot
from fst.training.module import StyleTransferModule


def watch(guard: FiniteGuard, step: int, *bad: str, gradient: float = 1.0) -> Tensor:
    """A step with the terms of two photos; the named ones are not finite for one of them."""
    values = {name: torch.tensor([1.0, 2.0]) for name in LossTerms._fields}
    for name in bad:
        values[name][1] = torch.nan
    parameters = [nn.Parameter(torch.zeros(2)) for _ in range(3)]
    for parameter in parameters[:2]:  # the third has no gradient
        parameter.grad = torch.tensor([gradient, 1.0])
    return guard.watch(step, LossTerms(**values), parameters)


def test_a_good_step_is_not_left_out_and_not_counted() -> None:
    guard = FiniteGuard()
    flag = watch(guard, 0)
    assert (flag.item(), flag.dtype, flag.shape) == (0.0, torch.float32, ())  # as Adam wants it
    assert not guard.settle()
    assert (guard.skipped, guard.in_row, guard.rollbacks) == (0, 0, 0)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_gradient_alone_can_be_bad(value: float, capsys: pytest.CaptureFixture[str]) -> None:
    guard = FiniteGuard()
    assert watch(guard, 7, gradient=value).item() == 1.0
    assert not guard.settle()
    assert (guard.skipped, guard.in_row) == (1, 1)
    assert capsys.readouterr().out == "step 7: the gradient is not finite: skipped\n"


@pytest.mark.parametrize("gradient", [1.0, math.nan])  # a term may reach no weight
@pytest.mark.parametrize(
    ("terms", "text"),
    [
        (("content",), "content loss"),
        (("tv",), "tv loss"),
        (("content", "style"), "content and style loss"),
        (("content", "style", "tv"), "content and style and tv loss"),
    ],
)
def test_the_bad_terms_are_named_and_not_the_gradient_they_spoil(
    terms: tuple[str, ...], text: str, gradient: float, capsys: pytest.CaptureFixture[str]
) -> None:
    guard = FiniteGuard()
    assert watch(guard, 40, *terms, gradient=gradient).item() == 1.0
    guard.settle()
    assert capsys.readouterr().out == f"step 40: the {text} is not finite: skipped\n"


def test_a_step_that_is_bad_on_another_device_is_left_out_here_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def reduce(flags: Tensor, how: Any) -> None:
        assert how == torch.distributed.ReduceOp.MIN
        flags.copy_(torch.minimum(flags, torch.tensor([1, 0, 1, 0, 0])))

    monkeypatch.setattr(torch.distributed, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.distributed, "all_reduce", reduce)
    guard = FiniteGuard()
    assert watch(guard, 5, "tv").item() == 1.0
    assert watch(guard, 6).item() == 1.0
    guard.settle()
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(" is ")[0] for line in lines] == [
        "step 5: the style and tv loss",
        "step 6: the style loss",
    ]


def test_the_third_bad_step_in_a_row_asks_for_a_rollback() -> None:
    guard = FiniteGuard()
    answers = []
    for step, bad in enumerate(["tv", "tv", "", "tv", "tv", "tv", "tv", ""]):
        watch(guard, step, *filter(None, [bad]))
        answers.append(guard.settle())
    assert answers == [False] * 5 + [True] + [False] * 2  # and then counts anew
    assert (guard.skipped, guard.in_row, guard.bad_step) == (6, 0, 6)


def test_what_is_looked_at_late_is_counted_all_the_same() -> None:
    guard = FiniteGuard()
    for step in range(10):
        watch(guard, step, *(["style"] if step in (2, 3, 4, 5, 9) else []))
    assert guard.skipped == 0  # nobody has looked yet
    assert guard.settle()
    assert (guard.skipped, guard.in_row, guard.bad_step) == (5, 0, 9)
    assert not guard.settle()
    assert guard.skipped == 5


def test_a_row_goes_on_over_two_looks() -> None:
    guard = FiniteGuard()
    for step in range(10):
        watch(guard, step, *(["style"] if step > 7 else []))
    assert not guard.settle()
    watch(guard, 10, "style")
    watch(guard, 11)
    assert guard.settle()


def test_the_counts_survive_a_checkpoint_with_what_nobody_has_looked_at() -> None:
    guard, heir = FiniteGuard(), FiniteGuard()
    watch(guard, 0, "tv")
    guard.settle()
    watch(guard, 1, "tv")
    watch(guard, 2, "content")
    guard.rollbacks = 2
    state = guard.state_dict()
    assert state["pending"] == [(1, [1, 1, 0, 1, 0]), (2, [0, 1, 1, 1, 0])]
    heir.load_state_dict(state)
    watch(heir, 3)
    assert heir.settle()  # 0, 1 and 2
    assert (heir.skipped, heir.rollbacks, heir.bad_step) == (3, 2, 2)


def watch_flat(guard: FiniteGuard, step: int, *flat: bool, value: float = 1.0) -> Tensor:
    """A step with photos of which some show nothing; ``value`` is the terms of those."""
    which = torch.tensor(flat)
    term = torch.where(which, torch.tensor(value), torch.tensor(1.0))
    parameter = nn.Parameter(torch.zeros(2))
    parameter.grad = torch.zeros(2)
    return guard.watch(step, LossTerms(term, term, term), [parameter], which)


def test_a_blank_step_is_left_out_and_is_no_failure(capsys: pytest.CaptureFixture[str]) -> None:
    guard = FiniteGuard()
    flags = [watch_flat(guard, 0, True, True), watch_flat(guard, 1, True, False)]
    assert [float(flag) for flag in flags] == [1.0, 0.0]
    assert not guard.settle()
    assert (guard.skipped, guard.in_row, guard.taken, guard.blank_in_row) == (0, 0, 1, 0)
    for step in range(2, 10):
        watch_flat(guard, step, True)
    assert not guard.settle()
    assert (guard.skipped, guard.taken, guard.blank_in_row) == (0, 1, 8)
    assert capsys.readouterr().out == ""


def test_the_terms_of_a_photo_that_shows_nothing_count_for_nothing() -> None:
    guard = FiniteGuard()
    assert watch_flat(guard, 0, True, False, value=math.nan).item() == 0.0
    assert not guard.settle()
    assert (guard.skipped, guard.taken) == (0, 1)


def test_a_blank_step_proves_nothing_and_ends_no_row_of_bad_ones() -> None:
    guard = FiniteGuard()
    watch(guard, 0)
    guard.settle()
    assert guard.is_proven
    watch(guard, 1, "tv")
    watch_flat(guard, 2, True)
    watch(guard, 3, "tv")
    guard.settle()
    assert (guard.in_row, guard.is_proven) == (2, False)
    watch_flat(guard, 4, True)
    watch(guard, 5, "tv")
    assert guard.settle()


def test_the_blank_steps_survive_a_checkpoint_and_older_ones_know_none() -> None:
    guard, heir = FiniteGuard(), FiniteGuard()
    for step in range(4):
        watch_flat(guard, step, True)
    guard.settle()
    watch_flat(guard, 4, True)
    heir.load_state_dict(guard.state_dict())
    heir.settle()
    assert (heir.taken, heir.blank_in_row) == (0, 5)
    before = {"skipped": 2, "in_row": 1, "rollbacks": 0, "pending": [(7, [1, 0, 1, 1])]}
    heir.load_state_dict(before)
    heir.settle()
    assert (heir.skipped, heir.in_row, heir.blank_in_row) == (3, 2, 0)
    assert heir.taken > 0


def test_it_gives_up_where_a_fourth_rollback_is_asked_for() -> None:
    guard = FiniteGuard()
    given_up = []
    for rollbacks in range(5):
        guard.rollbacks = rollbacks
        given_up.append(guard.gives_up)
    assert given_up == [False] * 3 + [True] * 2


def spoil(runs: TinyRuns, *steps: int, **how: Any) -> None:
    runs.loss = SpoiledLoss(runs.loss, steps, **how)  # type: ignore[arg-type]


class States(Callback):
    """Copies of weights and Adam's state after the steps of a run."""

    def __init__(self) -> None:
        self.after: dict[int, dict[str, Any]] = {}

    def on_train_batch_end(self, trainer: Any, module: Any, *args: Any) -> None:
        self.after[trainer.global_step] = snapshot(module, module.trainer.optimizers)


@pytest.mark.parametrize(
    ("how", "what"),
    [
        ({"spoil": not_a_number, "terms": ("style",)}, "style loss"),
        ({"spoil": not_a_number, "terms": ("content", "tv")}, "content and tv loss"),
        ({"spoil": infinite_gradient, "terms": ("style",)}, "gradient"),
    ],
)
@pytest.mark.parametrize("optimizer", ["adam", "muon"])
def test_a_bad_step_changes_nothing_and_is_counted_and_said_once(
    how: dict[str, Any],
    what: str,
    optimizer: str,
    runs: TinyRuns,
    capsys: pytest.CaptureFixture[str],
) -> None:
    spoil(runs, 40, **how)
    runs.net = DeepNet
    runs.options |= {"ema": 0.9, "optimizer": optimizer}
    states, run = States(), runs.new()
    module = runs.fit(run, states, max_steps=45, val_every=100, checkpoint_every=10)
    assert same(states.after[41], states.after[40])
    adam = states.after[41]["optimizers"][0]["state"]
    assert all(float(state["step"]) == 40 for state in adam.values())
    assert not same(states.after[42]["module"], states.after[41]["module"])
    output = capsys.readouterr().out
    assert output.count("not finite") == 1
    assert f"step 40: the {what} is not finite: skipped\n" in output
    assert [row["skipped"] for row in rows(run)] == ["0.0"] * 40 + ["1.0"] * 5
    assert math.isfinite(float(rows(run)[40]["train/style"])) == ("style" not in what)
    assert module.guard.rollbacks == 0


def test_a_first_step_that_is_bad_changes_nothing_either(runs: TinyRuns) -> None:
    spoil(runs, 0)
    runs.options |= {"ema": 0.9}
    start, states = runs.module().state_dict(), States()
    runs.fit(runs.new(), states, max_steps=2)
    assert same(states.after[1]["module"], start)
    assert not same(states.after[2]["module"], start)


def test_a_device_whose_adam_overlooks_the_flag_leaves_the_step_out_too(
    runs: TinyRuns, monkeypatch: pytest.MonkeyPatch
) -> None:
    fused = torch._fused_adam_

    def overlook(*args: Any, found_inf: Tensor | None, **options: Any) -> None:
        fused(*args, found_inf=None, **options)

    monkeypatch.setattr(torch, "_fused_adam_", overlook)
    monkeypatch.setattr(optimizers, "OVERLOOK_FLAG", ("cpu",))
    spoil(runs, 4)
    states = States()
    runs.fit(runs.new(), states)
    assert same(states.after[5], states.after[4])
    assert not same(states.after[6], states.after[5])


def test_three_bad_steps_in_a_row_go_back_to_the_checkpoint_on_disk(
    runs: TinyRuns, capsys: pytest.CaptureFixture[str]
) -> None:
    spoil(runs, 7, 8, 9)
    runs.options |= {"ema": 0.9}
    runs.settings |= {"checkpoint_every": 5, "val_every": 100, "max_steps": 15}
    states, run, seen = States(), runs.new(), []

    def compare(step: int, module: StyleTransferModule) -> None:
        if step == 10:
            seen.append(checkpoint(run, 5))
            assert checkpoint(run)["global_step"] == 5

    module = runs.fit(run, states, AfterStep(compare))
    (good,) = seen
    assert same(states.after[10]["module"], good["state_dict"])
    assert same(states.after[10]["optimizers"][0]["state"], good["optimizer_states"][0]["state"])
    assert not same(states.after[9]["module"], good["state_dict"])
    rates = [float(row["lr"]) for row in rows(run)]
    assert rates == pytest.approx([1e-3] * 10 + [5e-4] * 5)
    assert rows(run)[-1]["skipped"] == "3.0"
    assert (module.guard.skipped, module.guard.rollbacks) == (3, 1)
    output = capsys.readouterr().out
    assert output.count("skipped\n") == 3
    assert output.count("step 9: back to the last good checkpoint, with half the learning") == 1
    assert "DivergedError" not in output


def test_a_rollback_is_saved_at_once_and_once(runs: TinyRuns) -> None:
    spoil(runs, 4, 5, 6)
    run = runs.new()
    assert runs.kill(run, KillAt(step=9))
    newest = checkpoint(run)
    assert newest["global_step"] == 7
    assert newest["fst"]["rate_factor"] == 0.5
    guard = newest["fst"]["guard"]
    assert [guard[name] for name in ("skipped", "in_row", "rollbacks")] == [3, 0, 1]
    assert guard["pending"] == []


def test_the_steps_after_a_rollback_leave_what_was_gone_back_to_alone(runs: TinyRuns) -> None:
    good: list[dict[str, Any]] = []

    def roll_back(step: int, module: StyleTransferModule) -> None:
        if step == 5:
            assert module.rollback.good is not None
            good.extend([module.rollback.good, copy.deepcopy(module.rollback.good)])
            module.rollback.go_back(module.guard, module, module.trainer.optimizers)

    runs.fit(runs.new(), AfterStep(roll_back))
    assert same(*good)


def test_half_of_a_schedule_is_half_of_it_everywhere(runs: TinyRuns) -> None:
    runs.options = {"schedule": "cosine", "warmup_steps": 3}
    whole, run = runs.new(), runs.new()
    runs.fit(whole)
    spoil(runs, 2, 3, 4)
    runs.fit(run)
    rates = [[float(row["lr"]) for row in rows(r)] for r in (whole, run)]
    assert rates[1] == pytest.approx(rates[0][:5] + [rate / 2 for rate in rates[0][5:]])


def test_without_any_checkpoint_it_goes_back_to_the_start(runs: TinyRuns) -> None:
    spoil(runs, 1, 2, 3)
    start, states = runs.module().state_dict(), States()
    runs.fit(runs.new(), states, checkpoint_every=100)
    assert not same(states.after[3]["module"], start)
    assert same(states.after[4]["module"], start)
    assert states.after[4]["optimizers"][0]["state"] == {}


def test_a_checkpoint_that_no_good_step_has_followed_is_not_gone_back_to(runs: TinyRuns) -> None:
    # finite weights, saved at step 6, with which no picture is
    def explode(step: int, module: StyleTransferModule) -> None:
        if step == 6:
            nn.init.constant_(module.net.get_parameter("last.bias"), 1e30)
            nn.init.constant_(module.net.get_parameter("last.weight"), 1e38)

    runs.settings |= {"val_every": 100, "max_steps": 12}
    runs.loss = SpoiledLoss(runs.loss, [])  # type: ignore[arg-type]
    states, run = States(), runs.new()
    runs.net = Fragile
    module = runs.fit(run, AfterStep(explode), states)
    assert module.guard.rollbacks == 1
    assert states.after[9]["module"]["net.last.bias"].abs().max() < 1
    assert same(states.after[9]["module"], states.after[3]["module"])
    assert same(
        states.after[9]["optimizers"][0]["state"], states.after[3]["optimizers"][0]["state"]
    )
    # and the same where it was killed in between, and resumed from the exploded checkpoint
    for step in (7, 8, 9):
        again = runs.new()
        assert runs.kill(again, AfterStep(explode), KillAt(step=step))
        assert checkpoint(again)["state_dict"]["net.last.bias"][0] == 1e30
        module = runs.fit(runs.again(again), AfterStep(explode))
        assert curve(again) == curve(run)
        assert same(snapshot(module, module.trainer.optimizers), states.after[12])


class Fragile(RestlessNet):
    """Weights of 1e38 are finite, and what they make is not."""

    def forward(self, photos: Tensor) -> Tensor:
        painted = super().forward(photos)
        return painted + 0 * self.last.weight.square().sum()


def test_a_rate_that_overflows_the_weights_ends_with_the_weights_of_the_start(
    runs: TinyRuns,
) -> None:
    runs.net = lambda: JohnsonNet(width=2, residual_blocks=0)
    runs.options |= {"learning_rate": 1e36}
    start, run = runs.module().state_dict(), runs.new()
    with pytest.raises(DivergedError, match="after 3 rollbacks"):
        runs.fit(run, max_steps=100, checkpoint_every=1)
    assert same(checkpoint(run)["state_dict"], start)


def test_a_run_that_stays_bad_names_the_step_the_photos_and_the_term(runs: TinyRuns) -> None:
    spoil(runs, *range(5, 100), terms=("content", "style"))
    run, before = runs.new(), States()
    data = runs.data()
    data.setup()
    assert data.train is not None
    crops = iter(data.train)
    for _ in range(2 * 17):  # the batches of steps 0 to 16
        next(crops)
    photos = data.train.names(16)
    assert len(photos) == 2
    with pytest.raises(DivergedError) as caught:
        runs.fit(run, before, max_steps=100)
    message = str(caught.value)
    # rolled back at 7, 10 and 13; once more would be at 16
    assert "content and style loss is not finite at step 16, after 3 rollbacks" in message
    assert f"the photos: {', '.join(photos)}." in message
    assert "\n" not in message
    newest = checkpoint(run)
    assert newest["global_step"] == 17
    assert same(newest["state_dict"], before.after[3]["module"])
    assert all(value.isfinite().all() for value in newest["state_dict"].values())
    rates = [float(row["lr"]) for row in rows(run)]
    assert rates == pytest.approx([1e-3] * 8 + [5e-4] * 3 + [2.5e-4] * 3 + [1.25e-4] * 3)


def test_the_counts_go_on_in_a_resumed_run(runs: TinyRuns) -> None:
    # two bad steps, a checkpoint between them, and one more after the resumption
    spoil(runs, 5, 6, 7)
    runs.settings |= {"checkpoint_every": 7, "val_every": 100}
    whole, run = runs.new(), runs.new()
    twin = runs.fit(whole)
    assert twin.guard.rollbacks == 1
    assert runs.kill(run, KillAt(step=8))
    assert checkpoint(run)["fst"]["guard"]["in_row"] == 2
    module = runs.fit(runs.again(run))
    assert (module.guard.skipped, module.guard.rollbacks) == (3, 1)
    assert curve(run) == curve(whole)
    assert same(module.state_dict(), twin.state_dict())


@pytest.mark.parametrize("val_every", [4, 7])  # 7: at the step of the first rollback
def test_a_run_with_rollbacks_is_resumed_exactly_after_every_step(
    val_every: int, runs: TinyRuns
) -> None:
    spoil(runs, 1, 4, 5, 6, 8, 10, 11, 12)
    runs.net = RestlessNet
    runs.options = {"ema": 0.8}
    runs.settings |= {"val_every": val_every, "max_steps": 14, "checkpoint_every": 3}
    whole, run = runs.new(), runs.new()
    twin = runs.fit(whole)
    assert twin.guard.rollbacks == 2
    for step in range(1, 15):
        assert runs.kill(runs.again(run), KillAt(step=step))
        if step % val_every == 0:
            assert runs.kill(runs.again(run), KillAt(validation=step))
    module = runs.fit(runs.again(run))
    assert curve(run) == curve(whole)
    assert same(module.state_dict(), twin.state_dict())


def test_a_diverged_run_ends_at_once_unless_its_learning_rate_is_changed(runs: TinyRuns) -> None:
    spoil(runs, *range(3, 15), 20, 21, 22)
    runs.settings |= {"max_steps": 30, "val_every": 100}
    run = runs.new()
    with pytest.raises(DivergedError, match="at step 14,"):
        runs.fit(run)
    assert checkpoint(run)["global_step"] == 15
    with pytest.raises(DivergedError, match="at step 22, after 3 rollbacks"):
        runs.fit(runs.again(run))
    runs.options |= {"learning_rate": 1e-4}
    module = runs.fit(runs.again(run))
    assert (module.guard.rollbacks, module.rollback.rate_factor) == (0, 1.0)
    assert float(rows(run)[-1]["lr"]) == pytest.approx(1e-4)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_gpu_leaves_bad_steps_out_and_counts_them_when_it_is_looked_at(runs: TinyRuns) -> None:
    spoil(runs, 2, 13, 14, 23)
    runs.net = lambda: JohnsonNet(width=2, residual_blocks=0)
    runs.options |= {"ema": 0.9, "dtype": torch.bfloat16}
    runs.settings |= {"device": "cuda", "max_steps": 25, "val_every": 100, "checkpoint_every": 24}
    states, run = States(), runs.new()
    module = runs.fit(run, states)
    assert module.guard.skipped == 4
    for step in (2, 13, 14, 23):
        assert same(states.after[step + 1], states.after[step])
    assert not same(states.after[4]["module"], states.after[3]["module"])
    counts = [row["skipped"] for row in rows(run)]
    assert counts == ["0.0"] * 9 + ["1.0"] * 10 + ["3.0"] * 5 + ["4.0"]
    pending = checkpoint(run, 24)["fst"]["guard"]["pending"]
    assert [step for step, flags in pending if 0 in flags] == [23]
    assert torch.get_float32_matmul_precision() == "high"  # and Lightning could ask, too


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_gpu_goes_back_to_its_last_good_checkpoint(runs: TinyRuns) -> None:
    spoil(runs, 13, 14, 15)
    runs.settings |= {"device": "cuda", "max_steps": 25, "val_every": 100, "checkpoint_every": 8}
    states, run = States(), runs.new()
    module = runs.fit(run, states)
    assert (module.guard.skipped, module.guard.rollbacks) == (3, 1)
    assert same(states.after[20]["module"], states.after[8]["module"])  # looked at after step 20
    rates = [float(row["lr"]) for row in rows(run)]
    assert rates == pytest.approx([1e-3] * 20 + [5e-4] * 5)


# --- photos that show nothing --------------------------------------------------------------------


def blank_photos(folder: Path, count: int = 4) -> None:
    """White ones, and a black one."""
    for i in range(count):
        color = (0, 0, 0) if i == 1 else (255, 255, 255)
        Image.new("RGB", (40, 30), color).save(folder / f"blank{i}.png")


def test_blank_photos_among_others_spoil_no_step(
    runs: TinyRuns, capsys: pytest.CaptureFixture[str]
) -> None:
    blank_photos(runs.photos, 12)
    # as deep as the default: the gradient of a blank photo grows in every layer
    runs.net = lambda: JohnsonNet(width=4, residual_blocks=5, upsampling="bilinear")
    start, run = runs.module().state_dict(), runs.new()
    module = runs.fit(run, max_steps=14, val_every=100)
    assert (module.guard.skipped, module.guard.rollbacks) == (0, 0)
    assert 0 < module.guard.taken <= 14
    assert all(value.isfinite().all() for value in module.state_dict().values())
    assert not same(module.state_dict(), start)
    assert "not finite" not in capsys.readouterr().out


def test_a_run_on_nothing_but_blank_photos_ends_and_names_them(runs: TinyRuns) -> None:
    blank = runs.folder / "blank"
    blank.mkdir()
    blank_photos(blank)
    options: dict[str, Any] = {"val_path": str(runs.photos)}
    start, run = runs.module(), runs.new()
    trainer = runs.trainer(run, max_steps=500, val_every=1000, checkpoint_every=50)
    module = runs.module()
    runs.photos = blank
    with pytest.raises(InputError, match="one color") as caught:
        fit(module, runs.data(**options), trainer, run)
    assert "blank0.png" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert trainer.global_step == MAX_BLANK
    assert same(module.state_dict(), start.state_dict())
    assert module.guard.skipped == 0

"""One training step: a transformer net against the perceptual loss (Johnson et al. 2016)."""

import time
from collections.abc import Callable
from functools import partial
from typing import Any

import lightning
import torch
from lightning.pytorch.core.optimizer import LightningOptimizer
from torch import Tensor, nn

from fst.errors import CheckpointError, FstError
from fst.image.blank import is_blank
from fst.losses.perceptual import LossTerms, PerceptualLoss
from fst.nets.layers import widen
from fst.nets.needs import needs_of
from fst.system.checks import number
from fst.system.random import random_states, set_random_states
from fst.training.guard import (
    GPU_CHECK_EVERY,
    FiniteGuard,
    Rollback,
    diverged,
    nothing_to_see,
    snapshot,
)
from fst.training.micro_batches import accumulate_gradients, more_parts
from fst.training.optimizers import (
    learning_rate,
    make_optimizers,
    prepare,
    start_average,
    update_average,
)
from fst.training.outcome import artifacts_of, objective_now
from fst.training.recipe import Recipe


class StyleTransferModule(lightning.LightningModule):
    """A net, the loss that judges it, and how the net learns.

    Args:
        net: ``(N, 3, H, W)`` to the same shape, RGB in [0, 1].
        loss: the objective; its VGG-19 is in no checkpoint.
        recipe: optimizer, rate, schedule and the rest.
        dtype: of the net's convolutions; weights, statistics and losses are float32.
        early_loss: what judges the first steps, if anything else does: a cheaper loss network.
        early_share: of the steps that it judges, from 0 to 1. Validation is the objective's own.
        margin: pixels by which photos go on at every side while they are painted, cut off again.

    Source:
        Johnson et al. 2016, section 4.1.
    """

    def __init__(
        self,
        net: nn.Module,
        loss: PerceptualLoss,
        recipe: Recipe | None = None,
        dtype: torch.dtype = torch.float32,
        early_loss: PerceptualLoss | None = None,
        early_share: float = 0.0,
        margin: int = 0,
    ) -> None:
        super().__init__()
        self.automatic_optimization = False  # micro-batches and skipped steps are ours to decide
        self.recipe = recipe = recipe or Recipe()
        self.net = net.to(memory_format=torch.channels_last)
        self.average = start_average(self.net, recipe.ema)
        self.loss, self.early_loss = loss, early_loss
        self.early_share = number("loss.slim_share", early_share, least=0, most=1)
        self.compute_dtype, self.margin = dtype, margin
        self.micro_batches = recipe.accumulate
        self.guard, self.rollback = FiniteGuard(), Rollback()
        self.diverged: FstError | None = None
        """Why the run has to end before its last step, if it has to."""
        self.start: dict[str, Any] | None = None
        """The objective before the first step, and what judged; None where it is not known."""
        self.seconds = 0.0
        """Spent in training so far, over all resumes."""
        self._began: float | None = None
        self._random_states: dict[str, Any] | None = None

    @property
    def best_net(self) -> nn.Module:
        """The net to keep: the average of the weights, if there is one."""
        return self.net if self.average is None else self.average

    def compile(self, *args: Any, **kwargs: Any) -> None:
        """Compiles the net and the loss network with ``torch.compile``; the first step waits."""
        self.net.compile(*args, **kwargs)
        for loss in (self.loss, self.early_loss):
            if loss is not None:
                loss.vgg.compile(*args, **kwargs)

    def current_loss(self) -> PerceptualLoss:
        """The loss that judges the step at hand."""
        if self.early_loss is None:
            return self.loss
        early = self.global_step < self.early_share * self.trainer.max_steps
        return self.early_loss if early else self.loss

    def forward(self, photos: Tensor) -> Tensor:
        """The photos painted with the weights to keep: ``(N, 3, H, W)`` in [0, 1]."""
        return self._paint(self.best_net, photos)

    def _paint(self, net: nn.Module, photos: Tensor, *more: Tensor) -> Tensor:
        bf16 = self.compute_dtype == torch.bfloat16
        wide, m = widen(photos, self.margin, needs_of(net).multiple) if self.margin else (photos, 0)
        with torch.autocast(photos.device.type, torch.bfloat16, enabled=bf16):
            painted: Tensor = net(wide.contiguous(memory_format=torch.channels_last), *more)
        return painted[..., m : m + photos.shape[2], m : m + photos.shape[3]]

    def gradients(
        self, photos: Tensor, backward: Callable[[Tensor], None] = torch.Tensor.backward
    ) -> LossTerms:
        """Adds the gradients of the batch's mean objective; returns the terms, ``(N,)`` each.

        Args:
            photos: ``(N, 3, H, W)`` in [0, 1].
            backward: called with the share of each micro-batch.
        """
        return accumulate_gradients(
            photos,
            self.micro_batches,
            partial(self._paint, self.net),
            self.current_loss(),
            self.recipe,
            backward,
            self.recipe.seed + self.global_step,
        )

    def training_step(self, photos: Tensor, batch_idx: int) -> None:
        """One step of the optimizers, left out where the loss or a gradient is not finite."""
        step, optimizers = self.global_step, self.trainer.optimizers
        terms = self._gradients_that_fit(photos)
        left_out = self.guard.watch(step, terms, self.net.parameters(), is_blank(photos))
        prepare(optimizers, self.rate(step), left_out, photos.device)
        for optimizer in optimizers[1:]:
            optimizer.step()
        self._counted_optimizer().step()
        if self.average is not None:
            update_average(self.average, self.net, self.recipe.ema, step, left_out)
        self._log("train", terms)
        self.log("lr", torch.tensor(self.rate(step)))  # a tensor: else Lightning waits for the GPU
        last = step + 1 == self.trainer.max_steps
        if not photos.is_cuda or (step + 1) % GPU_CHECK_EVERY == 0 or last:
            self._look_at_flags()
        self.log("skipped", torch.tensor(float(self.guard.skipped)))

    def _gradients_that_fit(self, photos: Tensor) -> LossTerms:
        """The gradients, in smaller parts where memory runs out."""
        while True:
            for optimizer in self.trainer.optimizers:
                optimizer.zero_grad()
            try:
                return self.gradients(photos, self.manual_backward)
            except RuntimeError as error:
                alone = self.trainer.world_size == 1
                self.micro_batches = more_parts(error, self.micro_batches, len(photos), alone)

    def _look_at_flags(self) -> None:
        """Counts the steps that were left out; goes back, or gives up, after too many."""
        if self.guard.settle():
            if not self.rollback.go_back(self.guard, self, self.trainer.optimizers):
                self._fail(diverged, self.guard.bad_step)
        elif self.guard.is_proven:
            self.rollback.proven()
        elif self.guard.sees_nothing:
            self._fail(nothing_to_see, self.global_step - 1)

    def _fail(self, error: Callable[[FiniteGuard, list[str]], FstError], step: int) -> None:
        train = getattr(getattr(self.trainer, "datamodule", None), "train", None)
        photos = train.names(step) if train is not None else []
        self.trainer.should_stop, self.diverged = True, error(self.guard, photos)

    def validation_step(self, photos: Tensor, batch_idx: int) -> None:
        """Logs the mean objective of the held-out photos, and what is wrong with the pictures."""
        self._log("val", self.loss(self(photos), self.loss.content_targets(photos)))
        self.log_dict(artifacts_of([self] * len(photos), photos), batch_size=len(photos))

    def on_validation_end(self) -> None:
        """Remembers the objective of the start, which the end is compared with."""
        if self.start is None and self.global_step == 0:
            self.start = objective_now(self.loss, self.trainer)

    def configure_optimizers(self) -> list[torch.optim.Optimizer]:
        """Adam, and Muon if asked for; :meth:`training_step` gives them their rate."""
        return make_optimizers(self.net, self.recipe)

    def _counted_optimizer(self) -> LightningOptimizer:
        """The first one, whose steps are the trainer's."""
        optimizers = self.optimizers()
        return optimizers[0] if isinstance(optimizers, list) else optimizers

    def rate(self, step: int) -> float:
        """The learning rate of a step, counted from 0."""
        return learning_rate(self.recipe, step, self.trainer.max_steps, self.rollback.rate_factor)

    def setup(self, stage: str) -> None:
        """Takes over the style weight that the first process has calibrated."""
        for loss in (self.loss, self.early_loss):
            if loss is not None and self.trainer.world_size > 1:
                loss.style_weight = self.trainer.strategy.broadcast(loss.style_weight)

    def on_train_start(self) -> None:
        """Puts the random states of an interrupted run back, last of all."""
        self._began = time.perf_counter()
        if self._random_states is not None:
            set_random_states(self._random_states)
            self._random_states = None
        self.rollback.start(self.guard, snapshot(self, self.trainer.optimizers))

    def seconds_spent(self) -> float:
        """Of training, over all resumes."""
        return self.seconds + (time.perf_counter() - self._began if self._began else 0.0)

    def on_train_end(self) -> None:
        """Stops the clock."""
        self.seconds, self._began = self.seconds_spent(), None

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Adds what a resumed run needs to go on exactly."""
        checkpoint["fst"] = {
            **self.recipe.as_dict(),
            "guard": self.guard.state_dict(),
            "seconds": self.seconds_spent(),
            "start": self.start,
            "good": self.rollback.good,
            "rate_factor": self.rollback.rate_factor,
            "micro_batches": self.micro_batches,
            "random": random_states(),
        }
        self.rollback.saved(self.guard, snapshot(self, self.trainer.optimizers))

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Takes it back, unless the user has changed it; the random states wait for the start."""
        if not (state := checkpoint.get("fst")):
            return
        before, now = state.get("optimizer", "adam"), self.recipe.optimizer
        if before != now:
            raise CheckpointError(f"can't resume a run of optimizer={before} with optimizer={now}")
        self.guard.load_state_dict(state["guard"])
        self.rollback.good, self._random_states = state["good"], state["random"]
        self.seconds, self.start = state.get("seconds", 0.0), state.get("start")
        if state["learning_rate"] == self.recipe.learning_rate:
            self.rollback.rate_factor = state["rate_factor"]
        else:
            self.guard.rollbacks = 0
        if state["accumulate"] == self.recipe.accumulate:
            self.micro_batches = state["micro_batches"]

    def _log(self, part: str, terms: LossTerms) -> None:
        values = torch.stack([term.mean() for term in (terms.total, *terms)])
        if part == "train" and self.trainer.world_size > 1:
            torch.distributed.all_reduce(values)  # one message for all four
            values = values / self.trainer.world_size
        names = [f"{part}/{name}" for name in ("total", *terms._fields)]
        self.log_dict(dict(zip(names, values, strict=True)), batch_size=len(terms.content))

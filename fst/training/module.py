"""One training step: a transformer net against the perceptual loss (Johnson et al. 2016)."""

import copy
import math
import time
from collections.abc import Callable
from typing import Any

import lightning
import torch
import torch.distributed as dist
from lightning.pytorch.core.optimizer import LightningOptimizer
from torch import Tensor, nn

from fst.errors import CheckpointError, DivergedError, InputError
from fst.evaluation import artifacts
from fst.losses.functional import upsampling_pattern
from fst.losses.perceptual import LossTerms, PerceptualLoss
from fst.system.memory import is_out_of_memory
from fst.system.random import random_states, set_random_states
from fst.training.guard import GPU_CHECK_EVERY, MAX_ROLLBACKS, FiniteGuard
from fst.training.muon import Muon

SCHEDULES = ("cosine", "constant")

OPTIMIZERS = ("muon", "adam")

OVERLOOK_FLAG = ("mps",)
"""Devices whose fused Adam takes its step whatever ``found_inf`` says."""


class StyleTransferModule(lightning.LightningModule):
    """A net, the loss that judges it, and how the net learns.

    Args:
        net: ``(N, 3, H, W)`` to the same shape, RGB in [0, 1].
        loss: the objective; its VGG-19 is in no checkpoint.
        learning_rate: of the optimizer (the paper: 1e-3).
        optimizer: ``"adam"`` as in the paper, or ``"muon"``: :class:`~fst.training.muon.Muon` for
            the
            weights of all convolutions but the first and the last, Adam for the rest.
        schedule: ``"constant"`` as in the paper, or ``"cosine"`` decay to zero at the last step.
        warmup_steps: over which the learning rate rises from zero.
        ema: decay of the exponential moving average of the weights, which is what is validated and
            kept, at most (1 + step) / (10 + step); 0 keeps the weights themselves.
        dtype: of the net's convolutions; weights, statistics and losses are float32.
        micro_batches: parts in which a step takes its batch, one after the other (gradient
            accumulation); more, once memory has run out.
        early_loss: what judges the first steps, if anything else does: a cheaper loss network.
        early_share: of the steps that it judges, from 0 to 1. Validation is the objective's own.
        pattern_weight: of :func:`~fst.losses.functional.upsampling_pattern`, which is no part of
            the
            objective: what is validated and reported goes without it.

    Source:
        Johnson et al. 2016, section 4.1.
    """

    def __init__(
        self,
        net: nn.Module,
        loss: PerceptualLoss,
        learning_rate: float = 1e-3,
        optimizer: str = "adam",
        schedule: str = "cosine",
        warmup_steps: int = 20,
        ema: float = 0.0,
        dtype: torch.dtype = torch.float32,
        micro_batches: int = 1,
        early_loss: PerceptualLoss | None = None,
        early_share: float = 0.0,
        pattern_weight: float = 0.0,
    ) -> None:
        super().__init__()
        if schedule not in SCHEDULES:
            raise InputError(f"schedule must be one of {', '.join(SCHEDULES)}, not {schedule!r}")
        if optimizer not in OPTIMIZERS:
            raise InputError(f"optimizer must be one of {', '.join(OPTIMIZERS)}, not {optimizer!r}")
        if not (isinstance(learning_rate, int | float) and 0 < learning_rate < math.inf):
            raise InputError(f"learning_rate must be above 0, not {learning_rate}")
        if not (isinstance(ema, int | float) and 0 <= ema < 1):
            raise InputError(f"ema must be at least 0 and below 1, not {ema!r}")
        if not (isinstance(pattern_weight, int | float) and 0 <= pattern_weight < math.inf):
            raise InputError(f"pattern_weight must be at least 0, not {pattern_weight!r}")
        if micro_batches < 1:
            raise InputError(f"accumulate must be at least 1, not {micro_batches}")
        if isinstance(early_share, bool) or not (
            isinstance(early_share, int | float) and 0 <= early_share <= 1
        ):
            raise InputError(f"loss.schedule must be from 0 to 1, not {early_share!r}")
        self.automatic_optimization = False  # micro-batches and skipped steps are ours to decide
        self.net = net.to(memory_format=torch.channels_last)
        self.average = copy.deepcopy(self.net).requires_grad_(False) if ema else None
        self.loss = loss
        self.early_loss, self.early_share = early_loss, early_share
        self.optimizer = optimizer
        self.learning_rate, self.schedule = learning_rate, schedule
        self.warmup_steps, self.ema = warmup_steps, ema
        self.pattern_weight = pattern_weight
        self.compute_dtype = dtype
        self.accumulate = self.micro_batches = micro_batches
        self.guard = FiniteGuard()
        self.rate_factor = 1.0
        self.seconds = 0.0
        """Spent in training so far, over all resumes."""
        self._began: float | None = None
        self.rolled_back = False
        self.diverged: DivergedError | None = None
        self._random_states: dict[str, Any] | None = None
        self._good: dict[str, Any] | None = None
        self._unproven: dict[str, Any] | None = None

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

    def judge(self) -> PerceptualLoss:
        """The loss that judges the step at hand."""
        if self.early_loss is None:
            return self.loss
        early = self.global_step < self.early_share * self.trainer.max_steps
        return self.early_loss if early else self.loss

    def forward(self, photos: Tensor) -> Tensor:
        """The photos painted with the weights to keep: ``(N, 3, H, W)`` in [0, 1]."""
        return self._paint(self.best_net, photos)

    def _paint(self, net: nn.Module, photos: Tensor) -> Tensor:
        bf16 = self.compute_dtype == torch.bfloat16
        with torch.autocast(photos.device.type, torch.bfloat16, enabled=bf16):
            painted: Tensor = net(photos.contiguous(memory_format=torch.channels_last))
        return painted

    def gradients(
        self, photos: Tensor, backward: Callable[[Tensor], None] = torch.Tensor.backward
    ) -> LossTerms:
        """Adds the gradients of the batch's mean objective; returns the terms, ``(N,)`` each.

        Args:
            photos: ``(N, 3, H, W)`` in [0, 1].
            backward: called with the share of each micro-batch.
        """
        parts, loss = [], self.judge()
        for part in photos.tensor_split(min(self.micro_batches, len(photos))):
            targets = loss.content_targets(part)
            painted = self._paint(self.net, part)
            terms = loss(painted, targets)
            total = terms.total.sum()
            if self.pattern_weight:
                total = total + self.pattern_weight * upsampling_pattern(painted).sum()
            backward(total / len(photos))
            parts.append([term.detach() for term in terms])
        return LossTerms(*(torch.cat(term) for term in zip(*parts, strict=True)))

    def training_step(self, photos: Tensor, batch_idx: int) -> None:
        """One step of the optimizer, left out where the loss or a gradient is not finite."""
        step, optimizers = self.global_step, self.trainer.optimizers
        terms = self._gradients_that_fit(photos)
        left_out = self.guard.watch(step, terms, self.net.parameters())
        for optimizer in optimizers:
            # a step is left out where this flag is set, without anybody waiting for it
            optimizer.found_inf = left_out  # type: ignore[attr-defined]
            if photos.device.type in OVERLOOK_FLAG and left_out:
                optimizer.zero_grad()
            for group in optimizer.param_groups:
                group["lr"] = self.rate(step)
        for optimizer in optimizers[1:]:
            optimizer.step()
        self._counted_optimizer().step()
        self._average_weights(step, left_out)
        self._log("train", terms)
        self.log("lr", self.rate(step))
        last = step + 1 == self.trainer.max_steps
        if not photos.is_cuda or (step + 1) % GPU_CHECK_EVERY == 0 or last:
            if self.guard.settle():
                self._roll_back()
            elif self.guard.in_row == 0 and self._unproven is not None:
                self._good, self._unproven = self._unproven, None
        self.log("skipped", float(self.guard.skipped))

    def _gradients_that_fit(self, photos: Tensor) -> LossTerms:
        """The gradients, in smaller parts where memory runs out."""
        while True:
            for optimizer in self.trainer.optimizers:
                optimizer.zero_grad()
            try:
                return self.gradients(photos, self.manual_backward)
            except RuntimeError as error:
                # several devices would have to agree on the parts before they exchange gradients
                alone = self.trainer.world_size == 1
                if not is_out_of_memory(error):
                    raise
                if self.micro_batches >= len(photos) or not alone:
                    less = "data.size" if alone else "data.batch_size, or raise accumulate"
                    raise InputError(f"out of memory: lower {less}") from error
            self.micro_batches = min(2 * self.micro_batches, len(photos))
            torch.cuda.empty_cache()
            print(f"out of memory: going on in {self.micro_batches} parts a step", flush=True)

    def validation_step(self, photos: Tensor, batch_idx: int) -> None:
        """Logs the mean objective of the held-out photos, and what is wrong with the pictures."""
        self._log("val", self.loss(self(photos), self.loss.content_targets(photos)))
        if min(photos.shape[2:]) >= artifacts.MIN_SIDE:
            found = [artifacts.measure_artifacts(self, photo[None]) for photo in photos]
            means = torch.tensor(found).mean(0).tolist()
            names = (f"val/{name}" for name in artifacts.Artifacts._fields)
            self.log_dict(dict(zip(names, means, strict=True)), batch_size=len(photos))

    @torch.no_grad()
    def _average_weights(self, step: int, left_out: Tensor) -> None:
        """A step of the moving average, where the step was not left out."""
        if self.average is None:
            return
        # shorter at first, else a short run would keep the weights that it began with
        decay = min(self.ema, (1 + step) / (10 + step))
        share = (1 - decay) * (1 - left_out)
        for mean, weight in zip(self.average.parameters(), self.net.parameters(), strict=True):
            mean.lerp_(weight, share)
        for copied, buffer in zip(self.average.buffers(), self.net.buffers(), strict=True):
            copied.copy_(buffer)

    def configure_optimizers(self) -> list[torch.optim.Optimizer]:
        """Adam, and Muon if asked for; :meth:`training_step` gives them their rate."""
        parameters = list(self.net.parameters())
        matrices = [p for p in parameters if p.ndim > 1][1:-1] if self.optimizer == "muon" else []
        chosen = {id(p) for p in matrices}
        rest = [p for p in parameters if id(p) not in chosen]
        adam = torch.optim.Adam(rest, lr=self.learning_rate, fused=True)
        return [adam, Muon(matrices, lr=self.learning_rate)] if matrices else [adam]

    def _counted_optimizer(self) -> LightningOptimizer:
        """The first one, whose steps are the trainer's."""
        optimizers = self.optimizers()
        return optimizers[0] if isinstance(optimizers, list) else optimizers

    def rate(self, step: int) -> float:
        """The learning rate of a step, counted from 0."""
        warmup = min(1.0, (step + 1) / (self.warmup_steps + 1))
        decay = 0.5 * (1 + math.cos(math.pi * min(step / self.trainer.max_steps, 1.0)))
        shape = warmup * (decay if self.schedule == "cosine" else 1.0)
        return self.learning_rate * self.rate_factor * shape

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
        if self._good is None:
            self._good = self._state()
        elif self.guard.in_row == 0:
            self._unproven = self._state()

    def seconds_spent(self) -> float:
        """Of training, over all resumes."""
        return self.seconds + (time.perf_counter() - self._began if self._began else 0.0)

    def on_train_end(self) -> None:
        """Stops the clock."""
        self.seconds, self._began = self.seconds_spent(), None

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Adds what a resumed run needs to go on exactly."""
        checkpoint["fst"] = {
            "guard": self.guard.state_dict(),
            "seconds": self.seconds_spent(),
            "good": self._good,
            "optimizer": self.optimizer,
            "learning_rate": self.learning_rate,
            "rate_factor": self.rate_factor,
            "accumulate": self.accumulate,
            "micro_batches": self.micro_batches,
            "random": random_states(),
        }
        # weights may already be past saving, and only the next step's loss shows it
        self._unproven = self._state() if self.guard.in_row == 0 else None
        self.rolled_back = False

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Takes it back, unless the user has changed it; the random states wait for the start."""
        if state := checkpoint.get("fst"):
            before = state.get("optimizer", "adam")
            if before != self.optimizer:
                raise CheckpointError(
                    f"can't resume a run of optimizer={before} with optimizer={self.optimizer}"
                )
            self.guard.load_state_dict(state["guard"])
            self._good, self._random_states = state["good"], state["random"]
            self.seconds = state.get("seconds", 0.0)
            if state["learning_rate"] == self.learning_rate:
                self.rate_factor = state["rate_factor"]
            else:
                self.guard.rollbacks = 0
            if state["accumulate"] == self.accumulate:
                self.micro_batches = state["micro_batches"]

    def _state(self) -> dict[str, Any]:
        """A copy of what :meth:`_roll_back` puts back."""
        optimizers = [optimizer.state_dict() for optimizer in self.trainer.optimizers]
        return copy.deepcopy({"module": self.state_dict(), "optimizers": optimizers})

    def _roll_back(self) -> None:
        """Weights and optimizer of the last good checkpoint, half the learning rate, new photos.

        "Good" is a checkpoint after which the loss was finite. Steps are not taken back. The state
        is saved at once, so that the newest checkpoint is a good one. A rollback that is one too
        many ends the run: :attr:`diverged` says why.
        """
        guard, good = self.guard, self._good
        assert good is not None  # since on_train_start
        self.load_state_dict(good["module"])
        for optimizer, state in zip(self.trainer.optimizers, good["optimizers"], strict=True):
            optimizer.load_state_dict(copy.deepcopy(state))
        self.rolled_back, self._unproven = True, None
        if guard.gives_up:
            train = getattr(getattr(self.trainer, "datamodule", None), "train", None)
            names = train.names(guard.bad_step) if train is not None else []
            self.trainer.should_stop = True
            self.diverged = DivergedError(
                f"the {guard.bad_text} is not finite at step {guard.bad_step}, after "
                f"{MAX_ROLLBACKS} rollbacks; the photos: {', '.join(names) or 'unknown'}. "
                "The last good weights are saved: lower learning_rate, then resume=auto"
            )
            return
        guard.rollbacks += 1
        self.rate_factor /= 2
        print(
            f"step {guard.bad_step}: back to the last good checkpoint, with half the learning "
            f"rate from here on (rollback {guard.rollbacks})",
            flush=True,
        )

    def _log(self, part: str, terms: LossTerms) -> None:
        values = torch.stack([term.mean() for term in (terms.total, *terms)])
        if part == "train" and self.trainer.world_size > 1:
            dist.all_reduce(values)  # one message for all four
            values = values / self.trainer.world_size
        names = [f"{part}/{name}" for name in ("total", *terms._fields)]
        self.log_dict(dict(zip(names, values, strict=True)), batch_size=len(terms.content))

"""A net that trainings begin with, made to be adapted: Reptile over many paintings.

Round after round a copy of the net is trained for a few steps on one painting, and the net then
goes a part of the way towards that copy. What all those rounds have in common is what a later
training of a few steps needs. ``fst reptile``.

Source: Nichol, Achiam & Schulman 2018, "On First-Order Meta-Learning Algorithms", algorithm 1; for
style nets, with another way to the same end: Zhang et al. 2019, "MetaStyle". Ours are the fresh
optimizer and the whole cosine of every round, as the later training will have them.
"""

import copy
import math
import pickle
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from fst.data.loader import TrainingCrops
from fst.data.photo_list import PhotoList
from fst.errors import InputError
from fst.image.blank import is_blank
from fst.losses.functional import upsampling_pattern
from fst.losses.perceptual import PerceptualLoss
from fst.losses.statistics import measure_style
from fst.system.checks import number, whole_number
from fst.system.files import atomic_file
from fst.training.many.paintings import Painting
from fst.training.optimizers import learning_rate, make_optimizers, prepare
from fst.training.recipe import Recipe


@dataclass(frozen=True)
class ReptileSettings:
    """How a net is made to be adapted.

    Attributes:
        rounds: paintings that are trained on, one after the other.
        steps: of the training in a round.
        way: the part of the way towards a round's result that the net goes in the first round,
            above 0 and at most 1; it falls linearly to nothing.
        recipe: optimizer, rate, warm-up and seed, as in a training.
        style_size: long side of the paintings in pixels.

    Raises:
        InputError: a value out of its range.
    """

    rounds: int = 400
    steps: int = 60
    way: float = 0.5
    recipe: Recipe = field(default_factory=Recipe)
    style_size: int = 512

    def __post_init__(self) -> None:
        whole_number("rounds", self.rounds, 1)
        whole_number("steps", self.steps, 1)
        number("way", self.way, above=0, most=1)
        whole_number("style_size", self.style_size, 1)


@dataclass(frozen=True)
class Round:
    """What a round was.

    Attributes:
        number: of the round, from 1.
        painting: its name.
        first: mean objective of the round's first tenth of steps.
        last: of its last tenth; not finite where the round was left out.
    """

    number: int
    painting: str
    first: float
    last: float


class Reptile:
    """A net, the paintings that it is to adapt to, and how far it has come.

    Which painting, photos and crops come in a round follow from the seed and the round's number,
    so a run that is resumed ends with the same weights.

    Args:
        net: what to begin with; it is changed.
        loss: judges; its painting is replaced by each round's. Not the ``"course"`` normalization.
        paintings: to take in turn, in an order that is drawn anew each time around.
        photos: crops of photos.
        settings: how.
        dtype: of the net's convolutions.
    """

    def __init__(
        self,
        net: nn.Module,
        loss: PerceptualLoss,
        paintings: Sequence[Painting],
        photos: TrainingCrops,
        settings: ReptileSettings,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        self.net = net.train().requires_grad_(True)
        self.loss, self.paintings, self.photos = loss, paintings, photos
        self.settings, self.dtype = settings, dtype
        self.began_with = [float(weight.detach().double().sum()) for weight in net.parameters()]
        self.done = 0
        """Rounds."""

    def run(self) -> Iterator[Round]:
        """All rounds that are left; after each one the net has moved."""
        rounds = self.settings.rounds
        for number_before in range(self.done, rounds):
            painting = self.paintings[self._turn(number_before)]
            adapted, objectives = self.adapted(painting, number_before)
            tenth = math.ceil(len(objectives) / 10)
            first, last = (sum(part) / tenth for part in (objectives[:tenth], objectives[-tenth:]))
            if math.isfinite(sum(objectives)):
                self._go_towards(adapted, self.settings.way * (1 - number_before / rounds))
            self.done = number_before + 1
            yield Round(self.done, painting.name, first, last)

    def adapted(self, painting: Painting, number_before: int) -> tuple[nn.Module, list[float]]:
        """A copy of the net after a round's training, and the objective at each of its steps.

        Args:
            painting: to train on.
            number_before: rounds before this one: its photos come after theirs.
        """
        settings, recipe = self.settings, self.settings.recipe
        net = copy.deepcopy(self.net)
        optimizers = make_optimizers(net, recipe)
        picture = painting.open(settings.style_size).to(self.loss.vgg.mean.device)
        grams = measure_style(self.loss.vgg, picture, self.loss.style_layers).grams
        taken = torch.zeros((), device=picture.device)  # no step is left out
        objectives = []
        for step, photos in enumerate(self._batches(number_before)):
            for optimizer in optimizers:
                optimizer.zero_grad()
            total = self._objective(net, photos.to(picture.device), grams)
            total.backward()  # type: ignore[no-untyped-call]
            rate = learning_rate(recipe, step, settings.steps)
            prepare(optimizers, rate, taken, picture.device)
            for optimizer in optimizers:
                optimizer.step()
            objectives.append(total.item())
        return net, objectives

    def _objective(self, net: nn.Module, photos: Tensor, grams: Mapping[str, Tensor]) -> Tensor:
        """The mean objective of a batch against a painting's Gram matrices."""
        bf16 = self.dtype == torch.bfloat16
        with torch.autocast(photos.device.type, torch.bfloat16, enabled=bf16):
            painted = net(photos.contiguous(memory_format=torch.channels_last))
        total = self.loss(painted, self.loss.content_targets(photos), grams).total
        total = total + self.settings.recipe.pattern_weight * upsampling_pattern(painted)
        shown = torch.where(is_blank(photos), torch.zeros_like(total), total)  # as in a training
        return shown.mean()

    def _batches(self, number_before: int) -> Iterator[Tensor]:
        """The photos of a round, ``(batch_size, 3, size, size)`` a step."""
        size, steps = self.photos.batch_size, self.settings.steps
        self.photos.start = number_before * steps * size
        crops = iter(self.photos)
        for _ in range(steps):
            yield torch.stack(list(islice(crops, size)))

    def _turn(self, number_before: int) -> int:
        """Which painting comes after so many rounds."""
        around, place = divmod(number_before, len(self.paintings))
        seed = self.settings.recipe.seed + around
        order = torch.randperm(len(self.paintings), generator=torch.Generator().manual_seed(seed))
        return int(order[place])

    @torch.no_grad()
    def _go_towards(self, adapted: nn.Module, part: float) -> None:
        """Moves every weight that part of the way."""
        for mine, its in zip(self.net.parameters(), adapted.parameters(), strict=True):
            mine.lerp_(its, part)

    def save(self, path: Path) -> None:
        """Writes what :meth:`load` goes on from; whole or not at all."""
        state = {"net": self.net.state_dict(), "done": self.done, "of": self._identity()}
        with atomic_file(path) as partial:
            torch.save(state, partial)

    def load(self, path: Path) -> None:
        """Takes back what :meth:`save` wrote.

        Raises:
            InputError: a damaged file, or one of another beginning, other paintings or settings.
        """
        state = read_state(path)
        if state["of"] != self._identity():
            raise InputError(
                f"{path} is of another beginning, other paintings or photos, or other settings: "
                "give another --state"
            )
        self.net.load_state_dict(state["net"])
        self.done = state["done"]

    def _identity(self) -> str:
        """Changes with all that the result depends on."""
        paintings = [painting.sha256 for painting in self.paintings]
        judge = self.loss.describe()
        source, crop = self.photos.source, self.photos.crop
        count = len(source) if isinstance(source, PhotoList) else None
        photos = (count, self.photos.batch_size, crop.sizes, crop.min_scale, crop.seed)
        return repr((asdict(self.settings), self.began_with, paintings, judge, photos))


def read_state(path: Path) -> dict[str, Any]:
    """What :meth:`Reptile.save` wrote.

    Raises:
        InputError: it is something else, or damaged.
    """
    try:
        state = torch.load(path, weights_only=True)
        if not (isinstance(state, dict) and {"net", "done", "of"} <= set(state)):
            raise ValueError("no state of fst reptile")
    except (OSError, RuntimeError, KeyError, EOFError, ValueError, pickle.PickleError) as error:
        raise InputError(f"{path} is damaged, or no state of fst reptile") from error
    return state

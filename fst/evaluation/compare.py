"""The fast output against the optimization, judged by the same loss, on photos never trained on.

The measure is that of Johnson et al. 2016, section 4.1 and figure 5: after how many iterations does
the optimization reach the objective of the net's output ("equivalent iterations")? The report's
JSON is documented in docs/report.md.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torchmetrics.functional.image import structural_similarity_index_measure

from fst.errors import FstError, InputError
from fst.evaluation.artifacts import MEASURABLE_SIDE, measure_artifacts
from fst.evaluation.finished import keep_photo, keep_pictures, read_finished
from fst.evaluation.photos import file_stem, read_photo, shown_name
from fst.evaluation.report_folder import ENTRIES, PICTURES, SCHEMA, begin_report
from fst.evaluation.timing import conditions, start_clock, time_pass, warm_up
from fst.inference.stylizers import FeedForwardStylizer
from fst.losses.perceptual import PerceptualLoss
from fst.optimization.pixels import optimize
from fst.system.checksum import checksum

STARTS = ("photo", "noise")

OnProgress = Callable[[str, int], None]
"""Told the start and the iteration while a photo is optimized."""

OnProblem = Callable[[Path, FstError], None]
"""Told of a photo that can't be compared, and why."""


@dataclass(frozen=True)
class Comparison:
    """What is compared: a trained style and the loss, at one size, over so many iterations.

    ``size`` is the photos' long side in pixels; ``iterations`` the optimization's. Where
    ``until_equal``, it ends as soon as it has come down to the net's objective.
    """

    stylizer: FeedForwardStylizer
    loss: PerceptualLoss
    size: int = 256
    iterations: int = 200
    seed: int = 0
    until_equal: bool = False

    @property
    def key(self) -> str:
        """Changes with everything that a photo's figures depend on, times included."""
        digest = hashlib.sha256()
        digest.update(json.dumps(self.stylizer.style.description["net"], sort_keys=True).encode())
        digest.update(self.stylizer.style.digest.encode())
        for known in self.loss.of_painting().values():  # at its size
            digest.update(known.float().cpu().numpy().tobytes())
        digest.update(json.dumps([SCHEMA, self.settings()], sort_keys=True).encode())
        return digest.hexdigest()

    def settings(self) -> dict[str, Any]:
        """What the figures depend on, times included, as plain values."""
        return {
            "size": self.size,
            "iterations": self.iterations,
            "until_equal": self.until_equal,
            "seed": self.seed,
            "margin": self.stylizer.margin,
            **conditions(self.stylizer),
            "loss": self.loss.describe(),
        }


def equivalent_iterations(objectives: Sequence[float], target: float) -> tuple[float, bool]:
    """How many iterations it takes to come down to ``target``, linearly interpolated.

    Args:
        objectives: of iteration 0, 1, 2 …; an increase is overlooked (the best so far counts).
        target: the objective to reach.

    Returns:
        The iterations, and True; or the last iteration and False where ``target`` is not reached.
    """
    if objectives[0] <= target:
        return 0.0, True
    best = objectives[0]
    for i, value in enumerate(objectives[1:]):
        if value <= target:
            return i + (best - target) / (best - value), True
        best = min(best, value)
    return float(len(objectives) - 1), False


def compare_photo(
    comparison: Comparison,
    name: str,
    photo: Tensor,
    pictures: Path,
    on_progress: OnProgress | None = None,
) -> dict[str, Any]:
    """The figures of one photo, ``(1, 3, H, W)``; writes its pictures as ``<pictures>_<what>.png``.

    Both sides are timed warm: the first pass, and an optimization of one iteration, are left out.

    Raises:
        DivergedError: its objective is no finite number.
    """
    stylizer, loss = comparison.stylizer, comparison.loss
    photo = photo.to(stylizer.device)
    fast, fast_seconds = time_pass(stylizer.painter, photo)
    with torch.no_grad():
        terms = loss(fast, loss.content_targets(photo))
    target = float(terms.total)
    images = {"photo": photo, "fast": fast}
    measurable = min(photo.shape[2:]) >= MEASURABLE_SIDE
    warm_up(loss, photo)
    optimized = {}
    for start in STARTS:
        figures, found = _optimize_from(start, comparison, photo, target, on_progress)
        optimized[start] = figures
        images |= {f"{name}_{start}": image for name, image in found.items()}
    return {
        "name": name,
        "width": photo.shape[3],
        "height": photo.shape[2],
        "fast": {
            "objective": target,
            **{name: float(term) for name, term in terms._asdict().items()},
            "seconds": fast_seconds,
        },
        "artifacts": measure_artifacts(stylizer.painter, photo)._asdict() if measurable else None,
        "optimized": optimized,
        "speedup": _speedup(optimized["photo"], fast_seconds),
        "ssim_with_photo": {
            "fast": _ssim(fast, photo),
            "optimized": _ssim(images["end_photo"], photo),
        },
        "pictures": keep_pictures(images, pictures),
    }


def _optimize_from(
    start: str,
    comparison: Comparison,
    photo: Tensor,
    target: float,
    on_progress: OnProgress | None,
) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """The figures of an optimization, and its pictures: ``equal`` to the net's, and at the end."""
    images: dict[str, Tensor] = {}
    curve: list[float] = []
    iterates = optimize(
        comparison.loss,
        photo,
        init=start,
        iterations=comparison.iterations,
        seed=comparison.seed,
    )
    clock = start_clock(photo.device)
    for iterate in iterates:
        curve.append(float(iterate.terms.total))
        if on_progress is not None:
            on_progress(start, iterate.iteration)
        images["end"] = iterate.image
        if "equal" not in images and curve[-1] <= target:
            images["equal"] = iterate.image
            if comparison.until_equal:
                break
    seconds = clock()
    equivalent, reached = equivalent_iterations(curve, target)
    figures = {
        "objectives": curve,
        "seconds_per_iteration": seconds / len(curve),
        "equivalent_iterations": equivalent,
        "reached": reached,
    }
    return figures, images


def _speedup(from_photo: dict[str, Any], fast_seconds: float) -> dict[str, float]:
    """How many times longer the optimization takes, over 500 iterations and to the net's level."""
    per_iteration = from_photo["seconds_per_iteration"]
    return {
        "at_500": 500 * per_iteration / fast_seconds,
        "equal_objective": from_photo["equivalent_iterations"] * per_iteration / fast_seconds,
    }


def _ssim(image: Tensor, photo: Tensor) -> float:
    return float(structural_similarity_index_measure(image.clamp(0, 1), photo, data_range=1.0))  # type: ignore[arg-type]


def compare(
    comparison: Comparison,
    photos: Sequence[Path],
    output: Path,
    on_progress: Callable[[Path, str, int], None] | None = None,
    on_problem: OnProblem | None = None,
) -> Iterator[dict[str, Any]]:
    """The entries of ``photos``, one by one; each is kept on disk as soon as it is known.

    A photo that was finished before, with the same net and settings and on the same machine, is
    read from ``output/photos`` instead of being computed again. The folder is made with the first
    photo that can be read.

    Args:
        comparison: what is compared.
        photos: their files.
        output: the report's folder.
        on_progress: told the photo, the start and the iteration.
        on_problem: told of a photo that can't be compared, which is then left out; None raises.
    """
    for path in photos:
        try:
            yield _known_or_compared(comparison, path, output, on_progress)
        except FstError as problem:
            if on_problem is None:
                raise
            on_problem(path, problem)


def _known_or_compared(
    comparison: Comparison,
    path: Path,
    output: Path,
    on_progress: Callable[[Path, str, int], None] | None,
) -> dict[str, Any]:
    """The entry of a photo; its files are this comparison's own, and no other's are replaced."""
    try:
        content = checksum(path)  # another photo under the same name is another one
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}") from error
    key = f"{comparison.key}-{content}"
    stem = f"{file_stem(path)}_{hashlib.sha256(key.encode()).hexdigest()[:8]}"
    file = output / ENTRIES / f"{stem}.json"
    name = shown_name(path.name)
    if (kept := read_finished(file, key, name)) is not None:
        return kept
    photo = read_photo(path, comparison.size).rgb
    begin_report(output)
    watch = None if on_progress is None else _bind(on_progress, path)
    pictures = output / PICTURES / stem
    return keep_photo(file, key, compare_photo(comparison, name, photo, pictures, watch))


def _bind(on_progress: Callable[[Path, str, int], None], path: Path) -> OnProgress:
    return lambda start, iteration: on_progress(path, start, iteration)

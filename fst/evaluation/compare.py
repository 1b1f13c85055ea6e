"""The fast output against the optimization, judged by the same loss, on photos never trained on.

The measure is that of Johnson et al. 2016, section 4.1 and figure 5: after how many iterations does
the optimization reach the objective of the net's output ("equivalent iterations")? The report's
JSON is documented in docs/report.md.
"""

import hashlib
import json
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torchmetrics.functional.image import structural_similarity_index_measure

from fst.evaluation.artifacts import MIN_SIDE, measure
from fst.image.io import load_image, save_image
from fst.image.picture import resize
from fst.inference.painter import feedforward
from fst.inference.stylizers import FeedForwardStylizer
from fst.losses.perceptual import LossTerms, PerceptualLoss
from fst.optimization.pixels import optimize
from fst.system.files import write_json

SCHEMA = 2
STARTS = ("photo", "noise")
TIMED_PASSES = 5

OnProgress = Callable[[str, int], None]
"""Told the start and the iteration while a photo is optimized."""


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
        """Changes with everything that a photo's figures depend on."""
        digest = hashlib.sha256()
        digest.update(json.dumps(self.stylizer.style.description["net"], sort_keys=True).encode())
        digest.update(self.stylizer.style.digest.encode())
        for name, gram in self.loss.named_buffers():
            if name.startswith("gram_"):  # the painting, at its size
                digest.update(gram.float().cpu().numpy().tobytes())
        digest.update(json.dumps([SCHEMA, self.settings()], sort_keys=True).encode())
        return digest.hexdigest()

    def settings(self) -> dict[str, Any]:
        """Size, iterations, precision, device and loss, as plain values."""
        return {
            "size": self.size,
            "iterations": self.iterations,
            "until_equal": self.until_equal,
            "seed": self.seed,
            "margin": self.stylizer.margin,
            "device": self.stylizer.device.type,
            "precision": str(self.stylizer.dtype).removeprefix("torch."),
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


@torch.no_grad()
def judge(
    net: nn.Module, loss: PerceptualLoss, photos: Sequence[Tensor], dtype: torch.dtype
) -> list[LossTerms]:
    """What the loss says of a net's pictures of ``photos``, ``(1, 3, H, W)`` each."""
    return [loss(feedforward(net, photo, dtype), loss.content_targets(photo)) for photo in photos]


def compare_photo(
    comparison: Comparison, path: Path, pictures: Path, on_progress: OnProgress | None = None
) -> dict[str, Any]:
    """One photo's figures; writes its pictures as ``<pictures>_<what>.png``."""
    stylizer, loss = comparison.stylizer, comparison.loss
    photo = resize(load_image(path), comparison.size).rgb.to(stylizer.device)
    fast, fast_seconds = _time_fast(stylizer, photo)
    with torch.no_grad():
        terms = loss(fast, loss.content_targets(photo))
    target = float(terms.total)
    images = {"photo": photo, "fast": fast}
    entry: dict[str, Any] = {
        "name": path.name,
        "width": photo.shape[3],
        "height": photo.shape[2],
        "fast": {
            "objective": target,
            **{name: float(term) for name, term in terms._asdict().items()},
            "seconds": fast_seconds,
        },
        "artifacts": None,
        "optimized": {},
    }
    if min(photo.shape[2:]) >= MIN_SIDE:
        entry["artifacts"] = measure(stylizer.painter, photo)._asdict()
    for start in STARTS:
        began = time.perf_counter()
        curve = []
        for iterate in optimize(
            loss, photo, init=start, iterations=comparison.iterations, seed=comparison.seed
        ):
            curve.append(float(iterate.terms.total))
            if on_progress is not None:
                on_progress(start, iterate.iteration)
            if f"equal_{start}" not in images and curve[-1] <= target:
                images[f"equal_{start}"] = iterate.image
                if comparison.until_equal:
                    break
        images[f"end_{start}"] = iterate.image
        equivalent, reached = equivalent_iterations(curve, target)
        entry["optimized"][start] = {
            "objectives": curve,
            "seconds_per_iteration": (time.perf_counter() - began) / len(curve),
            "equivalent_iterations": equivalent,
            "reached": reached,
        }
    from_photo = entry["optimized"]["photo"]
    per_iteration = from_photo["seconds_per_iteration"]
    entry["speedup"] = {
        "at_500": 500 * per_iteration / fast_seconds,
        "equal_objective": from_photo["equivalent_iterations"] * per_iteration / fast_seconds,
    }
    entry["ssim_with_photo"] = {
        "fast": _ssim(fast, photo),
        "optimized": _ssim(images["end_photo"], photo),
    }
    entry["pictures"] = {}
    for name, image in images.items():
        file = pictures.with_name(f"{pictures.name}_{name}.png")
        save_image(file, image.clamp(0, 1).cpu())
        entry["pictures"][name] = f"{file.parent.name}/{file.name}"
    return entry


def compare(
    comparison: Comparison,
    photos: Sequence[Path],
    output: Path,
    on_progress: Callable[[Path, str, int], None] | None = None,
) -> Iterator[dict[str, Any]]:
    """The entries of ``photos``, one by one; each is kept on disk as soon as it is known.

    A photo that was finished before, with the same net and settings, is read from
    ``output/photos`` instead of being computed again.
    """
    entries, pictures = output / "photos", output / "pictures"
    for folder in (entries, pictures):
        folder.mkdir(parents=True, exist_ok=True)
    for path in photos:
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        key = f"{comparison.key}-{content}"
        stem = f"{path.stem}_{content[:8]}"  # photos of one name, in two folders, keep apart
        file = entries / f"{stem}.json"
        kept = _read_entry(file, key, path.name)
        if kept is not None:
            yield kept
            continue
        watch: OnProgress | None = None
        if on_progress is not None:
            watch = _bind(on_progress, path)
        entry = {"key": key, **compare_photo(comparison, path, pictures / stem, watch)}
        write_json(file, entry)
        yield entry


def summarize(comparison: Comparison, entries: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The report: medians over the photos, the settings, and every photo's entry."""
    report: dict[str, Any] = {
        "schema": SCHEMA,
        "style": comparison.stylizer.style.description["style"],
        "training": comparison.stylizer.style.description.get("training", {}),
        "settings": comparison.settings(),
        "equivalent_iterations": {},
    }
    for start in STARTS:
        values = [entry["optimized"][start]["equivalent_iterations"] for entry in entries]
        reached = [entry["optimized"][start]["reached"] for entry in entries]
        report["equivalent_iterations"][start] = {
            **_spread(values),
            "not_reached": len(reached) - sum(reached),
        }
    report["speedup"] = {
        name: statistics.median(entry["speedup"][name] for entry in entries)
        for name in ("at_500", "equal_objective")
    }
    per_iteration = [e["optimized"]["photo"]["seconds_per_iteration"] for e in entries]
    report["seconds"] = {
        "fast": statistics.median(entry["fast"]["seconds"] for entry in entries),
        "iteration": statistics.median(per_iteration),
    }
    report["objective"] = {
        "fast": _spread([entry["fast"]["objective"] for entry in entries]),
        "photo": _spread([entry["optimized"]["photo"]["objectives"][0] for entry in entries]),
        "optimized": _spread([entry["optimized"]["photo"]["objectives"][-1] for entry in entries]),
    }
    measured = [entry["artifacts"] for entry in entries if entry["artifacts"]]
    report["artifacts"] = {
        name: _spread([found[name] for found in measured])
        for name in (measured[0] if measured else ())
    }
    report["photos"] = [
        {name: value for name, value in entry.items() if name != "key"} for entry in entries
    ]
    return report


def _spread(values: Sequence[float]) -> dict[str, float]:
    return {"median": statistics.median(values), "min": min(values), "max": max(values)}


def _ssim(image: Tensor, photo: Tensor) -> float:
    return float(structural_similarity_index_measure(image.clamp(0, 1), photo, data_range=1.0))  # type: ignore[arg-type]


def _time_fast(stylizer: FeedForwardStylizer, photo: Tensor) -> tuple[Tensor, float]:
    """The net's output and the median seconds of a pass, the first one left out."""
    seconds = []
    for _ in range(TIMED_PASSES + 1):
        began = time.perf_counter()
        painted = stylizer.painter(photo)
        if photo.device.type != "cpu":
            torch.accelerator.synchronize()
        seconds.append(time.perf_counter() - began)
    return painted.clone(), statistics.median(seconds[1:])


def _read_entry(file: Path, key: str, name: str) -> dict[str, Any] | None:
    try:
        entry: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        if (entry["key"], entry["name"]) != (key, name):
            return None
        missing = [p for p in entry["pictures"].values() if not (file.parents[1] / p).exists()]
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None  # not there, or damaged
    return None if missing else entry


def _bind(on_progress: Callable[[Path, str, int], None], path: Path) -> OnProgress:
    return lambda start, iteration: on_progress(path, start, iteration)

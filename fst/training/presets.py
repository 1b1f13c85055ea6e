"""Which of the experiments that come with fst are smaller than a run."""

from collections.abc import Mapping
from typing import Any

import yaml

from fst import assets
from fst.styles.predicted import ANY
from fst.training.resume import leaves

STEPS, BATCH = "trainer.max_steps", "data.batch_size"


def smaller_presets(settings: Mapping[str, Any]) -> list[str]:
    """Experiments of fewer photos than a run, largest first, as ``experiment=quick (200 steps)``.

    The run's own experiment is none of them, whatever number of steps the user has given it; and
    one that begins with the any-painting net only where that is there, for one painting.

    Args:
        settings: all of a run.
    """
    own = leaves(settings)
    photos = own[STEPS] * own.get(BATCH, 1)
    found: list[tuple[int, str]] = []
    for path in sorted((assets.shipped("configs") / "experiment").glob("*.yaml")):
        preset = leaves(yaml.safe_load(path.read_text(encoding="utf-8")))
        steps = preset.pop(STEPS, None)
        if steps is None:  # says nothing of its size
            continue
        batch = preset.get(BATCH, own.get(BATCH, 1))
        pace = {key: preset[key] for key in preset if key == BATCH or key.startswith("trainer.")}
        at_hand = bool(pace) and all(own.get(key) == value for key, value in pace.items())
        if at_hand or steps * batch >= photos:
            continue
        if preset.get("init") == ANY and not (own["net.name"] == "johnson" and _any_is_there()):
            continue
        each = " of one photo" if batch == 1 and own.get(BATCH) != 1 else ""
        found.append((steps * batch, f"experiment={path.stem} ({steps:,} steps{each})"))
    return [text for _, text in sorted(found, reverse=True)]


def _any_is_there() -> bool:
    return any((folder / f"{ANY}.safetensors").is_file() for folder in assets.checkpoint_folders())

"""The state of every global random generator."""

import random
from typing import Any, cast

import numpy as np
import torch


def random_states() -> dict[str, Any]:
    """The state of every global random generator, as plain values and tensors."""
    kind, keys, *rest = cast(tuple[Any, ...], np.random.get_state())
    version, numbers, gauss = random.getstate()
    return {
        "torch": torch.get_rng_state(),
        # a run on the CPU does not touch a GPU: it may be somebody else's
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else [],  # type: ignore[no-untyped-call]
        "numpy": [kind, torch.from_numpy(keys.astype(np.int64)), *rest],
        "python": [version, list(numbers), gauss],
    }


def set_random_states(states: dict[str, Any]) -> None:
    """Puts every global random generator back where :func:`random_states` found it."""
    torch.set_rng_state(states["torch"])
    if len(states["cuda"]) == torch.cuda.device_count():
        torch.cuda.set_rng_state_all(states["cuda"])
    kind, keys, *rest = states["numpy"]
    np.random.set_state((kind, keys.numpy().astype(np.uint32), *rest))
    version, numbers, gauss = states["python"]
    random.setstate((version, tuple(numbers), gauss))

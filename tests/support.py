"""What tests of several files use: small pictures, and where the scripts are."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

ROOT = Path(__file__).parents[1]
SCRIPTS = ROOT / "scripts"

Run = Callable[..., subprocess.CompletedProcess[str]]
"""The ``run`` fixture: script, arguments, environment variables."""


def make_photo(width: int = 48, height: int = 40, seed: int = 0) -> Image.Image:
    """A smooth random picture: low-frequency colors, so that JPEG changes it little."""
    small = np.random.default_rng(seed).integers(0, 256, (5, 6, 3), dtype=np.uint8)
    return Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC)

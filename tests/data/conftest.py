"""What the tests of photos share: a folder of colors, and a stream of them."""

from pathlib import Path

import datasets
import pytest
from photo_streams import SHARDS
from support import one_color, write_parquet

from fst.data.sources import open_hub


@pytest.fixture
def colors(tmp_path: Path) -> Path:
    """Ten photos of one color each."""
    folder = tmp_path / "colors"
    folder.mkdir()
    for i in range(10):
        one_color(i).save(folder / f"{i:02d}.png")
    return folder


@pytest.fixture(scope="module")
def stream(tmp_path_factory: pytest.TempPathFactory) -> datasets.IterableDataset:
    """Three parquet files, whose rows are read four at a time."""
    root = tmp_path_factory.mktemp("stream")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
        patch.setattr(datasets.config, "HF_DATASETS_CACHE", root / "hf")
        return open_hub(str(write_parquet(root / "parquet", SHARDS, rows_together=4)))

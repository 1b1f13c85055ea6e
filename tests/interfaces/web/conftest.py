"""The page in a real browser, and a real service behind it, whose nets are tiny."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browsers import Open, Watched, launched, serving
from support import make_photo
from tiny_any import save_any
from tiny_runs import save_style

from fst.interfaces.http.settings import ServiceSettings

TRAINING = (
    "net.arguments={width: 4, residual_blocks: 1}",
    "init=null",
    "data.size=32",
    "data.val_photos=2",
    "loss=slim",
    "style.size=48",
    "style.style_weight=3",
    "trainer.max_steps=3",
)
"""Settings of a training of a moment."""


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two tiny styles, the quick net of one, and a net for any painting."""
    folder = tmp_path_factory.mktemp("served") / "checkpoints"
    for seed, name in enumerate(("dawn", "dusk"), 1):
        painting = folder.parent / f"{name}.png"
        make_photo(64, 48, seed=seed).save(painting)
        save_style(folder / f"{name}.safetensors", seed, painting)
    save_style(folder / "dusk_small.safetensors", 3, folder.parent / "dusk.png")
    save_any(folder)
    return folder


@pytest.fixture(scope="module")
def served(checkpoints: Path) -> Iterator[str]:
    """The address of a service in a thread, which can reach no network."""
    for package in ("fastapi", "uvicorn", "prometheus_client", "python_multipart"):
        pytest.importorskip(package, reason="needs the extra web")
    folder = checkpoints.parent
    photos = folder / "photos"
    photos.mkdir()
    for number in range(12):
        make_photo(64, 64, seed=number).save(photos / f"photo_{number:02d}.jpg", quality=95)
    with pytest.MonkeyPatch.context() as patch:
        for name, place in (("XDG_CACHE_HOME", "cache"), ("XDG_DATA_HOME", "data")):
            patch.setenv(name, str(folder / place))
        for name in ("HF_HUB_OFFLINE", "OMP_NUM_THREADS"):
            patch.setenv(name, "1")
        patch.delenv("FST_ASSETS", raising=False)
        patch.chdir(folder)
        settings = ServiceSettings(
            port=0,
            checkpoints=checkpoints,
            photos=photos,
            folder=folder,
            device="cpu",
            precision="fp32",
            training_words=TRAINING,
        )
        with serving(settings) as address:
            yield address


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium, with a drawn camera."""
    with launched() as found:
        yield found


@pytest.fixture
def open_page(browser: Any, served: str) -> Iterator[Open]:
    """Opens the page; at the end of the test, nothing forbidden may have happened in it."""
    opened: list[Watched] = []

    def call(hash: str = "", **options: Any) -> Watched:
        found = Watched(browser, served, **options)
        opened.append(found)
        found.page.goto(served + hash)
        return found

    yield call
    for found in opened:
        found.check()
        found.close()


@pytest.fixture
def page(open_page: Open) -> Any:
    """The page as one comes to it first."""
    return open_page().page


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """A small photo, as a PNG file, so that nothing is lost on the way."""
    path = tmp_path / "meadow.png"
    make_photo(96, 72, seed=5).save(path)
    return path

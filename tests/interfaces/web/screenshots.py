"""Takes the pictures of ``docs/images/service``: every tab, wide and narrow, light and dark.

By hand, from the project's folder, with a photo and a painting whose rights allow it (NOTICE names
them), and a folder of photos to train on::

    PYTHONPATH=tests:. python tests/interfaces/web/screenshots.py PHOTO PAINTING PHOTOS [TAB ...]

It takes some minutes, since it trains and optimizes. Then look at each picture.
"""

import io
import json
import re
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from browsers import launched, serving
from paint_page import choose_photos, choose_style, wait_until_painted
from PIL import Image

from fst.interfaces.http.settings import ServiceSettings

FOLDER = Path("docs/images/service")
LOOKS = [(width, colors) for width in (1440, 390) for colors in ("light", "dark")]
MINUTES = 10 * 60_000
LARGEST = 200_000
"""Bytes of a picture."""


def main(photo: Path, painting: Path, photos: Path, tabs: Sequence[str]) -> None:
    """Takes them all, or those of some tabs."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        settings = ServiceSettings(port=0, folder=work, photos=photos)
        camera = f"--use-file-for-fake-video-capture={film(photo, work)}"
        with serving(settings) as address, launched(camera) as browser:
            for take in (paint, live, compare):
                if take.__name__ not in tabs:
                    continue
                for page, look in pages(browser, address, take.__name__):
                    take(page, photo)
                    keep(page, f"{take.__name__}-{look}")
            if "train" in tabs:
                train(browser, address, painting)


def film(photo: Path, folder: Path) -> Path:
    """The photo as what a camera sees: a film of one frame."""
    image = Image.open(photo).convert("RGB").resize((640, 428))
    image.save(frame := io.BytesIO(), "JPEG", quality=92)
    path = folder / "camera.mjpeg"
    path.write_bytes(frame.getvalue() * 2)
    return path


def pages(browser: Any, address: str, tab: str) -> Iterator[tuple[Any, str]]:
    """A tab in every look, with the look's name."""
    for width, colors in LOOKS:
        size = {"width": width, "height": 900 if width > 500 else 844}
        context = browser.new_context(viewport=size, color_scheme=colors, reduced_motion="reduce")
        context.set_default_timeout(MINUTES)
        page = context.new_page()
        page.goto(f"{address}#tab={tab}")
        page.locator(f"#panel-{tab} h1").wait_for(state="attached")
        yield page, f"{width}-{colors}"
        context.close()


def paint(page: Any, photo: Path) -> None:
    """A painted photo, and half of it as it was."""
    page.wait_for_load_state("networkidle")  # the thumbnails
    choose_photos(page, photo)
    choose_style(page, "starry_night")
    wait_until_painted(page)
    page.get_by_role("slider", name=re.compile("photo is shown")).fill("38")


def live(page: Any, photo: Path) -> None:
    """The camera."""
    page.get_by_label("Style", exact=True).select_option("great_wave")
    page.get_by_role("button", name="Start the camera").click()
    page.get_by_text("frames a second").wait_for()
    page.wait_for_timeout(1000)


def compare(page: Any, photo: Path) -> None:
    """A comparison on its way."""
    page.locator("#compare-photo").set_input_files(str(photo))
    page.get_by_label("Style", exact=True).select_option("the_scream")
    page.get_by_role("button", name="Compare", exact=True).click()
    page.get_by_text(re.compile(r"Optimizing: step [67]\d of 100")).first.wait_for()


def train(browser: Any, address: str, painting: Path) -> None:
    """One training, seen by four visitors, one after the other."""
    job: Any = None
    for page, look in pages(browser, address, "train"):
        if job is None:
            page.get_by_label("Choose a painting").set_input_files(str(painting))
            page.get_by_role("button", name="Start the training").click()
            page.get_by_text(re.compile(r"Learning: step [3-9]\d")).first.wait_for()
            page.locator(".progress-card .picture-box img:not([hidden])").wait_for()
            job = page.evaluate("localStorage.getItem('fst.training')")
        else:
            page.evaluate("job => localStorage.setItem('fst.training', job)", job)
            page.reload()
            page.get_by_text(re.compile(r"(Learning|Done)")).first.wait_for()
            page.locator(".progress-card .picture-box img:not([hidden])").wait_for()
        keep(page, f"train-{look}")
    print(f"the training of {json.loads(job)['name']} is given up with the service")


def keep(page: Any, name: str) -> None:
    """Writes what is seen, all of its length."""
    page.evaluate("() => { document.activeElement.blur(); window.scrollTo(0, 0); }")
    image = Image.open(io.BytesIO(page.screenshot(full_page=True))).convert("RGB")
    for quality in (85, 75, 65, 50):
        image.save(content := io.BytesIO(), "WEBP", quality=quality, method=6)
        if len(content.getvalue()) < LARGEST:
            break
    (FOLDER / f"{name}.webp").write_bytes(content.getvalue())
    print(f"{name}: {image.width}x{image.height}, {len(content.getvalue()) // 1000} kB")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:4]), sys.argv[4:] or ["paint", "live", "compare", "train"])

"""What one does on the page's tab Paint, for tests in a browser."""

import io
import re
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

Pixels = np.ndarray[Any, Any]


def choose_photos(page: Any, *photos: Path) -> None:
    """Chooses files, and waits until the first of them is painted."""
    page.get_by_label("Choose photos").set_input_files([str(photo) for photo in photos])
    wait_until_painted(page)


def wait_until_painted(page: Any) -> None:
    """Until nothing is in work, and the full picture is there."""
    page.locator(".stage-view[aria-busy=false]").wait_for()
    page.get_by_text(re.compile(r"\d+ \S \d+ pixels")).wait_for()


def choose_style(page: Any, name: str) -> None:
    """As with a mouse."""
    page.locator(f".tile:has(input[value='{name}'])").click()
    wait_until_painted(page)


def choose_painting(page: Any, painting: Path) -> None:
    """One's own, as the style."""
    page.get_by_label("Use a painting of your own as the style").set_input_files(str(painting))


def set_slider(page: Any, label: str, percent: int) -> None:
    """To a place, and waits until that is painted."""
    page.get_by_role("slider", name=label, exact=True).fill(str(percent))
    wait_until_painted(page)


def download(page: Any, button: str = "Download") -> tuple[str, bytes]:
    """Name and bytes of what a button gives."""
    with page.expect_download() as waiting:
        page.get_by_role("button", name=button, exact=True).click()
    return waiting.value.suggested_filename, Path(waiting.value.path()).read_bytes()


def as_png(page: Any) -> Pixels:
    """The painting that is shown, downloaded as a PNG file: its pixels."""
    page.get_by_label("Format of the download").select_option("png")
    name, content = download(page)
    assert name.endswith(".png")
    assert content.startswith(b"\x89PNG")
    return pixels(content)


def note_forms(page: Any) -> None:
    """Notes the fields of each form that the page sends from now on; its files are left out."""
    page.evaluate(
        """() => {
          const send = window.fetch;
          window.forms = [];
          window.fetch = (address, options) => {
            const isWord = ([, value]) => typeof value === "string";
            const words = [...(options?.body ?? [])].filter(isWord);
            if (words.length) window.forms.push(Object.fromEntries(words));
            return send(address, options);
          };
        }"""
    )


def pixels(picture: bytes | Path | Image.Image) -> Pixels:
    """Red, green and blue of a picture."""
    if isinstance(picture, bytes):
        picture = Image.open(io.BytesIO(picture))
    elif isinstance(picture, Path):
        picture = Image.open(picture)
    return np.asarray(picture.convert("RGB"))

"""A painting is refined on the page: it grows, a curve falls, and it can be stopped."""

import io
import re
from pathlib import Path
from typing import Any

from paint_page import choose_painting, choose_photos, download, wait_until_painted
from PIL import Image
from support import make_photo


def begin(page: Any, photo: Path) -> None:
    painting = photo.with_name("mine.png")
    make_photo(80, 96, seed=9).save(painting)
    choose_photos(page, photo)
    choose_painting(page, painting)
    wait_until_painted(page)
    page.locator("details.refine > summary").click()


def test_a_painting_is_refined_and_downloaded(page: Any, photo: Path) -> None:
    begin(page, photo)
    page.get_by_label("How far").select_option("30")
    page.get_by_role("button", name="Refine", exact=True).click()
    page.get_by_text("Refined. Download gives this picture.").wait_for()
    page.get_by_role("img", name=re.compile(r"^Loss: .* at step 30 of 30")).wait_for()
    name, content = download(page)
    assert name == "meadow-painting-refined.jpg"
    width, height = Image.open(io.BytesIO(content)).size
    assert abs(width / height - 96 / 72) < 0.02


def test_refining_can_be_stopped_and_keeps_what_is_there(page: Any, photo: Path) -> None:
    begin(page, photo)
    page.get_by_label("How far").select_option("200")
    page.get_by_role("button", name="Refine", exact=True).click()
    page.get_by_text(re.compile(r"Refining: step \d+ of 200")).wait_for()
    page.get_by_role("button", name="Stop, keep this").click()
    page.get_by_text("Refined. Download gives this picture.").wait_for()
    stopped = page.get_by_text(re.compile(r"Stopped at step \d+ of 200\."))
    assert stopped.first.is_visible()
    name, content = download(page)
    assert name.endswith("-refined.jpg")
    assert Image.open(io.BytesIO(content)).width > 0

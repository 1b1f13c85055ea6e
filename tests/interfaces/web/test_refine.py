"""A painting is refined on the page: it grows, a curve falls, and it can be stopped."""

import io
import json
import re
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
from paint_page import (
    choose_painting,
    choose_photos,
    choose_style,
    download,
    wait_until_painted,
)
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
    assert page.get_by_role("button", name="Refine again").is_enabled()


def refining(page: Any, photo: Path) -> str:
    """The address of a job that goes on."""
    begin(page, photo)
    page.get_by_label("How far").select_option("200")
    with page.expect_response("**/jobs") as waiting:
        page.get_by_role("button", name="Refine", exact=True).click()
    page.get_by_text(re.compile(r"Refining: step \d+ of 200")).wait_for()
    return str(waiting.value.json()["url"])


def state_after(page: Any, address: str) -> str:
    """How a job has ended."""
    for _ in range(500):
        with urlopen(address) as answer:
            state = str(json.load(answer)["state"])
        if state not in ("queued", "running"):
            break
        page.wait_for_timeout(20)
    return state


@pytest.mark.parametrize("way", ["reload", "leave"])
def test_a_tab_that_is_left_stops_its_refining(
    page: Any, photo: Path, served: str, way: str
) -> None:
    job = served + refining(page, photo).lstrip("/")
    asked: list[str] = []

    def answer(dialog: Any) -> None:
        asked.append(dialog.type)
        dialog.accept()

    page.on("dialog", answer)
    if way == "reload":
        page.reload()
    else:
        page.goto("about:blank")
    assert state_after(page, job) == "stopped"
    assert asked == ["beforeunload"]


def test_a_tab_where_nothing_goes_on_is_left_without_a_question(page: Any, photo: Path) -> None:
    asked: list[str] = []

    def answer(dialog: Any) -> None:
        asked.append(dialog.type)
        dialog.accept()

    page.on("dialog", answer)
    begin(page, photo)
    page.reload()
    assert asked == []


def test_another_style_stops_the_refining_and_says_so(page: Any, photo: Path, served: str) -> None:
    job = served + refining(page, photo).lstrip("/")
    choose_style(page, "dusk")
    page.get_by_text("The refining was stopped").wait_for()
    assert state_after(page, job) == "stopped"
    assert page.get_by_role("button", name="Refine", exact=True).is_enabled()


def test_a_stop_before_the_work_has_begun_is_no_lost_one(page: Any, photo: Path) -> None:
    begin(page, photo)
    held: list[Any] = []
    page.route("**/jobs", lambda route: held.append(route))
    page.get_by_label("How far").select_option("200")
    page.get_by_role("button", name="Refine", exact=True).click()
    page.get_by_role("button", name="Stop, keep this").click()
    for _ in range(500):
        if held:
            break
        page.wait_for_timeout(20)
    held[0].continue_()
    page.get_by_text(re.compile(r"Stopped at step \d+ of 200\.")).first.wait_for()

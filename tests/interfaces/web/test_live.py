"""The tab Live: a drawn camera is painted frame by frame, and is off when nobody looks."""

import io
import re
from typing import Any

import numpy as np
from browsers import Open, wait_until
from paint_page import note_forms
from PIL import Image

CAMERAS = """() => document.querySelector(".live video").srcObject?.getTracks()
  .filter((track) => track.readyState === "live").length ?? 0"""


def begin(page: Any) -> None:
    page.get_by_role("button", name="Start the camera").click()
    page.get_by_text(re.compile(r"[\d.]+ frames a second")).wait_for()


def test_the_camera_is_painted_and_a_snapshot_kept(open_page: Open) -> None:
    page = open_page("#tab=live").page
    begin(page)
    with page.expect_download() as found:
        page.get_by_role("button", name="Snapshot").click()
    assert found.value.suggested_filename == "live-dawn.png"
    picture = Image.open(io.BytesIO(found.value.path().read_bytes()))
    assert max(picture.size) == 320
    assert np.asarray(picture.convert("RGB")).std() > 1  # no blank canvas


def test_the_quick_net_of_a_style_paints_unless_the_finer_is_wanted(open_page: Open) -> None:
    page = open_page("#tab=live").page
    styles = page.get_by_label("Style", exact=True)
    finer = page.get_by_role("checkbox", name="Finer, slower")
    styles.select_option("dusk")
    assert styles.locator("option").all_inner_texts() == ["dawn", "dusk"]
    assert finer.is_visible()
    note_forms(page)
    begin(page)
    paints_with = "(style) => window.forms.at(-1)?.style === style"
    wait_until(page, paints_with, "dusk_small")
    finer.check()
    wait_until(page, paints_with, "dusk")
    styles.select_option("dawn")
    assert not finer.is_visible()
    wait_until(page, paints_with, "dawn")


def test_the_camera_stops_with_the_tab(open_page: Open) -> None:
    page = open_page("#tab=live").page
    begin(page)
    assert page.evaluate(CAMERAS) == 1
    page.get_by_role("tab", name="Paint").click()
    assert page.evaluate(CAMERAS) == 0
    page.get_by_role("tab", name="Live").click()
    assert page.get_by_text("The camera is off.").is_visible()


def test_no_camera_is_told_in_a_sentence(open_page: Open) -> None:
    page = open_page().page
    page.evaluate(
        "() => { navigator.mediaDevices.getUserMedia = () =>"
        " Promise.reject(new DOMException('', 'NotFoundError')); }"
    )
    page.get_by_role("tab", name="Live").click()
    page.get_by_role("button", name="Start the camera").click()
    page.get_by_role("alert").get_by_text("There is no camera.").wait_for()
    assert page.get_by_role("button", name="Start the camera").is_visible()

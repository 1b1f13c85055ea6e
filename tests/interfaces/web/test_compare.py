"""The tab Compare: one pass beside the optimization, which goes on while one looks."""

import io
import re
from pathlib import Path
from typing import Any

import numpy as np
from browsers import Open
from paint_page import download, pixels
from PIL import Image

import fst


def begin(page: Any, photo: Path, steps: str) -> None:
    page.locator("#compare-photo").set_input_files(str(photo))
    page.get_by_label("Style", exact=True).select_option("dusk")
    page.get_by_label("Steps of the optimization").select_option(steps)
    page.get_by_role("button", name="Compare", exact=True).click()


def test_a_pass_and_the_optimization_stand_beside_each_other(
    open_page: Open, photo: Path, checkpoints: Path
) -> None:
    page = open_page("#tab=compare").page
    begin(page, photo, "50")
    page.get_by_text("Done after 50 steps.").last.wait_for()
    curve = page.get_by_role("img", name=re.compile(r"^Objective: "))
    told = re.fullmatch(
        r"Objective: ([\d.]+) at step 50 of 50, one pass ([\d.]+)",
        curve.get_attribute("aria-label"),
    )
    assert told is not None
    assert float(told[1]) < float(told[2])  # what is optimized for is lower in the end
    name, content = download(page, "Download: One pass")
    assert name == "meadow-dusk.png"
    expected = fst.load("dusk", checkpoints, "cpu", "fp32")(Image.open(photo))
    assert np.array_equal(pixels(content), pixels(expected))
    name, content = download(page, "Download: Optimization")
    assert name == "meadow-dusk-optimized.png"
    assert Image.open(io.BytesIO(content)).size == expected.size
    slider = page.get_by_role("slider", name=re.compile("one pass is shown"))
    slider.press("ArrowRight")
    assert slider.input_value() == "51"


def test_a_sample_is_compared_at_one_press(open_page: Open) -> None:
    page = open_page("#tab=compare").page
    page.get_by_label("Steps of the optimization").select_option("50")
    page.get_by_label("Long side in pixels").select_option("256")
    page.get_by_role("button", name="Compare with a sample").click()
    page.get_by_text(re.compile(r"Optimizing: step \d+ of 50")).first.wait_for()
    page.get_by_role("button", name="Stop", exact=True).click()
    page.get_by_text(re.compile(r"(Stopped at|Done after)")).last.wait_for()
    name, _ = download(page, "Download: One pass")
    assert name == "sample-dawn.png"


def test_stopped_before_the_optimization_has_begun_the_page_says_so(
    open_page: Open, photo: Path
) -> None:
    page = open_page("#tab=compare").page
    held: list[Any] = []
    holding = True
    page.route("**/jobs", lambda route: held.append(route) if holding else route.continue_())
    begin(page, photo, "50")
    page.get_by_role("img", name="The photo, painted in one pass").wait_for()
    page.get_by_role("button", name="Stop", exact=True).click()
    page.get_by_text("Stopped before the first step.").last.wait_for()
    assert page.get_by_role("button", name="Compare", exact=True).is_enabled()
    holding = False
    for route in held:
        route.continue_()
    begin(page, photo, "50")
    page.get_by_text("Done after 50 steps.").last.wait_for()


def test_the_optimization_can_be_stopped_and_begun_anew(open_page: Open, photo: Path) -> None:
    page = open_page("#tab=compare").page
    begin(page, photo, "500")
    page.get_by_text(re.compile(r"Optimizing: step \d+ of 500")).first.wait_for()
    page.get_by_role("button", name="Stop", exact=True).click()
    page.get_by_text(re.compile(r"Stopped at step \d+ of 500\.")).last.wait_for()
    assert page.get_by_role("button", name="Download: Optimization").is_enabled()
    assert page.get_by_role("button", name="Compare", exact=True).is_enabled()
    begin(page, photo, "50")
    page.get_by_text(re.compile(r"Optimizing: step \d+ of 50\b")).first.wait_for()

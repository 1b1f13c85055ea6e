"""The tab Paint, as someone uses it. What it paints is what ``fst.load`` paints."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from browsers import Open, wait_until
from paint_page import (
    as_png,
    choose_painting,
    choose_photos,
    choose_style,
    download,
    note_forms,
    pixels,
    set_slider,
    wait_until_painted,
)
from PIL import Image
from support import make_photo

import fst


def test_a_photo_is_painted_and_downloaded_in_its_own_size(page: Any, tmp_path: Path) -> None:
    photo = tmp_path / "meadow.jpg"
    make_photo(700, 525, seed=5).save(photo, quality=95)  # a copy of 512 pixels comes first
    choose_photos(page, photo)
    assert page.locator(".view-after").evaluate("image => image.naturalWidth") == 700
    name, content = download(page)
    assert name == "meadow-dawn.jpg"
    assert Image.open(io.BytesIO(content)).format == "JPEG"
    assert pixels(content).shape == (525, 700, 3)


@pytest.mark.parametrize("style", ["dawn", "dusk"])
def test_a_style_that_is_chosen_is_painted(
    page: Any, photo: Path, checkpoints: Path, style: str
) -> None:
    choose_photos(page, photo)
    choose_style(page, style)
    expected = fst.load(style, checkpoints, "cpu", "fp32")(Image.open(photo))
    assert np.array_equal(as_png(page), pixels(expected))


def test_strength_zero_gives_the_photo_back_bit_for_bit(page: Any, photo: Path) -> None:
    choose_photos(page, photo)
    assert not np.array_equal(as_png(page), pixels(photo))
    set_slider(page, "Strength", 0)
    assert np.array_equal(as_png(page), pixels(photo))


def test_two_styles_are_blended_by_their_shares(page: Any, photo: Path, checkpoints: Path) -> None:
    choose_photos(page, photo)
    page.get_by_label("Blend with", exact=True).select_option("dusk")
    set_slider(page, "Share of the other style", 30)
    expected = fst.load("dawn=0.7,dusk=0.3", checkpoints, "cpu", "fp32")(Image.open(photo))
    assert np.array_equal(as_png(page), pixels(expected))


def test_any_painting_is_a_style(page: Any, photo: Path, checkpoints: Path, tmp_path: Path) -> None:
    painting = tmp_path / "mine.png"
    make_photo(80, 96, seed=9).save(painting)
    choose_photos(page, photo)
    choose_painting(page, painting)
    wait_until_painted(page)
    loaded = fst.load(Image.open(painting), checkpoints, "cpu", "fp32", stroke_size="large")
    assert np.array_equal(as_png(page), pixels(loaded(Image.open(photo))))


def test_strokes_stand_to_the_photo_as_to_the_painting(
    page: Any, photo: Path, checkpoints: Path
) -> None:
    make_photo(600, 450, seed=5).save(photo)
    note_forms(page)
    choose_photos(page, photo)
    preview, full = page.evaluate("window.forms")
    assert preview["stroke_size"] == full["stroke_size"] == "large"
    expected = fst.load("dawn", checkpoints, "cpu", "fp32", stroke_size="large")
    assert np.array_equal(as_png(page), pixels(expected(Image.open(photo))))


@pytest.mark.parametrize("colors", ["", "luma"])
def test_a_mixture_is_seen_before_the_service_has_made_it(
    page: Any, photo: Path, checkpoints: Path, colors: str
) -> None:
    make_photo(600, 450, seed=5).save(photo)
    choose_photos(page, photo)
    page.get_by_role("radio", name="Fine").check()
    wait_until_painted(page)
    page.get_by_role("slider", name="How much of the photo is shown, from the left").fill("0")
    page.route("**/stylize", lambda route: None)  # no answer
    page.get_by_label("Colors", exact=True).select_option(colors)
    page.get_by_role("slider", name="Strength", exact=True).fill("40")
    opacity = "() => getComputedStyle(document.querySelector('.view-after')).opacity === '0.4'"
    wait_until(page, opacity)
    # the full picture, not a preview, whose strokes would be others
    assert page.locator(".view-after").evaluate("image => image.naturalWidth") == 600
    hidden = "() => document.querySelector('.view-divider').remove()"
    page.evaluate(hidden)
    seen = Image.open(io.BytesIO(page.locator(".view-stack").screenshot())).convert("RGB")
    load = fst.load("dawn", checkpoints, "cpu", "fp32")
    options = {"preserve_color": colors} if colors else {}
    expected = load(Image.open(photo), strength=0.4, **options).resize(seen.size)
    # a JPEG of the page against pixels, both made smaller
    far = np.abs(pixels(seen).astype(float) - pixels(expected)).mean()
    whole = np.abs(pixels(seen).astype(float) - pixels(load(Image.open(photo)).resize(seen.size)))
    assert far < 3 < whole.mean()


def test_a_strip_of_the_photo_is_seen_until_the_line_is_moved(
    open_page: Open, photo: Path, tmp_path: Path
) -> None:
    page = open_page(reduced_motion="reduce").page
    choose_photos(page, photo)
    line = page.get_by_role("slider", name="How much of the photo is shown, from the left")
    assert line.input_value() == "15"
    for moved, then in (("60", "60"), ("100", "15")):  # at 100 there is no painting to be seen
        line.fill(moved)
        choose_style(page, "dusk")
        assert line.input_value() == moved
        other = tmp_path / f"{moved}.png"
        make_photo(64, 80, seed=int(moved)).save(other)
        page.get_by_label("Add photos").set_input_files(str(other))
        page.locator(f".strip-item:has([aria-label$='{other.name}']:checked)").wait_for()
        wait_until_painted(page)
        assert line.input_value() == then


def test_only_what_is_under_the_brush_is_painted(page: Any, photo: Path) -> None:
    choose_photos(page, photo)
    painted = as_png(page)
    page.get_by_role("button", name="Paint only a part").click()
    box = page.locator("canvas.mask").bounding_box()
    left, middle = box["x"] + box["width"] / 4, box["y"] + box["height"] / 2
    page.mouse.move(left, middle)
    page.mouse.down()
    page.mouse.move(left, middle + 12, steps=3)
    page.mouse.up()
    page.locator(".stage-view[aria-busy=true]").wait_for()
    wait_until_painted(page)
    masked, before = as_png(page), pixels(photo)
    height, width = before.shape[:2]
    assert np.array_equal(masked[:, width // 2 :], before[:, width // 2 :])
    assert np.array_equal(masked[height // 2, width // 4], painted[height // 2, width // 4])


def test_the_slider_shows_the_photo_on_its_left(page: Any, photo: Path) -> None:
    choose_photos(page, photo)
    slider = page.get_by_role("slider", name="How much of the photo is shown, from the left")
    slider.fill("40")
    assert slider.get_attribute("aria-valuetext") == "40 percent photo"
    slider.press("ArrowRight")
    assert slider.input_value() == "41"
    clipped = page.locator(".view-after").evaluate("image => getComputedStyle(image).clipPath")
    assert "41%" in clipped
    box = page.locator(".view-stack").bounding_box()
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + 0.41 * box["width"], middle)
    page.mouse.down()
    page.mouse.move(box["x"] + 0.8 * box["width"], middle)
    page.mouse.up()
    assert slider.input_value() == "80"


def test_colors_strokes_and_tiles_are_asked_for(page: Any, photo: Path, checkpoints: Path) -> None:
    choose_photos(page, photo)
    page.get_by_label("Colors", exact=True).select_option("luma")
    wait_until_painted(page)
    load = fst.load("dawn", checkpoints, "cpu", "fp32")
    expected = load(Image.open(photo), preserve_color="luma")
    assert np.array_equal(as_png(page), pixels(expected))
    page.get_by_label("Colors", exact=True).select_option("")
    page.get_by_text("Make a tile without seams").click()
    wait_until_painted(page)
    expected = load(Image.open(photo), seamless=True)
    assert np.array_equal(as_png(page), pixels(expected))
    assert page.get_by_role("img", name="The tile, three by three").is_visible()


def test_settings_stay_over_a_reload_and_travel_in_a_link(
    open_page: Open, photo: Path, served: str
) -> None:
    page = open_page().page
    choose_photos(page, photo)
    choose_style(page, "dusk")
    set_slider(page, "Strength", 70)
    link = page.url
    page.goto(served)  # without what stands behind the #
    page.reload()
    page.locator(".tile input[value=dusk]:checked").wait_for()
    strength = page.get_by_role("slider", name="Strength", exact=True)
    assert strength.input_value() == "70"
    other = open_page(link.removeprefix(served)).page  # somebody else's browser
    other.locator(".tile input[value=dusk]:checked").wait_for()
    assert other.get_by_role("slider", name="Strength", exact=True).input_value() == "70"

"""The page's frame: tabs, colors, widths; for eyes, for a keyboard, for a screen reader."""

from pathlib import Path
from typing import Any

import pytest
from browsers import Open, serving
from paint_page import choose_photos

from fst.interfaces.http.settings import ServiceSettings

TABS = ("paint", "live", "train", "compare")


def open_tab(page: Any, name: str) -> None:
    page.get_by_role("tab", name=name.capitalize()).click()
    page.locator(f"#panel-{name} h1").wait_for(state="attached")


@pytest.fixture(params=["light", "dark"])
def colors(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_no_tab_has_a_serious_finding(open_page: Open, photo: Path, colors: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="needs axe")
    page = open_page(color_scheme=colors, reduced_motion="reduce").page
    choose_photos(page, photo)
    page.locator("details.refine > summary").click()
    found = []
    for name in TABS:
        open_tab(page, name)
        results = axe.Axe().run(page).response
        found += [
            (name, violation["id"], [node["target"] for node in violation["nodes"]])
            for violation in results["violations"]
            if violation["impact"] in ("serious", "critical")
        ]
    assert found == []


def test_no_tab_is_wider_than_the_window(open_page: Open, photo: Path) -> None:
    page = open_page().page
    choose_photos(page, photo)
    for name in TABS:
        open_tab(page, name)
        for width in (1440, 768, 390, 320):
            page.set_viewport_size({"width": width, "height": 800})
            assert page.evaluate("document.documentElement.scrollWidth") <= width, name


def test_the_start_hides_nothing_on_a_small_phone(open_page: Open) -> None:
    page = open_page(viewport={"width": 320, "height": 568}).page
    page.locator(".tile").first.wait_for()
    for name in ("Find a style or a painter", "Use a painting of your own as the style"):
        page.get_by_label(name).click(trial=True)  # fails where something lies over it


def test_nothing_moves_when_pictures_come(open_page: Open, photo: Path) -> None:
    page = open_page(viewport={"width": 390, "height": 800}).page
    choose_photos(page, photo)
    for name in TABS:
        open_tab(page, name)
    # what Google calls good is 0.1 in all
    assert page.evaluate("window.shifts.reduce((sum, shift) => sum + shift, 0)") < 0.1


def test_tabs_are_walked_with_arrow_keys(page: Any) -> None:
    page.get_by_role("tab", name="Paint").focus()
    for key, name in (("ArrowRight", "Live"), ("End", "Compare"), ("ArrowRight", "Paint")):
        page.keyboard.press(key)
        tab = page.get_by_role("tab", name=name)
        assert tab.get_attribute("aria-selected") == "true"
        assert tab.evaluate("tab => tab === document.activeElement")
        assert page.get_by_role("tabpanel").count() == 1
        assert page.title() == f"{name} · fst"
    assert page.locator("[role=tab][tabindex='-1']").count() == len(TABS) - 1


def test_dark_colors_stay_over_a_reload(open_page: Open) -> None:
    page = open_page(color_scheme="light").page
    wall = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(wall)
    page.get_by_role("button", name="Dark colors").click()
    dark = page.evaluate(wall)
    assert dark != light
    page.reload()
    page.get_by_role("button", name="Dark colors").wait_for()
    assert page.evaluate(wall) == dark


def test_a_service_that_is_away_is_told_in_a_sentence(open_page: Open, photo: Path) -> None:
    page = open_page().page
    choose_photos(page, photo)
    page.route("**/stylize", lambda route: route.abort())
    page.locator(".tile:has(input[value=dusk])").click()
    page.get_by_role("alert").get_by_text("The service does not answer.").wait_for()
    page.unroute("**/stylize")
    page.locator(".tile:has(input[value=dawn])").click()
    page.get_by_role("alert").locator("p").wait_for(state="detached")


def test_a_service_that_does_not_train_says_so(open_page: Open) -> None:
    page = open_page().page
    answer = {"styles": [], "any_painting": False, "training": False}
    page.route("**/styles", lambda route: route.fulfill(json=answer))
    page.reload()
    open_tab(page, "train")
    page.get_by_text("This service does not train.").wait_for()
    assert not page.get_by_role("button", name="Start the training").is_visible()


def test_styles_of_one_title_are_told_apart_in_lists(open_page: Open) -> None:
    page = open_page().page
    about = {"painter": "", "year": None, "kind": "net", "small": None, "own": False}
    titles = {"parasol_1": "Parasol", "parasol_2": "Parasol", "wave": "Wave"}
    styles = [
        {"name": name, "title": title, "thumbnail": "/static/icon.svg", **about}
        for name, title in titles.items()
    ]
    answer = {"styles": styles, "any_painting": False, "training": False}
    page.route("**/styles", lambda route: route.fulfill(json=answer))
    page.reload()
    lists = {
        "live": "#live-style",
        "compare": "#compare-style",
        "paint": "[aria-label='Blend with']",
    }
    for tab, selector in lists.items():
        open_tab(page, tab)
        said = page.locator(f"{selector} option").all_text_contents()
        assert said[-2:] == ["Parasol (parasol_2)", "Wave"], tab
        assert tab == "paint" or said[0] == "Parasol (parasol_1)"


def test_the_token_does_not_stay_in_the_address(browser: Any, checkpoints: Path) -> None:
    """Else it goes out with the first link that is copied."""
    settings = ServiceSettings(
        port=0, checkpoints=checkpoints, token="a-token-of-this-test", device="cpu"
    )
    with serving(settings) as address:
        page = browser.new_page()
        page.goto(f"{address}?token={settings.token}#tab=train")
        page.locator("#panel-train h1").wait_for(state="attached")
        assert page.evaluate("location.href") == f"{address}#tab=train"
        page.reload()  # with the cookie
        page.locator("#panel-train h1").wait_for(state="attached")
        page.close()

"""The address: links that are given away, links that are wrong, and the browser's way back."""

from pathlib import Path
from typing import Any

from browsers import Open, wait_until
from paint_page import choose_painting, choose_photos, choose_style, wait_until_painted
from support import make_photo

CLIPBOARD = ["clipboard-read", "clipboard-write"]
COPIED = "navigator.clipboard.readText()"


def alert(page: Any) -> Any:
    return page.get_by_role("alert").locator("p")


def test_a_link_that_is_copied_has_no_token(open_page: Open, served: str) -> None:
    page = open_page(permissions=CLIPBOARD).page
    page.locator(".tile").first.wait_for()
    page.evaluate("history.replaceState(null, '', '?token=secret' + location.hash)")
    page.get_by_role("button", name="Copy a link to these settings").click()
    page.get_by_role("button", name="Copied", exact=True).wait_for()
    assert page.evaluate(COPIED) == f"{served}#style=dawn"


def test_a_link_says_that_a_painting_is_not_in_it(open_page: Open, photo: Path) -> None:
    page = open_page(permissions=CLIPBOARD).page
    painting = photo.with_name("mine.png")
    make_photo(80, 96, seed=9).save(painting)
    choose_photos(page, photo)
    choose_painting(page, painting)
    page.get_by_role("button", name="Copy a link to these settings").click()
    page.get_by_role("button", name="Copied, but your painting is not in it").wait_for()
    assert "mine" not in page.evaluate(COPIED)


def test_a_link_to_a_style_that_is_not_here_says_so(open_page: Open, served: str) -> None:
    page = open_page("#style=nosuch&blend=none_such").page
    alert(page).wait_for()
    assert alert(page).inner_text() == (
        "This service has no style “nosuch”. This service has no style “none_such”."
    )
    assert page.evaluate("location.href") == f"{served}#style=dawn"
    page.locator(".tile input[value=dawn]:checked").wait_for(state="attached")


def test_a_link_with_wrong_values_says_so(open_page: Open, served: str) -> None:
    page = open_page("#style=dusk&strength=7&stroke=huge&seamless=true&share=0.50").page
    alert(page).wait_for()
    said = alert(page).inner_text()
    assert "strength can't be “7”" in said
    assert "stroke can't be “huge”" in said
    assert "share" not in said
    assert page.evaluate("location.href") == f"{served}#style=dusk&seamless=true"


def test_a_link_to_a_quick_net_is_no_fault(open_page: Open) -> None:
    page = open_page("#style=dusk_small").page
    page.locator(".tile input[value=dusk]:checked").wait_for(state="attached")
    assert not alert(page).count()


def test_back_goes_to_the_tab_before_and_keeps_what_is_set(open_page: Open, photo: Path) -> None:
    page = open_page("#style=dusk").page
    choose_photos(page, photo)
    for name in ("Live", "Train", "Paint"):
        page.get_by_role("tab", name=name).click()
    choose_style(page, "dawn")
    for name in ("Train", "Live", "Paint"):
        page.go_back()
        page.locator(f"[role=tab][aria-selected=true]:text-is('{name}')").wait_for()
    assert page.locator(".tile input[value=dawn]").is_checked()  # not the style of that time
    assert "style=dawn" in page.evaluate("location.hash")
    wait_until_painted(page)


def test_a_link_that_is_put_into_the_address_is_taken(open_page: Open, photo: Path) -> None:
    page = open_page("#style=dusk").page
    choose_photos(page, photo)
    page.get_by_role("tab", name="Live").click()
    page.evaluate("location.hash = '#style=dawn'")
    page.locator(".tile input[value=dawn]:checked").wait_for(state="attached")
    wait_until_painted(page)


def test_the_way_to_the_content_keeps_tab_and_settings(open_page: Open) -> None:
    page = open_page("#style=dusk&tab=train").page
    page.locator("#panel-train h1").wait_for(state="attached")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    wait_until(page, "() => document.activeElement.id === 'main'")
    assert page.evaluate("location.hash") == "#style=dusk&tab=train"

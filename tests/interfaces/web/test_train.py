"""The tab Train: a painting becomes a style of the gallery."""

import re
from pathlib import Path
from typing import Any

import pytest
from browsers import Open
from paint_page import choose_photos, download
from support import make_photo

TRAIN = "#tab=train"


@pytest.fixture
def painting(tmp_path: Path) -> Path:
    path = tmp_path / "Evening Glow.png"
    make_photo(64, 48, seed=9).save(path)
    return path


def test_a_training_ends_with_a_new_style_that_paints(
    open_page: Open, painting: Path, photo: Path
) -> None:
    page = open_page(TRAIN).page
    page.get_by_label("Choose a painting").set_input_files(str(painting))
    name = page.get_by_label("Name of the style")
    assert name.input_value() == "evening_glow"
    page.get_by_role("radio", name="A minute").check()
    page.get_by_role("button", name="Start the training").click()
    page.get_by_role("heading", name="evening_glow").wait_for()
    page.reload()  # it is followed again
    page.get_by_text("The style evening_glow is in the gallery.").wait_for(timeout=90_000)
    assert page.get_by_role("progressbar").get_attribute("value") == "1"
    page.get_by_role("img", name=re.compile(r"^Objective: about .* at step 3 of 3")).wait_for()
    page.get_by_role("img", name=re.compile("evening_glow, step 3 of 3")).wait_for()
    page.get_by_role("button", name="Paint with it").click()
    assert page.get_by_role("tab", name="Paint").get_attribute("aria-selected") == "true"
    page.locator(".tile input[value=evening_glow]:checked").wait_for()
    assert "/" not in page.locator(".tiles-list").inner_text()  # no path of the painting's
    choose_photos(page, photo)
    assert download(page)[0] == "meadow-evening_glow.jpg"
    # its name is taken now
    page.get_by_role("tab", name="Train").click()
    page.get_by_role("button", name="Train another painting").click()
    page.get_by_label("Choose a painting").set_input_files(str(painting))
    assert name.input_value() == "evening_glow_2"
    minute = page.locator(".choice", has_text="A minute")
    assert re.search(r"Took \d+ (s|min) here\.$", minute.inner_text())


def test_a_name_is_checked_while_it_is_typed(open_page: Open, painting: Path) -> None:
    page = open_page(TRAIN).page
    page.get_by_label("Choose a painting").set_input_files(str(painting))
    start = page.get_by_role("button", name="Start the training")
    assert start.is_enabled()
    name = page.get_by_label("Name of the style")
    for wrong in ("two words", "../up", "dawn", "DUSK", "dusk_small"):
        name.fill(wrong)
        assert name.get_attribute("aria-invalid") == "true"
        assert start.is_disabled()
        assert page.locator("#train-name-note").inner_text().endswith(".")
    name.fill("two_words")
    assert name.get_attribute("aria-invalid") is None
    assert start.is_enabled()


def test_a_name_is_missed_only_once_something_was_typed(open_page: Open, painting: Path) -> None:
    page = open_page(TRAIN).page
    note = page.locator("#train-name-note")
    note.wait_for()
    missing = "A style needs a name."
    assert missing not in note.inner_text()
    name = page.get_by_label("Name of the style")
    name.fill("x")
    name.fill("")
    assert note.inner_text() == missing
    assert name.get_attribute("aria-invalid") == "true"
    page.get_by_label("Choose a painting").set_input_files(str(painting))
    assert missing not in note.inner_text()


def test_a_painting_that_is_none_is_told_in_a_sentence(open_page: Open, tmp_path: Path) -> None:
    page = open_page(TRAIN).page
    for file, content in (
        ("letter.txt", b"Dear Sir"),
        ("broken.png", b"\x89PNG\r\n"),
        ("a.png", b""),
    ):
        path = tmp_path / file
        path.write_bytes(content)
        page.get_by_label("Choose a painting").set_input_files(str(path))
        if content.startswith(b"\x89PNG"):  # what only a decoder can tell, the service tells
            page.get_by_role("button", name="Start the training").click()
        alert = page.get_by_role("alert").locator("p")
        alert.wait_for()
        assert re.fullmatch(r"[^{}<>/]+\.", alert.inner_text())
        page.get_by_role("button", name="Dismiss").click()


def test_a_training_that_is_stopped_says_what_became_of_it(open_page: Open, painting: Path) -> None:
    page = open_page(TRAIN).page
    page.get_by_label("Choose a painting").set_input_files(str(painting))
    page.get_by_label("Name of the style").fill("given_up")
    page.get_by_role("button", name="Start the training").click()
    page.get_by_role("button", name="Stop, keep what is there").click()
    sentence = page.locator("#panel-train").get_by_text(
        re.compile(r"^(Stopped at|Done after|What was learned)")
    )
    sentence.wait_for(timeout=90_000)
    page.get_by_role("button", name="Train another painting").click()
    page.get_by_text("Choose a painting to begin.").wait_for()


def test_a_training_that_nobody_knows_any_more_is_forgotten(open_page: Open) -> None:
    opened = open_page()
    page: Any = opened.page
    page.evaluate("localStorage.setItem('fst.training', JSON.stringify({id: 'x', name: 'old'}))")
    page.get_by_role("tab", name="Train").click()
    page.get_by_role("alert").get_by_text("does not know the training of old").wait_for()
    assert page.evaluate("localStorage.getItem('fst.training')") is None

"""How photos come to the page: files, several of them, a camera; by keyboard; and what is none."""

import io
import re
import zipfile
from pathlib import Path
from typing import Any

import pytest
from browsers import Watched, serving, wait_until
from paint_page import (
    as_png,
    choose_photos,
    choose_style,
    download,
    pixels,
    wait_until_painted,
)
from PIL import Image
from support import encoded, make_photo

from fst.interfaces.http.settings import ServiceSettings


def test_several_photos_are_one_zip(page: Any, tmp_path: Path) -> None:
    folders = [tmp_path / "a", tmp_path / "b"]
    photos = []
    for number, folder in enumerate(folders):
        folder.mkdir()
        photos.append(folder / "käse.png")  # the same name twice
        make_photo(64 + 8 * number, 48, seed=number).save(photos[-1])
    choose_photos(page, *photos)
    name, content = download(page, "Download all (ZIP)")
    assert name == "paintings.zip"
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        sizes = [Image.open(io.BytesIO(archive.read(one))).size for one in names]
    assert len(set(names)) == 2
    assert all(re.fullmatch(r"käse-dawn.*\.jpg", one) for one in names)
    assert sizes == [(64, 48), (72, 48)]


def test_a_zip_is_what_was_set_when_it_was_asked_for(page: Any, tmp_path: Path) -> None:
    photos = [tmp_path / f"{number}.png" for number in range(3)]
    for number, path in enumerate(photos):
        make_photo(64, 48, seed=number).save(path)
    choose_photos(page, *photos)
    held: list[Any] = []
    holding = [True]
    page.route("**/stylize", lambda route: held.append(route) if holding else route.continue_())
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Download all (ZIP)").click()
        page.get_by_text("Painting 2 of 3").wait_for()
        page.locator(".tile:has(input[value=dusk])").click()
        page.get_by_label("Format of the download").select_option("png")
        holding.clear()
        for route in held:
            route.continue_()
    with zipfile.ZipFile(Path(waiting.value.path())) as archive:
        assert archive.namelist() == ["0-dawn.jpg", "1-dawn.jpg", "2-dawn.jpg"]


def test_a_photo_that_is_too_large_is_painted_smaller(
    browser: Any, checkpoints: Path, tmp_path: Path
) -> None:
    photo = tmp_path / "meadow.png"
    make_photo(700, 525, seed=5).save(photo)
    settings = ServiceSettings(
        port=0, checkpoints=checkpoints, max_pixels=300_000, device="cpu", precision="fp32"
    )
    with serving(settings) as address:
        watched = Watched(browser, address)
        page = watched.page
        page.goto(address)
        page.locator(".tile").first.wait_for()
        page.get_by_label("Choose photos").set_input_files(str(photo))
        button = page.get_by_role("button", name="Paint it at 632 pixels")  # 632 x 474
        button.wait_for()
        page.get_by_text("A preview: this service takes 0.3 million pixels").wait_for()
        assert "0.3 million are the most" in page.get_by_role("alert").inner_text()
        page.locator(".stage-view[aria-busy=false]").wait_for()
        # the preview is still there, and another style's comes
        page.locator(".tile:has(input[value=dusk])").click()
        page.get_by_role("alert").locator("p").wait_for(state="detached")
        wait_until(page, "() => document.querySelector('.view-after').naturalWidth === 512")
        name, content = download(page, "Paint it at 632 pixels")
        assert name == "meadow-dusk.jpg"
        assert pixels(content).shape == (474, 632, 3)
        wait_until_painted(page)
        assert as_png(page).shape == (474, 632, 3)
        watched.check()
        watched.close()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("broken.jpg", encoded(make_photo(), "JPEG")[:300]),
        ("letter.png", b"Dear Sir or Madam"),
        ("empty.png", b""),
        ("drawing.svg", b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"),
    ],
)
def test_what_is_no_photo_is_told_in_a_sentence(
    page: Any, tmp_path: Path, name: str, content: bytes
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    page.locator(".tile").first.wait_for()
    page.get_by_label("Choose photos").set_input_files(str(path))
    alert = page.get_by_role("alert").locator("p")
    alert.wait_for()
    assert re.fullmatch(r"[^{}<>/]+\.", alert.inner_text())
    page.get_by_role("button", name="Dismiss").click()
    assert not alert.count()


def test_a_photo_after_a_broken_one_is_painted(page: Any, photo: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"no")
    page.locator(".tile").first.wait_for()
    choose_photos(page, broken, photo)
    assert as_png(page).shape == pixels(photo).shape


def test_a_name_that_looks_like_a_page_is_only_text(page: Any, photo: Path) -> None:
    evil = photo.with_name("<img src=x onerror=alert(1)>.png")
    photo.rename(evil)
    choose_photos(page, evil, evil)
    assert not page.locator("img[src=x]").count()
    name, _ = download(page)
    assert name.endswith("-dawn.jpg")


def test_a_photo_that_is_dropped_or_pasted_is_taken(page: Any, photo: Path) -> None:
    page.locator(".tile").first.wait_for()
    transfer = page.evaluate_handle(
        """(numbers) => {
          const transfer = new DataTransfer();
          const content = [new Uint8Array(numbers)];
          transfer.items.add(new File(content, "meadow.png", { type: "image/png" }));
          return transfer;
        }""",
        list(photo.read_bytes()),
    )
    page.dispatch_event(".stage", "drop", {"dataTransfer": transfer})
    wait_until_painted(page)
    assert as_png(page).shape == pixels(photo).shape
    page.evaluate(
        """(transfer) => document.dispatchEvent(
          new ClipboardEvent("paste", { clipboardData: transfer, bubbles: true }))""",
        transfer,
    )
    page.locator(".strip-item").nth(1).wait_for()
    wait_until_painted(page)


def test_a_photo_that_lies_on_its_side_is_painted_upright(page: Any, tmp_path: Path) -> None:
    photo = tmp_path / "side.jpg"
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter
    make_photo(96, 64).save(photo, exif=exif)
    choose_photos(page, photo)
    assert as_png(page).shape == (96, 64, 3)


def test_the_camera_takes_a_photo(page: Any) -> None:
    page.locator(".tile").first.wait_for()
    page.get_by_role("button", name="Take a photo").click()
    wait_until(page, "() => document.querySelector('dialog video')?.videoWidth > 0")
    page.get_by_role("button", name="Take the photo").click()
    wait_until_painted(page)
    name, content = download(page)
    assert name == "camera-dawn.jpg"
    assert min(pixels(content).shape[:2]) >= 240


def test_the_keyboard_alone_gets_a_painting(page: Any, photo: Path) -> None:
    page.locator(".tile").first.wait_for()

    page.on("filechooser", lambda chooser: chooser.set_files(str(photo)))

    def tab_to(selector: str) -> None:
        for _ in range(60):
            if page.evaluate("(selector) => document.activeElement.matches(selector)", selector):
                return
            page.keyboard.press("Tab")
        pytest.fail(f"Tab does not come to {selector}")

    page.keyboard.press("Tab")
    assert page.locator(".skip-link").evaluate("link => link === document.activeElement")
    page.keyboard.press("Enter")
    tab_to("input[type=file][aria-label='Choose photos']")
    page.keyboard.press("Enter")
    wait_until_painted(page)
    before = page.locator(".view-after").get_attribute("src")
    tab_to(".tile input")
    page.keyboard.press("ArrowDown")
    wait_until(page, "(before) => document.querySelector('.view-after').src !== before", before)
    wait_until_painted(page)
    assert page.locator(".tile input[value=dusk]").is_checked()
    page.locator("body").click(position={"x": 1, "y": 1})  # from the top again
    tab_to("button.save")
    with page.expect_download() as waiting:
        page.keyboard.press("Enter")
    assert waiting.value.suggested_filename == "meadow-dusk.jpg"


def test_a_style_is_found_by_a_word(page: Any) -> None:
    page.locator(".tile").first.wait_for()
    page.get_by_label("Find a style or a painter").fill("DUSK")
    assert page.locator(".tile:visible").count() == 1
    page.get_by_label("Find a style or a painter").fill("nothing of the kind")
    told = page.get_by_text("No style is called that.")
    told.wait_for()
    search = page.get_by_label("Find a style or a painter").bounding_box()
    assert 0 <= told.bounding_box()["y"] - search["y"] - search["height"] < 20


def test_the_photo_can_be_changed_for_another(page: Any, photo: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.png"
    make_photo(64, 80, seed=3).save(other)
    choose_photos(page, photo, other)
    page.locator(".strip-item").nth(1).click()
    wait_until_painted(page)
    choose_style(page, "dusk")
    assert as_png(page).shape == (80, 64, 3)

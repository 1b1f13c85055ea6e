"""A style as a page: used in a real browser, it paints what ``fst stylize`` paints."""

import io
import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from browsers import launched
from exported_pages import (
    Isolated,
    Opened,
    Quiet,
    as_file,
    choose_size,
    drop,
    hosted,
    make_page,
    paste,
    runtime_or_skip,
    wait_until_painted,
)
from paint_page import pixels
from PIL import Image
from support import encoded, make_photo
from tiny_runs import save_style

import fst
from fst.inference.export import web

SOFTWARE_GPU = (
    "--enable-unsafe-webgpu",
    "--use-webgpu-adapter=swiftshader",
    "--enable-features=Vulkan",
    "--use-vulkan=swiftshader",
)
"""Of chromium: WebGPU, computed by the processor."""

Open = Callable[..., Opened]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a tiny net, and the net itself as the style "dawn" beside it."""
    folder = tmp_path_factory.mktemp("exported")
    net = save_style(folder / "dawn.safetensors", seed=1)
    return make_page(net, folder, runtime_or_skip(), title="Dawn & <Dusk>", license="CC0")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium."""
    with launched() as found:
        yield found


@pytest.fixture
def open_page(browser: Any) -> Iterator[Open]:
    """Opens the page; at the end nothing forbidden has happened, and no other host was asked."""
    opened: list[Opened] = []

    def call(address: str, **options: Any) -> Opened:
        opened.append(Opened(browser, address, **options))
        return opened[-1]

    yield call
    for found in opened:
        found.check()
        found.close()


def painted_by_fst(made: Path, photo: Image.Image, **options: Any) -> np.ndarray[Any, Any]:
    """What a user of the library gets."""
    paint = fst.load("dawn", made.parent, "cpu", "fp32")
    return pixels(paint(photo, **options)).astype(int)


def test_the_net_in_the_page_is_the_net(made: Path) -> None:
    photo = make_photo(58, 43)
    run = web.runner(made)
    assert run is not None
    values = torch.from_numpy(np.array(photo, np.float32) / 255).permute(2, 0, 1)[None]
    painted = run(values)[0].mul(255).permute(1, 2, 0).numpy()
    assert np.abs(painted - painted_by_fst(made, photo)).max() < 1


def test_from_a_disk_a_photo_is_dropped_painted_and_downloaded(made: Path, open_page: Open) -> None:
    photo = make_photo(97, 70, seed=5)
    opened = open_page((made / "index.html").as_uri())
    drop(opened.page, "my meadow.png", encoded(photo))
    wait_until_painted(opened.page)
    name, content = as_file(opened.page, "png")
    assert name == "my meadow-dawn.png"
    difference = pixels(content).astype(int) - painted_by_fst(made, photo)
    assert np.abs(difference).max() <= 1
    name, content = as_file(opened.page, "jpeg")
    assert name == "my meadow-dawn.jpg"
    assert content[:2] == b"\xff\xd8"
    folder = made.as_uri()
    assert {address.removeprefix(folder) for address in opened.asked} == {
        "/index.html", "/page.css", "/page.js", "/icon.svg", "/net.js", "/runtime-wasm.js"
    }  # fmt: skip


@pytest.mark.parametrize(("handler", "threads"), [(Quiet, False), (Isolated, True)])
def test_from_a_host_a_photo_is_painted_upright_at_a_size(
    made: Path, open_page: Open, tmp_path: Path, handler: type[Quiet], threads: bool
) -> None:
    lying = make_photo(560, 400, seed=6)
    tags = Image.Exif()
    tags[0x0112] = 6  # it has to be turned to the right
    lying.save(tmp_path / "tower.jpg", quality=100, subsampling=0, exif=tags)
    with hosted(made.parent, handler) as address:
        opened = open_page(f"{address}{made.name}/")
        opened.page.locator("#choose").set_input_files(tmp_path / "tower.jpg")
        wait_until_painted(opened.page)
        _, content = as_file(opened.page, "png")
        assert ("threads" in opened.page.inner_text("#way")) == threads
    expected = painted_by_fst(made, Image.open(tmp_path / "tower.jpg"), size=512)
    assert pixels(content).shape == expected.shape == (512, 366, 3)
    assert np.abs(pixels(content).astype(int) - expected).mean() <= 1


def test_another_size_is_painted_and_a_painting_can_be_stopped(made: Path, open_page: Open) -> None:
    page = open_page((made / "index.html").as_uri()).page
    # so large that it is not painted before the button is pressed, on a busy machine either
    drop(page, "wide.png", encoded(make_photo(3600, 1500, seed=3)))
    wait_until_painted(page)
    assert page.locator(".view-after").evaluate("image => image.naturalWidth") == 512
    choose_size(page, "Full")
    page.get_by_role("button", name="Stop").click()
    assert page.inner_text("#told") == "Stopped."
    assert page.locator("#download").is_enabled()  # what was painted before is still there
    choose_size(page, "1024")
    wait_until_painted(page)
    assert page.locator(".view-after").evaluate("image => image.naturalWidth") == 1024


def test_transparency_is_kept_and_what_it_hides_is_not_seen(made: Path, open_page: Open) -> None:
    photo = np.asarray(make_photo(64, 64, seed=2).convert("RGBA")).copy()
    photo[:, 40:, 3] = 0
    photo[:, 40:, :3] = (255, 0, 255)
    page = open_page((made / "index.html").as_uri()).page
    drop(page, "cut.png", encoded(Image.fromarray(photo)))
    wait_until_painted(page)
    _, content = as_file(page, "png")
    painted = np.asarray(Image.open(io.BytesIO(content)))
    assert np.array_equal(painted[..., 3], photo[..., 3])
    expected = painted_by_fst(made, Image.fromarray(photo))
    assert np.abs(painted[:, :40, :3].astype(int) - expected[:, :40]).mean() <= 1


def test_what_cant_be_painted_is_told_in_a_line(made: Path, open_page: Open) -> None:
    page = open_page((made / "index.html").as_uri()).page
    alert = page.locator("#alert p")
    for name, content, said in (
        ("empty.png", b"", "is empty"),
        ("notes.txt", b"no picture at all", "Save it as JPEG or PNG"),
        ("dot.png", encoded(make_photo(9, 80)), "has 9 "),
    ):
        drop(page, name, content)
        alert.filter(has_text=name).wait_for()
        assert said in alert.inner_text()
    paste(page, encoded(make_photo(40, 30)))
    wait_until_painted(page)
    assert alert.count() == 0


def test_of_several_photos_the_first_is_painted_and_named(
    made: Path, open_page: Open, tmp_path: Path
) -> None:
    for name in ("one.png", "two.png"):
        make_photo(40, 30).save(tmp_path / name)
    page = open_page((made / "index.html").as_uri()).page
    page.evaluate("document.querySelector('#choose').multiple = true")  # as if dropped at once
    page.locator("#choose").set_input_files([tmp_path / "one.png", tmp_path / "two.png"])
    wait_until_painted(page)
    assert "One photo at a time: this is one.png" in page.inner_text("#told")


def test_a_photo_that_is_too_large_is_painted_smaller_and_says_so(
    made: Path, open_page: Open, tmp_path: Path
) -> None:
    folder = tmp_path / "page"
    shutil.copytree(made, folder)
    index = folder / "index.html"
    most = re.compile(r'"mostPixels": \d+')
    assert most.search(index.read_text())
    index.write_text(most.sub('"mostPixels": 5000', index.read_text()))
    (folder / "net.js").unlink()
    page = open_page(index.as_uri()).page
    drop(page, "large.png", encoded(make_photo(300, 200)))
    page.locator("#limit", has_text=re.compile(r"87 \S 58 pixels")).wait_for()  # 5046, rounded
    # and what is missing beside the page is named
    page.locator("#alert p", has_text="net.js is missing").wait_for()


def test_the_page_has_no_serious_finding_and_is_never_wider_than_its_window(
    made: Path, open_page: Open
) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="needs axe")
    page = open_page((made / "index.html").as_uri(), reduced_motion="reduce").page
    assert page.title() == "Dawn & <Dusk>: photos, painted"

    def check() -> None:
        for colors in ("light", "dark"):
            page.emulate_media(color_scheme=colors)
            # without preloading, which asks for the page's own styles, as this page may not
            found = axe.Axe().run(page, options={"preload": False}).response["violations"]
            assert [v["id"] for v in found if v["impact"] in ("serious", "critical")] == []
        for width in (1440, 390, 320):
            page.set_viewport_size({"width": width, "height": 700})
            assert page.evaluate("document.documentElement.scrollWidth") <= width

    check()
    drop(page, "meadow.png", encoded(make_photo(60, 40)))
    wait_until_painted(page)
    check()


def test_where_webgpu_fails_the_processor_paints(made: Path, open_page: Open) -> None:
    page = open_page(f"{(made / 'index.html').as_uri()}#webgpu").page  # there is none here
    drop(page, "meadow.png", encoded(make_photo(40, 30)))
    wait_until_painted(page)
    assert "processor" in page.inner_text("#way")


@pytest.mark.slow
@pytest.mark.skipif(
    "FST_TEST_WEBGPU" not in os.environ, reason="takes minutes in software: set FST_TEST_WEBGPU"
)
def test_a_graphics_card_paints_the_same(made: Path, browser: Any) -> None:
    photo = make_photo(40, 32, seed=8)
    other = browser.browser_type.launch(
        executable_path=shutil.which("chromium"), args=["--no-sandbox", *SOFTWARE_GPU]
    )
    opened = Opened(other, f"{(made / 'index.html').as_uri()}#webgpu")
    opened.context.set_default_timeout(300_000)  # in software it takes its time
    if not opened.page.evaluate("navigator.gpu?.requestAdapter().then(Boolean) ?? false"):
        other.close()
        pytest.skip("needs a chromium with WebGPU, be it in software")
    drop(opened.page, "meadow.png", encoded(photo))
    wait_until_painted(opened.page)
    assert "graphics card" in opened.page.inner_text("#way")
    _, content = as_file(opened.page, "png")
    assert opened.foreign == []
    other.close()
    assert np.abs(pixels(content).astype(int) - painted_by_fst(made, photo)).mean() <= 1

import asyncio
import gc
import io
import resource
import threading
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms
from PIL.ExifTags import GPS, IFD, Base
from services import encoded, form_of, photo, pixels, settings
from starlette.testclient import TestClient
from support import make_photo

import fst
from fst.image import formats
from fst.interfaces.http import stylize
from fst.interfaces.http.app import make_app
from fst.interfaces.http.stylize import attachment
from fst.interfaces.loaded_style import LoadedStyle


def send(client: TestClient, content: bytes | None = None, **fields: Any) -> Any:
    """A form: bytes are files, all else are plain fields."""
    files = {name: (f"{name}.png", value) for name, value in fields.items()
             if isinstance(value, bytes)}  # fmt: skip
    plain = {name: str(value) for name, value in fields.items() if not isinstance(value, bytes)}
    files["photo"] = ("a photo.png", photo() if content is None else content)
    return client.post("/stylize", files=files, data=plain)


def test_a_photo_is_painted_as_load_paints_it(client: TestClient, shelf_folder: Path) -> None:
    answer = send(client, style="dawn", stroke_size="medium", strength=0.75)
    style = fst.load(
        shelf_folder / "dawn.safetensors", stroke_size="medium", device="cpu", precision="fp32"
    )
    painted = style(make_photo(48, 40), strength=0.75)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["content-disposition"] == 'attachment; filename="a_photo-dawn.png"'
    assert float(answer.headers["x-seconds"]) > 0
    assert answer.headers["cache-control"] == "no-store"
    np.testing.assert_array_equal(pixels(answer.content), np.asarray(painted))


@pytest.mark.parametrize("mode", ["RGB", "L", "RGBA", "P", "1", "LA"])
def test_strength_0_gives_the_photos_pixels_back(client: TestClient, mode: str) -> None:
    image = make_photo(37, 23)
    if mode in ("RGBA", "LA"):
        image.putalpha(Image.linear_gradient("L").resize(image.size).point(lambda a: max(a, 2)))
    image = image.convert(mode)
    answer = send(client, encoded(image), style="dusk", strength=0)
    shown = image.convert("RGBA" if mode in ("RGBA", "LA") else "RGB")
    np.testing.assert_array_equal(pixels(answer.content), np.asarray(shown))


def test_a_blend_and_any_painting(client: TestClient, shelf_folder: Path) -> None:
    kept = {"device": "cpu", "precision": "fp32", "checkpoints": shelf_folder}
    blend = send(client, style="dawn=3,dusk=1")
    painted = fst.load("dawn=0.75,dusk=0.25", **kept)(make_photo(48, 40))
    np.testing.assert_allclose(pixels(blend.content).astype(int), np.asarray(painted), atol=1)
    assert "a_photo-dawn-dusk.png" in blend.headers["content-disposition"]
    painting = make_photo(80, 64, seed=5)
    answer = send(client, painting=encoded(painting), style_weight=8)
    painted = fst.load(painting, style_weight=8.0, **kept)(make_photo(48, 40))
    np.testing.assert_array_equal(pixels(answer.content), np.asarray(painted))
    assert "a_photo-painting.png" in answer.headers["content-disposition"]


def test_a_painting_is_looked_at_once(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[Any] = []
    before = stylize.read_painting
    monkeypatch.setattr(stylize, "read_painting", lambda *a: (read.append(a), before(*a))[1])
    for strength in (0.2, 0.4, 0.6):
        assert send(client, painting=photo(80, 64, 5), strength=strength).status_code == 200
    assert len(read) == 1
    assert send(client, painting=photo(80, 64, 6)).status_code == 200
    assert len(read) == 2


@pytest.mark.parametrize(("kind", "pil"), [("png", "PNG"), ("jpeg", "JPEG"), ("webp", "WEBP"),
                                           ("tiff", "TIFF")])  # fmt: skip
def test_formats(client: TestClient, kind: str, pil: str) -> None:
    answer = send(client, style="dawn", format=kind, quality=80)
    with Image.open(io.BytesIO(answer.content)) as image:
        assert (image.format, image.size) == (pil, (48, 40))


@pytest.mark.parametrize(
    ("fields", "size"),
    [
        ({"preview": 24}, (24, 20)),
        ({"preview": 480}, (48, 40)),
        ({"size": 24}, (24, 20)),
        ({"size": 24, "upsample": "guided"}, (48, 40)),
        ({"size": 96}, (96, 80)),
        ({"size": 40, "preview": 24}, (24, 20)),
        ({"size": 40, "upsample": "bicubic", "preview": 24}, (24, 20)),
        ({"size": 16, "upsample": "bicubic", "preview": 24}, (24, 20)),
        ({"seamless": "true"}, (48, 40)),
        ({"margin": 0, "preserve_color": "lab"}, (48, 40)),
    ],
)
def test_sizes(client: TestClient, fields: dict[str, Any], size: tuple[int, int]) -> None:
    answer = send(client, style="dawn", **fields)
    assert answer.status_code == 200, answer.text
    assert pixels(answer.content).shape == (size[1], size[0], 3)


def test_a_mask_says_where(client: TestClient) -> None:
    half = Image.new("L", (48, 40))
    half.paste(255, (24, 0, 48, 40))
    whole = pixels(send(client, style="dawn").content)
    for mask in (half, half.resize((96, 80))):
        answer = send(client, style="dawn", mask=encoded(mask), feather=0)
        found = pixels(answer.content)
        np.testing.assert_array_equal(found[:, :22], np.asarray(make_photo(48, 40))[:, :22])
        np.testing.assert_array_equal(found[:, 26:], whole[:, 26:])
    black = send(client, style="dawn", mask=encoded(Image.new("L", (48, 40))))
    np.testing.assert_array_equal(pixels(black.content), np.asarray(make_photo(48, 40)))
    answer = send(client, style="dawn", mask=encoded(Image.new("L", (40, 48), 255)))
    assert answer.status_code == 400
    assert "40x48" in answer.json()["error"]


def noted() -> bytes:
    """A photo on its side whose file tells of the camera, the place and more."""
    exif = Image.Exif()
    exif[Base.Orientation] = 6
    exif[Base.Make], exif[Base.Artist] = "Secretcam", "Somebody"
    exif.get_ifd(IFD.GPSInfo)[GPS.GPSLatitude] = (52.0, 31.0, 12.5)
    exif.get_ifd(IFD.GPSInfo)[GPS.GPSLatitudeRef] = "N"
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return encoded(
        make_photo(48, 40), "JPEG", exif=exif.tobytes(), comment=b"A comment", dpi=(300, 300),
        icc_profile=profile, quality=95,
    )  # fmt: skip


@pytest.mark.parametrize("kind", ["png", "jpeg", "webp", "tiff"])
@pytest.mark.parametrize("strength", [0, 1])
def test_nothing_goes_out_but_pixels_and_profile(
    client: TestClient, kind: str, strength: int
) -> None:
    answer = send(client, noted(), style="dawn", format=kind, strength=strength)
    for secret in (b"Secretcam", b"Somebody", b"A comment", b"fst"):
        assert secret not in answer.content
    with Image.open(io.BytesIO(answer.content)) as image:
        assert image.size == (40, 48)  # upright
        assert image.info.get("icc_profile")
        if kind != "tiff":  # whose tags are its layout
            assert not dict(image.getexif())
            assert set(image.info) <= {"icc_profile", "jfif", "jfif_version", "jfif_unit",
                                       "jfif_density", "background", "loop", "timestamp",
                                       "duration"}  # fmt: skip


@pytest.mark.parametrize("kind", ["png", "jpeg", "webp", "tiff"])
def test_metadata_goes_out_where_it_is_asked_for(client: TestClient, kind: str) -> None:
    answer = send(client, noted(), style="dawn", format=kind, metadata="true")
    with Image.open(io.BytesIO(answer.content)) as image:
        found = image.getexif()
        assert found[Base.Make] == "Secretcam"
        assert found.get_ifd(IFD.GPSInfo)[GPS.GPSLatitude] == (52.0, 31.0, 12.5)
        assert Base.Orientation not in found or kind == "tiff"


@pytest.mark.parametrize(
    ("fields", "status", "said"),
    [
        ({}, 422, "style"),
        ({"style": "dawn", "painting": b"x"}, 422, "not both"),
        ({"style": "nosuch"}, 404, "nosuch"),
        ({"style": "dawn=0.5,nosuch=0.5"}, 404, "nosuch"),
        ({"style": "dawn=x,dusk=1"}, 400, "blend"),
        ({"style": "../../etc/passwd"}, 404, "GET /styles"),
        ({"style": "http://elsewhere.example/a.safetensors"}, 404, "GET /styles"),
        ({"style": "any"}, 404, "any"),
        ({"style": "dawn", "strength": 2}, 400, "strength"),
        ({"style": "dawn", "strength": "nan"}, 400, "strength"),
        ({"style": "dawn", "size": 8}, 400, "size"),
        ({"style": "dawn", "size": 20_000}, 413, "20000x16667"),
        ({"style": "dawn", "stroke_size": "huge"}, 400, "stroke_size"),
        ({"style": "dawn", "style_weight": 12}, 400, "style_weight"),
        ({"style": "dawn", "feather": 0.1}, 400, "feather"),
        ({"style": "dawn", "margin": 3}, 400, "margin"),
        ({"style": "dawn", "margin": 4, "seamless": "true"}, 400, "seamless"),
        ({"style": "dawn", "upsample": "guided"}, 400, "size"),
        ({"style": "dawn", "format": "gif"}, 400, "format"),
        ({"style": "dawn", "quality": 0}, 400, "quality"),
        ({"style": "dawn", "metadata": "perhaps"}, 400, "metadata"),
        ({"style": "dawn", "preview": 1}, 400, "preview"),
        ({"style": "dawn", "nosuch": 1}, 422, "nosuch"),
        ({"style": "dawn", "mask": b"x"}, 415, "mask"),
        ({"painting": b""}, 415, "painting"),
        ({"painting": photo(8, 8)}, 400, "painting"),
    ],
)
def test_what_can_not_be_is_a_sentence(
    client: TestClient, fields: dict[str, Any], status: int, said: str
) -> None:
    answer = send(client, **fields)
    assert answer.status_code == status
    assert set(answer.json()) == {"error"}
    sentence = answer.json()["error"]
    assert said in sentence
    assert sentence.endswith(".")
    assert "--" not in sentence
    assert "\n" not in sentence


def test_too_large_pictures_and_files_are_refused_before_they_are_decoded(
    shelf_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = make_app(settings(shelf_folder, max_pixels=5000, max_bytes=20_000))
    monkeypatch.setattr(stylize, "read_picture", None)
    with TestClient(app, base_url="http://localhost") as client:
        answer = send(client, style="dawn", content=photo(72, 70))
        assert answer.status_code == 413
        assert "72x70" in answer.json()["error"]
        answer = send(client, style="dawn", content=bytes(20_001))
        assert answer.status_code == 413
        answer = send(client, style="dawn", size=80, content=photo(64, 64))
        assert answer.status_code == 413
        assert "80x80" in answer.json()["error"]


def test_names_of_results() -> None:
    assert attachment("holiday-monet", "png") == 'attachment; filename="holiday-monet.png"'
    said = attachment('..\\evil"\r\nX: y/ü-the scream', "jpg")
    assert "\r" not in said
    assert "\n" not in said
    assert 'filename="evil_X_ y_u-the_scream.jpg"'.replace(" ", "_") in said
    assert "filename*=UTF-8''evil" in said
    assert attachment("", "png") == 'attachment; filename="painted.png"'
    assert len(attachment("x" * 5000, "png")) < 150


def test_clients_never_get_each_others_picture(client: TestClient) -> None:
    def strength_0(seed: int) -> bool:
        answer = send(client, photo(40, 32, seed), style="dawn", strength=0)
        return bool((pixels(answer.content) == np.asarray(make_photo(40, 32, seed))).all())

    with ThreadPoolExecutor(4) as pool:  # as many as one client may have
        assert all(pool.map(strength_0, range(24)))


def test_a_client_that_goes_away_cancels_its_painting(
    shelf_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the next strip; the tiny net gets strips of two rows."""
    begun, ended = threading.Event(), threading.Event()
    strips: list[int] = []
    from fst.inference.strips import run

    def slow(height: int, rows: int) -> Any:
        for strip in before(height, 2):
            strips.append(1)
            if len(strips) == 3:
                begun.set()
                assert ended.wait(30)
            yield strip

    before = run._strips
    monkeypatch.setattr(run, "_strips", slow)
    app = make_app(settings(shelf_folder))
    body, kind = form_of({"style": b"dawn"}, photo(64, 640))
    sent: list[Any] = []

    async def go() -> None:
        pieces = [{"type": "http.request", "body": body, "more_body": False}]

        async def receive() -> Any:
            if pieces:
                return pieces.pop()
            await asyncio.to_thread(begun.wait, 30)
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            sent.append(message)

        scope = {
            "type": "http", "method": "POST", "path": "/stylize", "query_string": b"",
            "headers": [(b"host", b"localhost"), (b"content-type", kind)], "scheme": "http",
            "client": ("127.0.0.1", 9), "server": ("127.0.0.1", 8000), "http_version": "1.1",
            "root_path": "", "raw_path": b"/stylize",
        }  # fmt: skip
        await app(scope, receive, send)

    asyncio.run(go())
    queue = app.state.service.queue
    assert queue.running == 1
    ended.set()
    app.state.service.close()
    assert queue.running == 0
    assert len(strips) == 3
    assert sent[0]["status"] == 499


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads Linux's /proc")
def test_memory_does_not_grow(client: TestClient) -> None:
    def some() -> int:
        for seed in range(30):
            assert send(client, photo(96, 80, seed), style="dawn").status_code == 200
        gc.collect()
        pages = Path("/proc/self/statm").read_text().split()[1]
        return int(pages) * resource.getpagesize()

    some()
    first = some()
    assert some() < first * 1.05


def test_nothing_of_a_style_is_kept_with_a_picture(client: TestClient) -> None:
    """The style that is kept holds no photo."""
    send(client, style="dawn")
    app: Any = client.app
    for style in app.state.service.shelf._loaded.values():
        assert isinstance(style, LoadedStyle)
        held = [v for v in vars(style.stylizer).values() if isinstance(v, Image.Image)]
        assert not held


def test_heic_is_read_where_the_package_for_it_is(client: TestClient) -> None:
    heif = pytest.importorskip("pillow_heif")
    heif.from_pillow(make_photo(48, 40)).save(memory := io.BytesIO(), quality=90)
    answer = send(client, memory.getvalue(), style="dawn", strength=0)
    assert answer.status_code == 200
    near = pixels(answer.content).astype(int) - np.asarray(make_photo(48, 40))
    assert np.abs(near).mean() < 12


def test_without_it_is_said_what_to_send(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(formats, "has_heif", lambda: False)
    answer = send(client, b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(100), style="dawn")
    assert answer.status_code == 415
    said = answer.json()["error"]
    assert "HEIC" in said
    assert "can't read" in said
    assert "JPEG" in said
    assert "pip" not in said


def test_a_png_whose_rows_end_too_early_is_damaged(client: TestClient) -> None:
    content = photo(100, 100)
    place = content.index(b"IDAT") - 4
    data = zlib.compress(zlib.decompress(content[place + 8 :])[: 10 * 301])
    chunk = b"IDAT" + data
    crc = zlib.crc32(chunk).to_bytes(4, "big")
    short = content[:place] + len(data).to_bytes(4, "big") + chunk + crc + content[-12:]
    answer = send(client, short, style="dawn")
    assert answer.status_code == 400
    assert "too early" in answer.json()["error"]
    cut = send(client, content[:-300], style="dawn").json()["error"]
    assert "truncated" in cut
    assert "bytes not processed" not in cut

"""What a service is sent by those who mean it no good, or whose disk is full: 4xx each."""

import io
import pickle
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from services import encoded, photo, settings
from starlette.testclient import TestClient
from support import make_photo

from fst.interfaces.http.app import make_app

EDGE = b"edge"
KIND = "multipart/form-data; boundary=edge"
Case = tuple[str, bytes, str, bytes]
"""Name, body, its content type, words that the sentence has."""


@pytest.fixture(scope="module")
def attacked(shelf_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """One service for all of them: it has to live on."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TMPDIR", str(tmp_path_factory.mktemp("temporary")))
        patch.setattr("tempfile.tempdir", None)
        app = make_app(settings(shelf_folder, max_bytes=200_000, max_pixels=1_000_000))
        with TestClient(app, base_url="http://localhost") as client:
            yield client
            assert client.get("/health").json()["status"] == "ok"
            assert client.post(
                "/stylize", data={"style": "dawn"}, files={"photo": ("a.png", photo())}
            ).is_success


def part(name: bytes, content: bytes, filename: bytes | None = None, more: bytes = b"") -> bytes:
    """Of a form."""
    file = b"" if filename is None else b'; filename="' + filename + b'"'
    head = b'Content-Disposition: form-data; name="' + name + b'"' + file + b"\r\n" + more
    return b"--edge\r\n" + head + b"\r\n" + content + b"\r\n"


def form(*parts: bytes) -> bytes:
    return b"".join(parts) + b"--edge--\r\n"


def with_photo(content: bytes, filename: bytes = b"photo.jpg") -> bytes:
    return form(part(b"style", b"dawn"), part(b"photo", content, filename))


# --- pictures that are none -----------------------------------------------------------------------


def png(width: int, height: int, data: bytes = b"\0", *chunks: tuple[bytes, bytes]) -> bytes:
    """A PNG whose header says what it likes."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    all_of_them = [(b"IHDR", header), *chunks, (b"IDAT", zlib.compress(data)), (b"IEND", b"")]
    written = [
        struct.pack(">I", len(content)) + kind + content
        + struct.pack(">I", zlib.crc32(kind + content))
        for kind, content in all_of_them
    ]  # fmt: skip
    return b"\x89PNG\r\n\x1a\n" + b"".join(written)


def bombs() -> dict[str, bytes]:
    """Small files of many pixels."""
    sides = (2000, 20_000, 65_500, 2**31 - 1)
    found = {f"png {side}": png(side, side, bytes(90_000)) for side in sides}
    for width, height in ((900_000, 1), (1, 900_000), (50_000, 10)):  # a net makes these wider
        found[f"png {width}x{height}"] = encoded(Image.new("L", (width, height)), "PNG")
    jpeg = bytearray(photo(kind="JPEG"))
    place = jpeg.index(b"\xff\xc0") + 5
    for side in (2000, 16_000, 65_500, 65_535):
        jpeg[place : place + 4] = struct.pack(">HH", side, side)
        found[f"jpeg {side}"] = bytes(jpeg)
    gif = bytearray(photo(kind="GIF"))
    for side in (2000, 65_535):
        gif[6:10] = struct.pack("<HH", side, side)
        found[f"gif {side}"] = bytes(gif)
    bmp = bytearray(photo(kind="BMP"))
    for side in (2000, 100_000, 2**31 - 1):
        bmp[18:26] = struct.pack("<ii", side, side)
        found[f"bmp {side}"] = bytes(bmp)
    for kind in ("PNG", "GIF", "TIFF", "WEBP", "JPEG"):
        content = encoded(Image.new("L", (3000, 3000)), kind, **({"compression": "tiff_deflate"}
                          if kind == "TIFF" else {}))  # fmt: skip
        found[f"{kind} black"] = content[:199_000]
    return found


def others() -> dict[str, bytes]:
    """Files of other kinds, which may be called anything."""
    zipped = io.BytesIO()
    with zipfile.ZipFile(zipped, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("bomb.txt", bytes(10_000_000))
    np.save(array := io.BytesIO(), np.zeros(100))
    return {
        "eps": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 99 99\n/x {(a) run} def\nshowpage\n",
        "svg": b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
        "svg with xml": b'<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY a SYSTEM "file:///etc/passwd">'
        b"]><svg>&a;</svg>",
        "pdf": b"%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\n%%EOF",
        "html": b"<!doctype html><script>alert(1)</script>",
        "script": b"#!/bin/sh\nrm -rf /\n",
        "program": b"\x7fELF\x02\x01\x01" + bytes(200),
        "pickle": pickle.dumps({"a": 1}),
        "array": array.getvalue(),
        "zip": zipped.getvalue(),
        "psd": b"8BPS\0\x01" + bytes(300),
        "ico": encoded(make_photo(32, 32), "ICO"),
        "ppm": encoded(make_photo(32, 32), "PPM"),
        "jpeg 2000": encoded(make_photo(32, 32), "JPEG2000"),
        "tga": encoded(make_photo(32, 32), "TGA"),
        "pcx": encoded(make_photo(32, 32), "PCX"),
        "dds": encoded(make_photo(32, 32), "DDS"),
        "mp4": b"\0\0\0\x18ftypisom" + bytes(300),
        "wmf": b"\xd7\xcd\xc6\x9a" + bytes(100),
        "fits": b"SIMPLE  =                    T" + bytes(2880),
        "text": b"hello " * 50,
        "zeros": bytes(1000),
        "one byte": b"\xff",
        "nothing": b"",
        "link": b"https://elsewhere.example/photo.jpg",
        "path": b"/etc/passwd",
    }


def polyglots() -> dict[str, bytes]:
    """What begins as a picture, and is none."""
    payload = b"<script>alert(1)</script>" * 20
    starts = {
        "jpeg": b"\xff\xd8\xff\xe0\0\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0",
        "png": b"\x89PNG\r\n\x1a\n",
        "gif": b"GIF89a/*", "bmp": b"BM", "webp": b"RIFF\x64\0\0\0WEBPVP8 ",
        "tiff": b"II*\0\x08\0\0\0", "tiff from the left": b"MM\0*\0\0\0\x08",
        "avif": b"\0\0\0\x1cftypavif\0\0\0\0avifmif1",
        "heic": b"\0\0\0\x1cftypheic\0\0\0\0heicmif1",
    }  # fmt: skip
    found = {f"{kind} and html": start + payload for kind, start in starts.items()}
    found |= {f"{kind} alone": start for kind, start in starts.items()}
    return found | {f"{kind} and zeros": start + bytes(5000) for kind, start in starts.items()}


def truncated() -> dict[str, bytes]:
    """Whole pictures, cut off."""
    found = {}
    for kind in ("JPEG", "PNG", "WEBP", "TIFF", "GIF", "BMP", "AVIF"):
        image = make_photo(96, 80)
        content = encoded(image, kind, **({"lossless": True} if kind == "WEBP" else {}))
        for tenths in range(1, 15):
            found[f"{kind} to {tenths / 20:.0%}"] = content[: len(content) * tenths // 20]
    return found


def pictures() -> Iterator[tuple[str, bytes, bytes]]:
    """Name, content, what it is called."""
    for name, content in others().items():
        for filename in (b"photo.jpg", b"photo.png", b"../../photo.webp"):
            yield f"{name} called {filename.decode()}", content, filename
    for name, content in {**bombs(), **polyglots(), **truncated()}.items():
        yield name, content, b"photo.jpg"


# --- forms that are none --------------------------------------------------------------------------


def forms() -> dict[str, tuple[bytes, str]]:
    """Bodies and their types."""
    style, file = part(b"style", b"dawn"), part(b"photo", photo(), b"a.png")
    whole = form(style, file)
    found = {f"form to {n / 20:.0%}": (whole[: len(whole) * n // 20], KIND) for n in range(1, 20)}
    kinds = ["", "text/plain", "application/json", "multipart/form-data",
             "multipart/form-data; boundary=", "multipart/form-data; boundary=other",
             "multipart/mixed; boundary=edge", "application/x-www-form-urlencoded", "image/png",
             "multipart/form-data; boundary=" + "x" * 300]  # fmt: skip
    found |= {f"kind {kind[:50]!r}": (whole, kind) for kind in kinds}
    bodies = {
        "nothing": b"",
        "no parts": form(),
        "no head": b"--edge\r\n\r\nx\r\n--edge--\r\n",
        "no name": b'--edge\r\nContent-Disposition: form-data; filename="a"\r\n\r\nx\r\n'
        b"--edge--\r\n",
        "an attachment": b'--edge\r\nContent-Disposition: attachment; name="photo"\r\n\r\nx\r\n'
        b"--edge--\r\n",
        "style twice": form(style, style, file),
        "photo twice": form(style, file, file),
        "photo twice and style": form(file, style, file),
        "a file that is unknown": form(style, file, part(b"other", b"x", b"x")),
        "a field that is unknown": form(style, file, part(b"other", b"x")),
        "a path as a name": form(style, file, part(b"../../x", b"x", b"x")),
        "no photo": form(style),
        "no style": form(file),
        "a long value": form(file, part(b"style", b"x" * 20_000)),
        "a longer style": form(file, part(b"style", b"x" * 5000)),
        "no utf-8": form(file, part(b"style", b"\xff\xfe")),
        "a zero": form(file, part(b"style", b"dawn\0")),
        "a name of no utf-8": form(style, part(b"photo", photo(), b"\xff\xfe.png")),
        "a zero in a name": form(style, part(b"photo", photo(), b"a\0b.png")),
        "a huge head": form(style, part(b"photo", b"x", b"a", b"X: " + b"x" * 50_000 + b"\r\n")),
        "many heads": form(style, part(b"photo", photo(), b"a", b"X-A: x\r\n" * 2000)),
        "many parts": form(*(part(b"x%d" % i, b"x") for i in range(2000))),
        "a form in a form": form(part(b"photo", whole, b"a.png")),
        "too large a file": form(style, part(b"photo", bytes(200_001), b"a.png")),
        "too large a body": form(style, part(b"photo", bytes(900_000), b"a.png")),
        "a mask that is none": form(style, file, part(b"mask", b"x", b"a")),
        "both": form(style, file, part(b"painting", photo(), b"a")),
        "a painting of one color": form(
            file, part(b"painting", encoded(Image.new("RGB", (64, 64))), b"a")),
    }  # fmt: skip
    found |= {name: (body, KIND) for name, body in bodies.items()}
    values = {
        b"strength": [b"", b"-1", b"2", b"nan", b"inf", b"1e999", b"x", b"0x1", b"[]", b"1,5"],
        b"size": [b"0", b"15", b"-5", b"1.5", b"99999999999999999999", b"20000", b"x"],
        b"preview": [b"0", b"5000", b"x", b"1e3x"],
        b"stroke_size": [b"0", b"5", b"huge", b"9999", "\u0663\u0662".encode(), b"-16"],
        b"style": [b"nosuch", b"../x", b"any", b"base", b"dawn=0", b"dawn=1", b"dawn=nan,dusk=1",
                   b"dawn=1,nosuch=1", b"=", b"=,=", b"/etc/passwd", b"file:///etc/passwd",
                   b"dawn.safetensors", b"http://a.example/x"],
        b"format": [b"gif", b"PNG", b"", b"../png"],
        b"quality": [b"0", b"101", b"x"],
        b"margin": [b"3", b"260", b"-4"],
        b"seamless": [b"2", b"x"],
        b"preserve_color": [b"", b"all"],
    }  # fmt: skip
    for name, several in values.items():
        for value in several:
            parts = [] if name == b"style" else [style]
            found[f"{name.decode()} {value.decode()}"] = (
                form(*parts, file, part(name, value)),
                KIND,
            )
    return found


CASES = [
    *(pytest.param(with_photo(content, called), KIND, id=name)
      for name, content, called in pictures()),
    *(pytest.param(body, kind, id=name) for name, (body, kind) in forms().items()),
]  # fmt: skip


@pytest.mark.parametrize(("body", "kind"), CASES)
def test_what_is_hostile_gets_a_sentence(attacked: TestClient, body: bytes, kind: str) -> None:
    answer = attacked.post("/stylize", content=body, headers={"Content-Type": kind})
    assert 400 <= answer.status_code < 500, answer.content[:200]
    assert set(answer.json()) == {"error"}
    said: Any = answer.json()["error"]
    assert len(said) < 400
    assert "Traceback" not in said
    assert "/tmp" not in said
    assert "passwd" not in said or b"passwd" in body
    app: Any = attacked.app
    assert not list(app.state.service.folder.iterdir())


def test_so_many_are_counted() -> None:
    assert len(CASES) >= 300


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF"])
def test_nothing_of_a_picture_that_is_more_than_that_goes_out(
    attacked: TestClient, kind: str
) -> None:
    """A whole picture with a program behind it is a picture."""
    content = photo(kind=kind) + b"<script>alert(1)</script>"
    answer = attacked.post("/stylize", content=with_photo(content), headers={"Content-Type": KIND})
    assert answer.status_code == 200
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert b"script" not in answer.content

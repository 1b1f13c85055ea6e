"""fst.image.record: what a result says of itself, and that nothing else is taken for it."""

import json
import os
import struct
import tracemalloc
import zlib
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image
from support import make_photo

from fst.image.io import load_image, save_image
from fst.image.record import LONGEST, NAMESPACE, fits, read_record, xmp_packet

WRITTEN = [".jpg", ".png", ".webp", ".tif"]
RECORD: dict[str, Any] = {
    "format": 1,
    "program": "fst 0.1.0",
    "photo": {"name": "Bäume & <Blüten>.jpg", "sha256": "0" * 64},
    "styles": [{"name": "水墨 \udcff \x07", "margin": 20, "share": 0.25}],
    "settings": {"strength": 1.0, "seamless": False, "layers": {"relu1_1": 1.0}},
}


def write(path: Path, record: dict[str, Any] | None = RECORD, alpha: bool = False) -> Path:
    photo = make_photo().convert("RGBA") if alpha else make_photo()
    photo.save(path.with_name("photo.png"))
    save_image(path, load_image(path.with_name("photo.png")), record=record)
    return path


@pytest.mark.parametrize("suffix", WRITTEN)
@pytest.mark.parametrize("alpha", [False, True])
def test_a_record_is_read_back(suffix: str, alpha: bool, tmp_path: Path) -> None:
    assert read_record(write(tmp_path / f"a{suffix}", RECORD, alpha)) == RECORD
    assert read_record(write(tmp_path / f"b{suffix}", None, alpha)) is None


@pytest.mark.parametrize("suffix", WRITTEN)
def test_the_pixels_are_the_same_with_it(suffix: str, tmp_path: Path) -> None:
    with Image.open(write(tmp_path / f"a{suffix}")) as with_record:
        with Image.open(write(tmp_path / f"b{suffix}", None)) as without:
            assert np.array_equal(np.asarray(with_record), np.asarray(without))


@pytest.mark.parametrize("suffix", WRITTEN)
def test_other_programs_find_what_made_it(suffix: str, tmp_path: Path) -> None:
    with Image.open(write(tmp_path / f"a{suffix}")) as image:
        assert image.getexif()[0x0131] == "fst 0.1.0"
        if suffix == ".png":
            assert image.info["Software"] == "fst 0.1.0"
            assert "水墨" in image.info["Description"]
            assert json.loads(image.info["fst"]) == RECORD
        else:
            packet = ElementTree.fromstring(image.info["xmp"])
            (record,) = packet.iter(f"{{{NAMESPACE}}}record")
            assert json.loads(record.text or "") == RECORD
            (tool,) = packet.iter("{http://ns.adobe.com/xap/1.0/}CreatorTool")
            assert tool.text == "fst 0.1.0"
            assert "水墨" in str(ElementTree.tostring(packet, "unicode"))


def test_a_record_as_an_attribute_is_read(tmp_path: Path) -> None:
    packet = (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
        'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description '
        f'xmlns:other="{NAMESPACE}" other:record="{{&quot;format&quot;: 1}}"/>'
        "</rdf:RDF></x:xmpmeta>"
    )
    make_photo().save(tmp_path / "a.jpg", xmp=packet.encode())
    assert read_record(tmp_path / "a.jpg") == {"format": 1}


def test_what_is_no_record_is_none(tmp_path: Path) -> None:
    make_photo().save(tmp_path / "photo.jpg")
    (tmp_path / "empty.png").touch()
    (tmp_path / "text.txt").write_text("fst")
    os.mkfifo(tmp_path / "pipe.png")  # which would be waited for
    (tmp_path / "loop.png").symlink_to(tmp_path / "loop.png")
    for name in ("photo.jpg", "empty.png", "text.txt", "pipe.png", "loop.png", "", "none.png"):
        assert read_record(tmp_path / name) is None
    assert read_record(tmp_path / ("x" * 5000)) is None
    assert read_record(str(tmp_path / "a\0b")) is None


@pytest.mark.parametrize("suffix", WRITTEN)
def test_damage_is_no_exception(suffix: str, tmp_path: Path) -> None:
    whole = write(tmp_path / f"a{suffix}").read_bytes()
    random, damaged = np.random.default_rng(0), tmp_path / "damaged"
    for end in random.integers(0, len(whole), 200):
        damaged.write_bytes(whole[:end])
        assert read_record(damaged) in (None, RECORD)
    for _ in range(200):
        content = bytearray(whole)
        for place in random.integers(0, min(len(whole), 3000), 4):
            content[place] = random.integers(256)
        damaged.write_bytes(content)
        found = read_record(damaged)
        assert found is None or isinstance(found["format"], int)


@pytest.mark.parametrize(
    "start", [b"\x89PNG\r\n\x1a\n", b"\xff\xd8", b"RIFF\0\0\0\0WEBP", b"II*\0", b"MM\0*"]
)
def test_noise_behind_a_right_start_is_none(start: bytes, tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    for _ in range(200):
        (tmp_path / "noise").write_bytes(start + random.bytes(200))
        assert read_record(tmp_path / "noise") is None


def png(text: bytes) -> bytes:
    chunk = b"tEXt" + text
    return (
        b"\x89PNG\r\n\x1a\n" + struct.pack(">I", len(text)) + chunk
        + struct.pack(">I", zlib.crc32(chunk))
    )  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        *(b"[1]", b"1", b"null", b"{}", b'{"format": true}', b'{"format": "1"}', b"\xff\xfe"),
        *(b"[" * 9999, b'{"format": ' + b"9" * 5000 + b"}"),
        b'{"format": 1, "a": ' + b"[" * 30 + b"]" * 30 + b"}",
    ],
)
def test_json_that_is_no_record_is_none(text: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png(b"fst\0" + text))
    assert read_record(tmp_path / "a.png") is None
    (tmp_path / "a.png").write_bytes(png(b'fst\0{"format": 1}'))
    assert read_record(tmp_path / "a.png") == {"format": 1}


@pytest.mark.parametrize(
    "packet",
    [
        b'<!DOCTYPE x [<!ENTITY a "' + b"a" * 9000 + b'">]><x>' + b"&a;" * 9000 + b"</x>",
        b"<a>" * 8000 + b"</a>" * 8000,
        b'<?xml version="1.0" encoding="rot13"?><a/>',
        b'<?xml version="1.0" encoding="nothing"?><a/>',
        f'<a xmlns="{NAMESPACE}"><record/></a>'.encode(),
        b"<a/><b/>",
        b"\0" * 99,
    ],
)
def test_a_packet_that_is_a_trap_is_none(packet: bytes, tmp_path: Path) -> None:
    make_photo().save(tmp_path / "a.jpg", xmp=packet)
    assert read_record(tmp_path / "a.jpg") is None


def test_what_is_large_is_not_read(tmp_path: Path) -> None:
    """A gigabyte of nothing behind a length that promises a record."""
    starts = {
        "a.png": b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 2**30) + b"tEXtfst\0",
        "a.webp": b"RIFF\0\0\0\0WEBPXMP " + struct.pack("<I", 2**30),
        "a.tif": b"II*\0\x08\0\0\0\x01\0" + struct.pack("<HHII", 700, 1, 2**30, 26),
        "b.tif": b"II*\0\x08\0\0\0\xff\xff",
        "b.webp": b"RIFF\0\0\0\0WEBP",
    }
    tracemalloc.start()
    for name, start in starts.items():
        with open(tmp_path / name, "wb") as file:
            file.write(start)
            file.truncate(2**30)
        assert read_record(tmp_path / name) is None
    assert tracemalloc.get_traced_memory()[1] < 2**22
    tracemalloc.stop()


def test_a_record_that_is_too_long_does_not_fit(tmp_path: Path) -> None:
    long = {**RECORD, "more": "x" * LONGEST}
    assert fits(RECORD)
    assert not fits(long)
    nearly = {**RECORD, "more": "x" * (LONGEST - len(xmp_packet(RECORD)) - 50)}
    assert fits(nearly)
    for suffix in WRITTEN:
        assert read_record(write(tmp_path / f"a{suffix}", nearly)) == nearly

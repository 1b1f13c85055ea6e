"""What a painted picture's file says of how it was made: its *record*, a mapping of plain values.

A PNG has it as JSON in a text of the keyword ``fst``; JPEG, WebP and TIFF have the same JSON in a
property of an XMP packet. What other programs look for is beside it: which program made the picture
and, in a sentence, what it is.

Reading looks at a file's table of contents and at the record alone: no pixel is decoded, nothing
large is read, and what is no record of ours is None, however damaged or foreign the file may be.
"""

import json
import struct
import unicodedata
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any
from xml.etree import ElementTree
from xml.etree.ElementTree import ParseError
from xml.sax.saxutils import escape

from PIL.PngImagePlugin import PngInfo

KEYWORD = "fst"
"""Of a PNG's text."""

NAMESPACE = "urn:fst:record:1/"
"""Of the XMP property ``record``."""

LONGEST = 60_000
"""Bytes of a record, the packet around it included: what one segment of a JPEG has room for."""

DEEPEST = 12
"""Levels of a record that is read; ours have fewer."""

_PIECES = 10_000
"""Chunks or segments that are looked at: a picture has a handful."""

_XMP_MARK = b"http://ns.adobe.com/xap/1.0/\0"
_XMP_TAG = 700
_PACKET = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/"
 xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:fst="{namespace}">
<xmp:CreatorTool>{program}</xmp:CreatorTool>
<dc:description><rdf:Alt><rdf:li xml:lang="x-default">{sentence}</rdf:li></rdf:Alt></dc:description>
<fst:record>{record}</fst:record>
</rdf:Description></rdf:RDF></x:xmpmeta>
<?xpacket end="w"?>"""
"""XMP specification, part 1, section 7 (serialization), and part 3 (where files have it)."""


def program(record: Mapping[str, Any]) -> str:
    """Which program painted, with its version."""
    return str(record.get("program", "fst"))


def png_text(record: Mapping[str, Any]) -> PngInfo:
    """The texts of a PNG that holds a record.

    Args:
        record: plain values. ``program`` and the names of ``styles`` are what others are told.
    """
    texts = PngInfo()
    texts.add_text("Software", program(record))
    texts.add_itxt("Description", sentence(record))
    texts.add_text(KEYWORD, record_text(record))
    return texts


def xmp_packet(record: Mapping[str, Any]) -> bytes:
    """The XMP packet of a JPEG, WebP or TIFF that holds a record."""
    return _PACKET.format(
        namespace=NAMESPACE,
        program=escape(program(record)),
        sentence=escape(sentence(record)),
        record=escape(record_text(record)),
    ).encode()


def fits(record: Mapping[str, Any]) -> bool:
    """Whether a record is short enough to be written."""
    return len(xmp_packet(record)) <= LONGEST


def read_record(path: str | Path) -> dict[str, Any] | None:
    """The record in a picture's file.

    Args:
        path: any file, or none.

    Returns:
        None where there is none that can be read: no such file, another kind, another's picture.
    """
    try:
        if not Path(path).is_file():  # a pipe would be waited for
            return None
        with open(path, "rb") as file:
            return parsed(_found(file))
    except (OSError, ValueError, LookupError, struct.error, RecursionError, ParseError):
        return None


def record_text(record: Mapping[str, Any]) -> str:
    """A record as JSON, in ASCII: neither XML nor a PNG can hold all that a file's name can."""
    return json.dumps(record, sort_keys=True, separators=(",", ":"))


def sentence(record: Mapping[str, Any]) -> str:
    """What a record says, for people."""
    names = [str(style.get("name", "")) for style in record.get("styles", ())]
    said = f"Painted in the style {' and '.join(names)} by {program(record)}"
    return "".join("?" if unicodedata.category(c)[0] == "C" else c for c in said)


def parsed(content: bytes | str | None) -> dict[str, Any] | None:
    """The record that a JSON is; None where it is none of ours.

    Raises:
        ValueError, RecursionError: it is no JSON.
    """
    if content is None or len(content) > LONGEST:
        return None
    record = json.loads(content)
    if not isinstance(record, dict) or type(record.get("format")) is not int:
        return None
    return record if _depth(record) <= DEEPEST else None


def _depth(value: Any) -> int:
    inside = value.values() if isinstance(value, dict) else value
    return 1 + max(map(_depth, inside), default=0) if isinstance(value, dict | list) else 0


def _found(file: IO[bytes]) -> bytes | None:
    """The JSON of the record; by the file's first bytes, whatever it is called."""
    start = file.read(12)
    if start.startswith(b"\x89PNG\r\n\x1a\n"):
        return _in_png(file)
    if start.startswith(b"\xff\xd8"):
        return _in_packet(_in_jpeg(file))
    if start.startswith(b"RIFF") and start.endswith(b"WEBP"):
        return _in_packet(_in_webp(file))
    if start.startswith((b"II*\0", b"MM\0*")):
        return _in_packet(_in_tiff(file, start))
    return None


def _in_packet(packet: bytes | None) -> bytes | None:
    """As an element or, as other programs write it anew, an attribute."""
    if packet is None or b"<!" in packet:  # no packet defines entities, and only a trap would
        return None
    name = f"{{{NAMESPACE}}}record"
    parser = ElementTree.XMLParser(encoding="utf-8")  # whatever it says itself
    for element in ElementTree.fromstring(packet, parser).iter():
        found = element.text if element.tag == name else element.get(name)
        if found:
            return found.encode()
    return None


def _short(file: IO[bytes], length: int) -> bytes | None:
    return file.read(length) if length <= LONGEST else None


def _in_png(file: IO[bytes]) -> bytes | None:
    file.seek(8)
    for _ in range(_PIECES):
        length, kind = struct.unpack(">I4s", file.read(8))
        if kind in (b"IDAT", b"IEND"):  # ours is before the pixels
            return None
        after = file.tell() + length + 4
        if kind == b"tEXt" and (text := _short(file, length)):
            keyword, _, content = text.partition(b"\0")
            if keyword == KEYWORD.encode():
                return content
        file.seek(after)
    return None


def _in_jpeg(file: IO[bytes]) -> bytes | None:
    file.seek(2)
    for _ in range(_PIECES):
        mark, kind, length = struct.unpack(">BBH", file.read(4))
        if mark != 0xFF or kind == 0xDA:  # behind it are pixels
            return None
        after = file.tell() + length - 2
        if kind == 0xE1 and (segment := _short(file, length - 2) or b"").startswith(_XMP_MARK):
            return segment[len(_XMP_MARK) :]
        file.seek(after)
    return None


def _in_webp(file: IO[bytes]) -> bytes | None:
    for _ in range(_PIECES):
        kind, length = struct.unpack("<4sI", file.read(8))
        if kind == b"XMP ":
            return _short(file, length)
        file.seek(length + length % 2, 1)
    return None


def _in_tiff(file: IO[bytes], start: bytes) -> bytes | None:
    order = "<" if start.startswith(b"II") else ">"
    file.seek(struct.unpack(f"{order}I", start[4:8])[0])
    (count,) = struct.unpack(f"{order}H", file.read(2))
    for _ in range(count):
        tag, kind, length, place = struct.unpack(f"{order}HHII", file.read(12))
        if tag == _XMP_TAG and kind in (1, 7):  # BYTE, UNDEFINED
            file.seek(place)
            return _short(file, length)
    return None

"""Forms that clients send, read piece by piece: never more of them than is allowed.

A file is kept in memory as long as it is small, and then in the service's folder, where it has no
name. Nothing of it is believed but its bytes: its type is told from them later.
"""

import asyncio
import hashlib
import re
import time
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import IO, TYPE_CHECKING, cast

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import Request

from fst.interfaces.http.errors import Refused

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

IN_MEMORY = 1 << 20
"""Bytes of a file that are kept in memory."""

LONGEST_VALUE = 10_000
"""Bytes of a field that is no file, or of what stands before a field."""

OVERHEAD = 100_000
"""Bytes that a form may have besides its files."""

SLOWEST = 10_000
"""Bytes in a second that a client sends at least, once :data:`GRACE` seconds are over."""

GRACE = 20.0


@dataclass
class Upload:
    """A file of a form: its content, and what it was called."""

    file: IO[bytes]
    filename: str
    size: int = 0
    _hash: "hashlib._Hash" = field(default_factory=hashlib.sha256, repr=False)

    @property
    def digest(self) -> str:
        """SHA-256 of its bytes."""
        return self._hash.hexdigest()

    @property
    def stem(self) -> str:
        """What it was called, without folders and suffix."""
        return Path(self.filename.replace("\\", "/")).stem


@dataclass
class Form:
    """What was sent: the plain fields, and the files."""

    values: dict[str, str] = field(default_factory=dict)
    files: dict[str, Upload] = field(default_factory=dict)

    def close(self) -> None:
        """Forgets the files."""
        for upload in self.files.values():
            upload.file.close()


async def read_form(
    request: Request,
    folder: Path,
    max_bytes: int,
    files: Collection[str],
    values: Collection[str],
    patience: float = 10.0,
) -> Form:
    """The form in a request; to be closed.

    Args:
        request: whose body was not read yet.
        folder: for what is too large for memory.
        max_bytes: of each file.
        files: fields that are files.
        values: fields that are not.
        patience: seconds for which nothing may come.

    Raises:
        Refused: no form, a damaged one, a field that is unknown or there twice, too many bytes, or
            they come too slowly.
    """
    kind, options = parse_options_header(request.headers.get("content-type"))
    if kind != b"multipart/form-data" or not options.get(b"boundary"):
        raise Refused(415, "the body is no form: send it as multipart/form-data")
    most = max_bytes * len(files) + OVERHEAD
    if (length := request.headers.get("content-length", "")).isdecimal() and int(length) > most:
        raise Refused(413, f"the request has {length} bytes, and {most} are the most")
    reader = _Reader(folder, max_bytes, set(files), set(values))
    try:
        parser = MultipartParser(options[b"boundary"], reader.callbacks())
        await _feed(request, parser, most, patience)
        reader.check_whole()
    except FormParserError as error:
        reader.form.close()
        raise Refused(400, f"the form is damaged: {error}") from error
    except BaseException:
        reader.form.close()
        raise
    return reader.form


async def _feed(request: Request, parser: MultipartParser, most: int, patience: float) -> None:
    """The body, as it comes."""
    began, received = time.monotonic(), 0
    pieces = aiter(request.stream())
    while True:
        try:
            piece = await asyncio.wait_for(anext(pieces), patience)
        except StopAsyncIteration:
            break
        except TimeoutError:
            raise Refused(408, f"nothing came for {patience:g} seconds") from None
        received += len(piece)
        if received > most:
            raise Refused(413, f"the request has more than {most} bytes")
        if time.monotonic() - began > GRACE + received / SLOWEST:
            raise Refused(408, "the request comes too slowly")
        if piece:
            parser.write(piece)
    parser.finalize()


class _Reader:
    """What the parser calls as it meets the parts of a form."""

    def __init__(self, folder: Path, max_bytes: int, files: set[str], values: set[str]) -> None:
        self.form = Form()
        self._folder, self._max_bytes = folder, max_bytes
        self._files, self._values = files, values
        self._headers: dict[bytes, bytes] = {}
        self._name, self._value = b"", b""
        self._field = ""
        self._content = bytearray()
        self._room = LONGEST_VALUE
        self._ended = False

    def callbacks(self) -> "MultipartCallbacks":
        """By the parser's names."""
        return {
            "on_part_begin": self._begin_head,
            "on_header_field": self._add_name,
            "on_header_value": self._add_value,
            "on_header_end": self._end_header,
            "on_headers_finished": self._begin_part,
            "on_part_data": self._add,
            "on_part_end": self._end_part,
            "on_end": self._end,
        }

    def check_whole(self) -> None:
        """That the form came to its end."""
        if not self._ended:
            raise Refused(400, "the form is cut off")

    def _begin_head(self) -> None:
        self._headers.clear()
        self._room = LONGEST_VALUE

    def _add_name(self, data: bytes, start: int, end: int) -> None:
        self._name += self._taken(data, start, end)

    def _add_value(self, data: bytes, start: int, end: int) -> None:
        self._value += self._taken(data, start, end)

    def _taken(self, data: bytes, start: int, end: int) -> bytes:
        self._room -= end - start
        if self._room < 0:
            raise Refused(400, "the form is damaged: what stands before a field is too long")
        return data[start:end]

    def _end_header(self) -> None:
        self._headers[self._name.lower()] = self._value
        self._name, self._value = b"", b""

    def _begin_part(self) -> None:
        about = self._headers.get(b"content-disposition")
        kind, options = parse_options_header(about)
        if kind != b"form-data" or b"name" not in options:
            raise Refused(400, "the form is damaged: a part of it has no name")
        self._field = name = _text(options[b"name"], "name")
        if name in self.form.values or name in self.form.files:
            raise Refused(422, f"the field {name} is there twice")
        if name in self._files:
            filename = _text(options.get(b"filename", b""), "file name")
            kept = SpooledTemporaryFile(max_size=IN_MEMORY, dir=str(self._folder))
            self.form.files[name] = Upload(cast(IO[bytes], kept), filename)
        elif name in self._values:
            self._content.clear()
        else:
            raise Refused(422, f"there is no field {name!r}")

    def _add(self, data: bytes, start: int, end: int) -> None:
        upload = self.form.files.get(self._field)
        if upload is None:
            self._content += data[start:end]
            if len(self._content) > LONGEST_VALUE:
                raise Refused(400, f"{self._field} is too long")
            return
        upload.size += end - start
        if upload.size > self._max_bytes:
            raise Refused(413, f"{self._field} has more than {self._max_bytes} bytes")
        upload._hash.update(data[start:end])
        upload.file.write(data[start:end])

    def _end_part(self) -> None:
        upload = self.form.files.get(self._field)
        if upload is None:
            self.form.values[self._field] = _text(bytes(self._content), self._field)
        else:
            upload.file.seek(0)

    def _end(self) -> None:
        self._ended = True


def _text(content: bytes, what: str) -> str:
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        raise Refused(400, f"{what} is no text in UTF-8") from None
    if re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f]", text):
        raise Refused(400, f"{what} has a character that can't be in a text")
    return text

"""What a client is told when it can't have what it asked for: a status, and one sentence."""

import errno
import logging
import re
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from fst.errors import FstError, InputError, in_a_line

LOG = logging.getLogger("fst.serve")

FULL = (errno.ENOSPC, errno.EDQUOT)
"""What the system says of a disk that is full."""

NO_ROOM = "the service has no room left on its disk"

GONE = 499
"""Status of an answer that nobody gets, in the metrics: the client went away."""


class Error(BaseModel):
    """What went wrong, in one sentence."""

    error: str = Field(
        description="One sentence.", examples=["strength must be a number from 0 to 1, not 3."]
    )


class Refused(Exception):
    """A request that gets no more than a sentence.

    Args:
        status: of HTTP.
        why: a sentence, or what becomes one.
        headers: of the answer.
    """

    def __init__(self, status: int, why: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(why)
        self.status, self.why, self.headers = status, why, headers


EXPECTED = {"int_parsing": "a whole number", "string_too_long": "{max_length} characters or fewer"}
"""Pydantic's name of an error -> what is expected, where the field is in no form."""

WHY = {
    400: "A value that can't be, or a damaged picture.",
    401: "The token is missing or wrong.",
    403: "Another site's page has sent it.",
    404: "There is no such thing.",
    405: "The address takes no such request.",
    408: "The request took too long to arrive.",
    413: "Too many bytes or pixels.",
    415: "No picture, or of a format that is not taken; or no form.",
    422: "A field is missing, or unknown.",
    429: "This client has too much in work.",
    503: "The queue is full, or the service is stopping.",
}
"""Status -> what it means, for the schema."""


def answers(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Errors of a route, for its schema; 400, 401 and 403 are every route's."""
    known: dict[int | str, dict[str, Any]] = {}
    content = {"application/json": {"schema": Error.model_json_schema()}}
    for status in sorted({400, 401, 403, *statuses}):
        known[status] = {"content": content, "description": WHY[status]}
        if status == 503:
            wait = {"schema": {"type": "integer"}, "description": "Seconds to wait."}
            known[status]["headers"] = {"Retry-After": wait}
    return known


def sentence(text: object) -> str:
    """A message of ours as a sentence: without options of the command line, and without paths."""
    said = re.sub(r" \(--[^)]*\)| \(\d+ bytes not processed\)", "", in_a_line(text))
    said = re.sub(r"(?<![\w.])/(?:[^\s/:,;'\"]+/)+[^\s:,;'\"]*", "a file", said)
    return said if said.endswith((".", "!", "?")) else f"{said}."


def refusal(status: int, why: str, headers: dict[str, str] | None = None) -> JSONResponse:
    """The answer that says why."""
    return JSONResponse({"error": sentence(why)}, status, headers)


def add_error_answers(app: FastAPI) -> None:
    """Every error is answered by a sentence."""

    @app.exception_handler(Refused)
    async def refused(request: Request, error: Refused) -> Response:
        return refusal(error.status, error.why, error.headers)

    @app.exception_handler(FstError)
    async def mistaken(request: Request, error: FstError) -> Response:
        if isinstance(error, InputError):
            return refusal(400, str(error))
        LOG.warning("%s", in_a_line(error))
        return refusal(400, "this service lacks what that needs, or it is damaged; its log says it")

    @app.exception_handler(HTTPException)
    async def not_there(request: Request, error: HTTPException) -> Response:
        said = {404: "there is no such page", 405: "this address takes no such request"}
        headers = dict(error.headers) if error.headers else None
        if error.status_code == 405:
            headers = {"Allow": ", ".join(allowed(request))}
        return refusal(error.status_code, said.get(error.status_code, str(error.detail)), headers)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> Response:
        return refusal(*said_of(error.errors()))

    @app.exception_handler(ClientDisconnect)
    async def gone(request: Request, error: ClientDisconnect) -> Response:
        return Response(status_code=GONE)

    @app.exception_handler(OSError)
    async def full(request: Request, error: OSError) -> Response:
        if error.errno not in FULL:
            raise error
        LOG.error("%s", error)
        return refusal(503, NO_ROOM, {"Retry-After": "60"})


def allowed(request: Request) -> list[str]:
    """The methods that an address takes: its routes know nothing of each other."""
    found = set[str]()
    for path, methods in request.app.openapi()["paths"].items():
        if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", path), request.url.path):
            found.update(method.upper() for method in methods)
    return sorted(found)


def said_of(errors: Any, expected: Mapping[str, str] | None = None) -> tuple[int, str]:
    """A status, and what to say of the first of pydantic's errors.

    Args:
        errors: pydantic's.
        expected: name of a field -> what its value has to be, in words.
    """
    (first, *_) = errors
    name = ".".join(str(part) for part in first["loc"] if part not in ("query", "body", "path"))
    name = name.partition(".")[0]
    if first["type"] == "missing":
        return 422, f"the field {name} is missing"
    if first["type"] == "extra_forbidden":
        return 422, f"there is no field {name!r}"
    given = in_a_line(repr(first["input"]))
    given = given if len(given) <= 60 else f"{given[:57]}..."
    if first["type"] == "value_error":  # ours
        return 400, f"{name} {first['msg'].removeprefix('Value error, ')}, not {given}"
    known = expected or {}
    meant = known.get(name) or EXPECTED.get(first["type"], "a value of another kind")
    return 400, f"{name} must be {meant.format(**first.get('ctx', {}))}, not {given}"

"""The page and its files, and the description of the API as a page."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Request
from fastapi import Path as InPath
from fastapi.responses import HTMLResponse, Response
from jinja2 import Environment, PackageLoader, StrictUndefined

from fst.interfaces.http.errors import Refused, answers

WEB = Path(__file__).resolve().parent.parent / "web"
"""The page's files."""

MEDIA = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".ico": "image/x-icon",
    ".json": "application/json",
    ".webmanifest": "application/manifest+json",
    ".woff2": "font/woff2",
}
"""What is sent: suffix -> media type."""

router = APIRouter()


@router.get("/", summary="The page", tags=["page"], response_class=HTMLResponse,
            responses=answers(404))  # fmt: skip
async def index(request: Request) -> Response:
    """The page for people."""
    return web_file(request, "index.html")


@router.get(
    "/static/{name}",
    summary="A file of the page",
    tags=["page"],
    response_class=Response,
    responses={
        200: {"description": "The file.", "content": {"*/*": {}}},
        304: {"description": "It is still the one that you have."},
        **answers(404),
    },
)
async def static(
    request: Request,
    name: Annotated[str, InPath(description="Of the file.", examples=["docs.css"])],
) -> Response:
    """A script, a style sheet or a picture of the page."""
    return web_file(request, name)


def web_file(request: Request, name: str) -> Response:
    """A file of the page's folder; its name is looked up, never taken for a path.

    Raises:
        Refused: 404, there is none.
    """
    known = {path.name: path for path in WEB.iterdir() if path.suffix in MEDIA}
    if name not in known:
        raise Refused(404, "there is no such file")
    content = known[name].read_bytes()
    headers = {
        "ETag": f'"{hashlib.sha256(content).hexdigest()[:32]}"',
        "Cache-Control": "no-cache",
    }
    if request.headers.get("if-none-match") == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    return Response(content, media_type=MEDIA[known[name].suffix], headers=headers)


@router.get("/docs", summary="The API, described", tags=["page"], response_class=HTMLResponse,
            responses=answers())  # fmt: skip
async def docs(request: Request) -> HTMLResponse:
    """Every address, field and answer, as a page."""
    return HTMLResponse(docs_page(request.app.openapi()))


def docs_page(schema: Mapping[str, Any]) -> str:
    """An OpenAPI schema as a page, without any script."""
    pages = Environment(
        loader=PackageLoader("fst.interfaces.http", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    operations = [
        {
            "method": method.upper(),
            "path": path,
            "about": about,
            "fields": fields_of(about, schema),
        }
        for path, methods in schema["paths"].items()
        for method, about in methods.items()
    ]
    return pages.get_template("docs.html.jinja").render(info=schema["info"], operations=operations)


def fields_of(about: Mapping[str, Any], schema: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What a request may hold: name, kind, range, whether it is needed, and what it does."""
    fields = [
        {
            "name": one["name"],
            "kind": kind_of(one["schema"]),
            "required": one.get("required", False),
            "default": None,
            "said": one.get("description", ""),
        }
        for one in about.get("parameters", [])
    ]
    for content in about.get("requestBody", {}).get("content", {}).values():
        body = content["schema"]
        if "$ref" in body:
            body = schema["components"]["schemas"][body["$ref"].rpartition("/")[2]]
        for name, one in body.get("properties", {}).items():
            fields.append(
                {
                    "name": name,
                    "kind": kind_of(one),
                    "required": name in body.get("required", []),
                    "default": one.get("default"),
                    "said": one.get("description", ""),
                }
            )
    return fields


def kind_of(field: Mapping[str, Any]) -> str:
    """``number, 0 to 1``; ``png | jpeg``; ``file``."""
    if "anyOf" in field:
        return " or ".join(kind_of(one) for one in field["anyOf"])
    if "const" in field:
        return str(field["const"])
    if "enum" in field:
        return " | ".join(map(str, field["enum"]))
    if field.get("format") == "binary":
        return "file"
    least, most = field.get("minimum"), field.get("maximum")
    limits = f", {least:g} to {most:g}" if least is not None and most is not None else ""
    step = f", a multiple of {field['multipleOf']}" if "multipleOf" in field else ""
    return f"{field.get('type', 'text')}{limits}{step}"

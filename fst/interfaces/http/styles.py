"""``GET /styles``: the gallery, and its thumbnails, which the nets themselves have painted."""

import hashlib
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import quote

from fastapi import APIRouter, Request
from fastapi import Path as InPath
from fastapi.responses import Response
from PIL import Image
from pydantic import BaseModel, Field

from fst.interfaces.http.errors import Refused, answers
from fst.interfaces.http.painting_queue import SOMETIME
from fst.interfaces.http.sample import sample_picture
from fst.interfaces.http.service import Service, service_of
from fst.styles.names import SMALL, is_small
from fst.system.files import atomic_file

SIZE = (256, 192)
"""Width and height of a thumbnail in pixels."""

router = APIRouter()


class StyleEntry(BaseModel):
    """A style that a photo can be painted in."""

    name: str = Field(description="What it is asked for by.", examples=["monet"])
    title: str = Field(description="Of the painting.")
    painter: str | None = Field(description="Of the painting.")
    year: str | None = Field(description="Of the painting.")
    kind: Literal["net", "many"] = Field(
        description="A net of its own, or one of many styles in a file."
    )
    small: str | None = Field(
        description="Its net of half the width, which is quicker, is asked for by this name.",
        examples=["monet_small"],
    )
    thumbnail: str = Field(description="Address of a picture painted in it.")
    own: bool = Field(description="Whether it was trained here, and did not come with fst.")


class Styles(BaseModel):
    """What a photo can be painted in."""

    styles: list[StyleEntry]
    any_painting: bool = Field(description="Whether any painting can be a style, in one pass.")
    training: bool = Field(description="Whether styles can be trained here.")
    took: dict[str, float] = Field(
        description="Budget -> seconds that the last whole training of it took here.",
        examples=[{"minute": 71.0}],
    )


@router.get("/styles", summary="List the styles", tags=["paint"], responses=answers())
async def styles(request: Request) -> Styles:
    """All styles that there is a net for, as the folders of checkpoints are now.

    The small net of a style is no style of its own here; it is painted with by its name.
    """
    service = service_of(request)
    known = service.shelf.styles()
    entries = [
        StyleEntry(
            name=one.name, title=one.title, painter=one.painter, year=one.year,
            kind="net" if one.kind == "net" else "many",
            small=small if (small := one.name + SMALL) in known else None,
            thumbnail=address_of(one.name), own=one.own,
        )
        for one in known.values()
        if not is_small(one.name, known)
    ]  # fmt: skip
    return Styles(
        styles=entries,
        any_painting=service.shelf.any_painting,
        training=service.settings.training,
        took=dict(service.took),
    )


def address_of(name: str) -> str:
    """Of a style's thumbnail."""
    return f"/styles/{quote(name, safe='')}/thumbnail"


JPEG: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The thumbnail.",
        "content": {"image/jpeg": {"schema": {"type": "string", "format": "binary"}}},
    },
    304: {"description": "It is still the one that you have."},
}


@router.get(
    "/styles/{name}/thumbnail",
    summary="Show a style",
    tags=["paint"],
    response_class=Response,
    responses={**JPEG, **answers(404, 503)},
)
async def thumbnail(
    request: Request,
    name: Annotated[str, InPath(description="Of a style.", examples=["monet"])],
) -> Response:
    """A photo of 256x192 pixels, painted in a style."""
    service = service_of(request)
    if name not in service.shelf.styles():
        raise Refused(404, f"there is no style {name[:100]!r}: GET /styles lists them")
    path = place_of(service, name)
    headers = {"ETag": f'"{path.stem}"', "Cache-Control": "no-cache"}
    if request.headers.get("if-none-match") == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    if not path.is_file():
        await service.queue.run(lambda: write_thumbnail(service, name, path), SOMETIME)
    return Response(path.read_bytes(), media_type="image/jpeg", headers=headers)


def place_of(service: Service, name: str) -> Path:
    """Where the thumbnail of a style lies; another place once a checkpoint has changed."""
    about = repr((name, service.shelf.stamp)).encode()
    return service.folder / f"{hashlib.sha256(about).hexdigest()[:32]}.jpg"


def write_thumbnail(service: Service, name: str, path: Path) -> None:
    """Paints it, where another request has not done so meanwhile."""
    if path.is_file():
        return
    painted = service.shelf.loaded(name)(sample())
    painted.save(memory := BytesIO(), format="JPEG", quality=85)
    with atomic_file(path) as temporary:
        temporary.write_bytes(memory.getvalue())


@cache
def sample() -> Image.Image:
    """The photo of thumbnails: the page's sample, cropped and small."""
    photo = sample_picture()
    width = round(photo.height * SIZE[0] / SIZE[1])
    left = (photo.width - width) // 2
    cropped = photo.crop((left, 0, left + width, photo.height))
    return cropped.resize(SIZE, Image.Resampling.BICUBIC)

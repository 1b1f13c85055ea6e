"""``GET /sample``: a photo to try the page with."""

from collections.abc import Callable
from functools import cache
from io import BytesIO
from typing import Any

from fastapi import APIRouter, Response
from PIL import Image

from fst.interfaces.http.errors import answers

router = APIRouter()


@router.get(
    "/sample",
    summary="A photo to try",
    tags=["paint"],
    response_class=Response,
    responses={
        200: {
            "description": "The photo, 600x400 pixels.",
            "content": {"image/jpeg": {"schema": {"type": "string", "format": "binary"}}},
        },
        **answers(),
    },
)
def sample() -> Response:
    """The photo that the styles' thumbnails are painted from."""
    headers = {"Cache-Control": "max-age=3600"}
    return Response(sample_photo(), media_type="image/jpeg", headers=headers)


def sample_picture() -> Image.Image:
    """A cup of coffee, which comes with scikit-image."""
    from skimage import data

    made: Callable[[], Any] = data.coffee
    return Image.fromarray(made())


@cache
def sample_photo() -> bytes:
    """The same as JPEG."""
    sample_picture().save(memory := BytesIO(), format="JPEG", quality=95)
    return memory.getvalue()

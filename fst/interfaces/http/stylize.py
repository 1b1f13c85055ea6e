"""``POST /stylize``: a picture in, a painted picture out."""

import asyncio
import re
import time
import unicodedata
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Request
from fastapi.responses import Response
from PIL import Image

from fst.errors import InputError
from fst.image.decoding import pixels_of
from fst.interfaces.http.errors import Refused, answers
from fst.interfaces.http.forms import (
    FILES,
    TOGETHER,
    PaintForm,
    check_together,
    checked,
    form_schema,
)
from fst.interfaces.http.painting_queue import LATER, SOON
from fst.interfaces.http.pictures import (
    WRITTEN,
    check_picture,
    check_writable,
    fitting,
    read_picture,
    write_picture,
)
from fst.interfaces.http.presence import while_there
from fst.interfaces.http.service import Service, client_of, service_of
from fst.interfaces.http.uploads import Form, Upload, read_form
from fst.interfaces.loaded_style import LoadedStyle

SMALL = 400_000
"""Pixels of a result that is painted before larger ones."""

PAINTING_SIDE = 1024
"""Pixels of a painting's short side from which a net sees no more."""

LONGEST_NAME = 100
"""Characters of a result's name."""

router = APIRouter()

PICTURES: dict[str, Any] = {
    media: {"schema": {"type": "string", "format": "binary"}} for _, media, _ in WRITTEN.values()
}
RESULT: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The painted picture.",
        "content": PICTURES,
        "headers": {
            "Content-Disposition": {
                "description": "A name for it: the photo's and the style's.",
                "schema": {"type": "string"},
            },
            "X-Seconds": {
                "description": "Seconds that the net took.",
                "schema": {"type": "number"},
            },
        },
    }
}


@dataclass(frozen=True)
class Painted:
    """A result, ready to be sent."""

    content: bytes
    seconds: float
    style: str


@router.post(
    "/stylize",
    summary="Paint a photo",
    tags=["paint"],
    response_class=Response,
    responses={**RESULT, **answers(404, 408, 413, 415, 422, 429, 503)},
    openapi_extra={"requestBody": form_schema(PaintForm, FILES, ["photo"], TOGETHER)},
)
async def stylize(request: Request) -> Response:
    """Paints a photo in a style, a blend of styles, or that of any painting, in one pass."""
    service = service_of(request)
    settings = service.settings
    with service.queue.seat(client_of(request)):
        sent = await read_form(
            request, service.folder, settings.max_bytes, FILES, PaintForm.model_fields,
            settings.patience,
        )  # fmt: skip
        try:
            form = checked(PaintForm, sent.values)
            pixels = await asyncio.to_thread(check_form, form, sent, service)
            painted = await while_there(
                request,
                service.queue.run(
                    lambda: paint(service, form, sent), SOON if pixels <= SMALL else LATER
                ),
            )
        finally:
            sent.close()
    _, media, suffix = WRITTEN[form.format]
    headers = {
        "Content-Disposition": attachment(f"{sent.files['photo'].stem}-{painted.style}", suffix),
        "X-Seconds": f"{painted.seconds:.3f}",
        "Cache-Control": "no-store",
    }
    return Response(painted.content, media_type=media, headers=headers)


def check_form(form: PaintForm, sent: Form, service: Service) -> int:
    """What can be told before the work; how many pixels are painted.

    Raises:
        Refused: what the message says.
        InputError: a value that can't be.
    """
    check_together(form, set(sent.files))
    most = service.settings.max_pixels
    sizes = {name: check_picture(file, f"the {name}", most) for name, file in sent.files.items()}
    if form.style is not None:
        service.shelf.word_of(form.style)
    size = sizes["photo"]
    if form.preview is not None and form.preview < max(size):
        size = fitting(size, form.preview)
    if form.size is not None and not (form.preview is not None and form.size > max(size)):
        painted = fitting(size, form.size)
        result = size if form.upsample else painted
    else:
        painted = result = size
    if pixels_of(*painted) > most:
        raise Refused(
            413, f"at {painted[0]}x{painted[1]} this is more than {most / 1e6:g} million pixels"
        )
    check_writable(result, form.format)
    return pixels_of(*painted)


def paint(service: Service, form: PaintForm, sent: Form) -> Painted:
    """The painted picture; called by a thread of the queue's."""
    most = service.settings.max_pixels
    photo = read_picture(sent.files["photo"], "the photo", most, form.preview)
    style = style_of(service, form, sent)
    options = options_of(form, photo.image)
    if "mask" in sent.files:
        mask = read_mask(sent.files["mask"], photo.image.size, most)
        if mask is None:
            options["strength"] = 0.0  # black all over
        else:
            options |= {"mask": mask, "feather": form.feather}
    began = time.perf_counter()
    result = style(photo.image, **options)
    seconds = time.perf_counter() - began
    service.metrics.net_seconds.observe(seconds)
    notes = photo.notes if form.metadata else None
    return Painted(
        write_picture(result, form.format, form.quality, notes, service.folder),
        seconds,
        name_of(form, sent),
    )


def style_of(service: Service, form: PaintForm, sent: Form) -> LoadedStyle:
    """The style that a form asks for."""
    shelf = service.shelf
    if form.style is not None:
        return shelf.loaded(form.style, stroke_size=form.stroke_size, margin=form.margin)
    upload = sent.files["painting"]
    return shelf.predicted(
        upload.digest,
        lambda: read_painting(upload, service.settings.max_pixels),
        stroke_size=form.stroke_size,
        style_weight=form.style_weight,
        margin=form.margin,
    )


def options_of(form: PaintForm, image: Image.Image) -> dict[str, Any]:
    """Of a :class:`~fst.interfaces.loaded_style.LoadedStyle`; a preview is never enlarged."""
    options: dict[str, Any] = {
        "strength": form.strength, "preserve_color": form.preserve_color,
        "seamless": form.seamless,
    }  # fmt: skip
    if form.size is not None and (form.preview is None or form.size <= max(image.size)):
        options |= {"size": form.size, "upsample": form.upsample}
    return options


def read_painting(upload: Upload, max_pixels: int) -> Image.Image:
    """A painting, no larger than a net has use for."""
    image = read_picture(upload, "the painting", max_pixels).image
    short = min(image.size)
    if short > PAINTING_SIDE:
        long_side = round(max(image.size) * PAINTING_SIDE / short)
        image = image.resize(fitting(image.size, long_side), Image.Resampling.BICUBIC)
    return image


def read_mask(upload: Upload, size: tuple[int, int], max_pixels: int) -> Image.Image | None:
    """A mask of the photo's size; None where it is black all over.

    Raises:
        InputError: of other proportions than the photo, or damaged.
    """
    image = read_picture(upload, "the mask", max_pixels, max(size)).image
    if abs(image.width / image.height / (size[0] / size[1]) - 1) > 0.05 and 1 not in image.size:
        raise InputError(
            f"the mask is {image.width}x{image.height}, which are not the proportions of the "
            f"photo, {size[0]}x{size[1]}"
        )
    if image.size != size:
        image = image.resize(size, Image.Resampling.BICUBIC)
    black = Image.new("RGBA", image.size, "black")
    gray = Image.alpha_composite(black, image.convert("RGBA")).convert("L")
    return gray if gray.getbbox() else None


def name_of(form: PaintForm, sent: Form) -> str:
    """What a style is called in a result's name."""
    if form.style is None:
        return sent.files["painting"].stem or "painting"
    return "-".join(part.partition("=")[0].strip() for part in form.style.split(","))


def attachment(stem: str, suffix: str) -> str:
    """A name for what is sent, as HTTP has it: one that any file system takes."""
    shown = re.sub(r'[\\/:*?"<>|%;]+|\s+', "_", "".join(c for c in stem if c.isprintable()))
    name = f"{shown.strip('._')[:LONGEST_NAME] or 'painted'}.{suffix}"
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    said = f'attachment; filename="{plain}"'
    return said if plain == name else f"{said}; filename*=UTF-8''{quote(name)}"

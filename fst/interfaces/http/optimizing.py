"""A job that optimizes the pixels of a photo, from the start or after a pass, seen by the step."""

import time
from contextlib import closing
from pathlib import Path
from typing import Any

from PIL import Image

from fst.errors import AssetError, InputError, in_a_line
from fst.interfaces.api import load
from fst.interfaces.http.errors import LOG
from fst.interfaces.http.job import Job, Result, Shown
from fst.interfaces.http.job_form import JobForm, painted_size
from fst.interfaces.http.pictures import WRITTEN, fitting, read_picture, write_picture
from fst.interfaces.http.service import Service
from fst.interfaces.http.stylize import attachment, read_mask, read_painting
from fst.interfaces.http.uploads import Form
from fst.interfaces.loaded_style import LoadedStyle
from fst.interfaces.steps import Step
from fst.loss_networks.sources import at_hand
from fst.styles.catalog import find_style, is_blend
from fst.styles.objective import network_of
from fst.system.cancellation import cancelable
from fst.system.files import atomic_file

PREVIEW_SIDE = 768
"""Pixels of a preview's long side, at most."""

PREVIEW_SHARE = 10.0
"""So many times as long as a preview has taken, none is made."""

PREVIEW_SECONDS = 0.5
"""The least time between two previews."""

GIVEN_WAY = 2.0
"""Seconds that an iteration waits for paintings, at most: a camera's have no end."""


def optimize(job: Job, service: Service, form: JobForm, sent: Form) -> bool:
    """Paints, and tells the job how far it is; False where it was stopped.

    What is painted when it is stopped becomes the result.

    Raises:
        FstError: the style has no painting, a picture is damaged; what the message says.
    """
    with cancelable(job.stop):
        most = service.settings.max_pixels
        photo = read_picture(sent.files["photo"], "the photo", most)
        size = painted_size(form, photo.image.size)
        style = style_of(service, form, sent, photo.image, size)
        options: dict[str, Any] = {
            "strength": form.strength,
            "preserve_color": form.preserve_color,
            "size": size,
            "upsample": form.upsample,
        }
        if "mask" in sent.files:
            mask = read_mask(sent.files["mask"], photo.image.size, most)
            options |= (
                {"strength": 0.0} if mask is None else {"mask": mask, "feather": form.feather}
            )
        steps = style.iterations(photo.image, **options)
    previews = Previews(job)
    with closing(steps):  # type: ignore[type-var]
        for step in steps:
            see(job, step)
            if job.stop.is_set():
                break
            previews.renew(step)
            give_way(service)
    previews.make(step)
    keep(job, form, sent, step.picture, photo.notes if form.metadata else None)
    return step.number == step.of


def style_of(
    service: Service, form: JobForm, sent: Form, photo: Image.Image, size: int
) -> LoadedStyle:
    """The style that a form asks for, ready to optimize."""
    upload = sent.files.get("painting")
    most, settings = service.settings.max_pixels, service.settings
    meant = read_painting(upload, most) if upload else service.shelf.word_of(form.style or "")
    chosen: dict[str, Any] = {
        "checkpoints": settings.checkpoints,
        "device": settings.device,
        "precision": settings.precision,
        "stroke_size": form.stroke_size,
        "style_weight": form.style_weight,
        # a download of half a gigabyte is nothing that a client may begin
        "weights": None if at_hand(network_of_style(meant, settings.checkpoints)) else "slim",
    }
    if form.kind == "refine":
        chosen |= {"method": "feedforward", "refine": form.iterations}
    else:
        init: Any = form.init
        if init == "pass":
            init = passed(service, form, sent, meant)(photo, size=size)
            init.info.clear()
        chosen |= {"method": "optimize", "iterations": form.iterations, "init": init}
        chosen |= {"preset": form.preset}
    given = {name: value for name, value in chosen.items() if value is not None}
    try:
        return load(meant, **given)
    except AssetError as error:
        LOG.warning("%s", in_a_line(error))
        raise InputError(
            "the painting of this style is not here, and without it nothing can be optimized: send "
            "it as the field painting"
        ) from error


def network_of_style(meant: str | Image.Image, checkpoints: Path | None) -> str:
    """The loss network that a style was trained with, where that is VGG-16; else VGG-19."""
    if isinstance(meant, Image.Image) or is_blend(meant):
        return "vgg19"
    return network_of(find_style(meant, checkpoints).description) or "vgg19"


def passed(service: Service, form: JobForm, sent: Form, meant: str | Image.Image) -> LoadedStyle:
    """The style that a form asks for, to paint in one pass."""
    if form.style is not None:
        return service.shelf.loaded(form.style)
    assert isinstance(meant, Image.Image)
    return service.shelf.predicted(sent.files["painting"].digest, lambda: meant)


def see(job: Job, step: Step[Image.Image]) -> None:
    """Tells a job what a step has come to."""
    job.steps = step.of
    job.reach(step.number)
    if step.losses is not None:
        losses = step.losses
        job.curve.append((step.number, losses.total))
        job.losses = {"content": losses.content, "style": losses.style, "total": losses.total}


class Previews:
    """Pictures of a job while it goes on, made so seldom that they hardly slow it.

    Args:
        job: that shows them.
    """

    def __init__(self, job: Job) -> None:
        self._job, self._next = job, 0.0

    def renew(self, step: Step[Image.Image]) -> None:
        """Makes one, if it is time."""
        began = time.monotonic()
        if began < self._next:
            return
        self.make(step)
        took = time.monotonic() - began
        self._next = began + max(PREVIEW_SECONDS, PREVIEW_SHARE * took)

    def make(self, step: Step[Image.Image]) -> None:
        """Makes one."""
        image = step.picture
        if max(image.size) > PREVIEW_SIDE:
            image = image.resize(fitting(image.size, PREVIEW_SIDE), Image.Resampling.BILINEAR)
        self._job.show(Shown(write_picture(image, "jpeg", 90), "image/jpeg"), step.number + 1)


def keep(
    job: Job, form: JobForm, sent: Form, image: Image.Image, notes: dict[str, Any] | None
) -> None:
    """Writes the result into the job's folder."""
    _, media, suffix = WRITTEN[form.format]
    path = job.folder / f"result.{suffix}"
    with atomic_file(path) as temporary:
        temporary.write_bytes(write_picture(image, form.format, form.quality, notes))
    name = form.style or sent.files["painting"].stem or "painting"
    said = attachment(f"{sent.files['photo'].stem}-{name}", suffix)
    job.result = Result(path, media, said)


def give_way(service: Service) -> None:
    """Lets pictures that are painted in one pass go first, for a while."""
    until = time.monotonic() + GIVEN_WAY
    while service.queue.waiting + service.queue.running and time.monotonic() < until:
        time.sleep(0.02)

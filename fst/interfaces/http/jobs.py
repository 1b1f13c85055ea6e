"""``POST /jobs`` and what is asked of a job: work that takes minutes, watched while it goes on."""

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import JSONResponse, Response

from fst.errors import InputError
from fst.interfaces.http.errors import Refused, answers
from fst.interfaces.http.forms import checked, form_schema
from fst.interfaces.http.job import Job
from fst.interfaces.http.job_form import (
    FILES,
    TOGETHER,
    JobForm,
    JobState,
    NewJob,
    check_job_form,
    painted_size,
    state_of,
)
from fst.interfaces.http.optimizing import optimize
from fst.interfaces.http.pictures import WRITTEN, check_picture, read_picture
from fst.interfaces.http.service import Service, client_of, service_of
from fst.interfaces.http.training import train_painting
from fst.interfaces.http.training_plan import check_new_name, steps_of, trainings_of
from fst.interfaces.http.uploads import Form, read_form

router = APIRouter(tags=["jobs"])

Id = Annotated[
    str, Path(description="As POST /jobs has told it.", max_length=100, examples=["ZJ3wyAvTqRk"])
]
HEADERS = {"Cache-Control": "no-store"}

LEAST_PAINTING = 32
"""Pixels of a side."""


def picture(*media: str) -> dict[int | str, dict[str, Any]]:
    """An answer that is a picture, for a route's schema."""
    content = {kind: {"schema": {"type": "string", "format": "binary"}} for kind in media}
    return {200: {"description": "The picture.", "content": content}}


@router.post(
    "/jobs",
    status_code=202,
    summary="Begin work that takes minutes",
    response_model=NewJob,
    responses=answers(404, 408, 413, 415, 422, 429, 503),
    openapi_extra={"requestBody": form_schema(JobForm, FILES, [], TOGETHER)},
)
async def begin(request: Request) -> Response:
    """Begins to optimize the pixels of a photo, to refine a pass, or to train a net."""
    service, client = service_of(request), client_of(request)
    settings = service.settings
    service.jobs.check_room(client)
    with service.queue.seat(client):
        sent = await read_form(
            request, service.folder, settings.max_bytes, FILES, JobForm.model_fields,
            settings.patience,
        )  # fmt: skip
        try:
            form = checked(JobForm, sent.values)
            await asyncio.to_thread(check_form, service, form, sent)
            await service.queue.run(lambda: decode_all(sent, settings.max_pixels))
            job = added(service, client, form, sent)
        except BaseException:
            sent.close()
            raise
    where = f"/jobs/{job.id}"
    return JSONResponse({"id": job.id, "url": where}, 202, {**HEADERS, "Location": where})


def check_form(service: Service, form: JobForm, sent: Form) -> None:
    """What can be told before the work.

    Raises:
        Refused: what the message says.
        InputError: a value that can't be.
    """
    check_job_form(form, set(sent.files))
    if form.kind == "train":
        if not service.settings.training:
            raise InputError("this service does not train")
        check_name(service, form)
    most = service.settings.max_pixels
    sizes = {name: check_picture(file, f"the {name}", most) for name, file in sent.files.items()}
    if form.style is not None:
        service.shelf.word_of(form.style)
    if form.kind == "train" and min(sizes["painting"]) < LEAST_PAINTING:
        width, height = sizes["painting"]
        raise InputError(
            f"the painting has {width}x{height} pixels, and {LEAST_PAINTING} a side are the least "
            "to be learned"
        )
    if "photo" in sizes:
        painted_size(form, sizes["photo"])


def check_name(service: Service, form: JobForm) -> None:
    """That no style has the name of one that is to be trained.

    Raises:
        InputError: one has, or is going to have.
    """
    known = {*service.shelf.styles(), *service.jobs.names}
    check_new_name(form.name or "", trainings_of(service.settings), known)


def decode_all(sent: Form, max_pixels: int) -> None:
    """That the files can be decoded: who sends a damaged one is told at once.

    Raises:
        InputError: one can't.
    """
    for name, file in sent.files.items():
        read_picture(file, f"the {name}", max_pixels)


def added(service: Service, client: str, form: JobForm, sent: Form) -> Job:
    """The job that a form asks for; it closes the form once it has ended."""
    if form.kind != "train":
        return service.jobs.add(
            form.kind, client, form.iterations, lambda job: optimize(job, service, form, sent),
            sent.close,
        )  # fmt: skip
    check_name(service, form)  # another request may have come since the form was read
    places, name = trainings_of(service.settings), form.name or ""
    return service.jobs.add(
        form.kind, client, steps_of(places, form.budget),
        lambda job: train_painting(job, service, form, sent, places), sent.close, name,
    )  # fmt: skip


@router.get(
    "/jobs/{id}", summary="How far a job is", response_model=JobState, responses=answers(404, 422)
)
async def look(request: Request, id: Id) -> Response:
    """How far it is, in figures. Jobs are forgotten an hour after their end."""
    jobs = service_of(request).jobs
    return JSONResponse(state_of(jobs.get(id), jobs).model_dump(), headers=HEADERS)


@router.get(
    "/jobs/{id}/preview",
    summary="The newest picture of a job",
    response_class=Response,
    responses={**picture("image/jpeg", "image/png"), **answers(404, 422)},
)
async def preview(
    request: Request,
    id: Id,
    v: Annotated[
        int | None, Query(description="Of use to browsers: another one for every picture.")
    ] = None,
) -> Response:
    """What is painted by now; of a training, photos above and how the net paints them below."""
    shown = service_of(request).jobs.get(id).preview
    if shown is None:
        raise Refused(404, "this job has no picture yet")
    return Response(shown.content, media_type=shown.media, headers=HEADERS)


@router.get(
    "/jobs/{id}/result",
    summary="What a job has made",
    response_class=Response,
    responses={**picture(*(media for _, media, _ in WRITTEN.values())), **answers(404, 422)},
)
async def result(request: Request, id: Id) -> Response:
    """The finished picture; of a job that was stopped, what was painted until then."""
    made = service_of(request).jobs.get(id).result
    if made is None:
        raise Refused(404, "this job has no result, or not yet")
    try:  # at once: it may be forgotten while it is sent
        content = await asyncio.to_thread(made.path.read_bytes)
    except FileNotFoundError:
        raise Refused(404, "the result of this job is no longer there") from None
    headers = {**HEADERS, "Content-Disposition": made.disposition}
    return Response(content, media_type=made.media, headers=headers)


@router.delete(
    "/jobs/{id}",
    summary="Stop a job, or forget one that has ended",
    response_model=JobState,
    responses={204: {"description": "It had ended, and is forgotten."}, **answers(404, 422)},
)
async def stop(request: Request, id: Id) -> Response:
    """Stops it: what came of it so far is its result. One that has ended is forgotten."""
    jobs = service_of(request).jobs
    job = jobs.get(id)
    if not jobs.stop(job):
        return Response(status_code=204)
    return JSONResponse(state_of(job, jobs).model_dump(), headers=HEADERS)

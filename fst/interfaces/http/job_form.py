"""What the form of a job may hold, by its kind, and how a job is told."""

import re
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from fst.errors import InputError
from fst.image.decoding import pixels_of
from fst.interfaces.http.errors import Refused
from fst.interfaces.http.forms import Share, Truth, check_photo_and_style
from fst.interfaces.http.job import Job, Kind, State
from fst.interfaces.http.job_store import Jobs
from fst.interfaces.http.pictures import TAKEN_WORDS, check_writable, fitting

MOST_ITERATIONS = 5000
"""Of one job."""

MOST_PIXELS = 1_500_000
"""That are optimized: each takes some 3 kB of memory."""

USUAL_SIDE = 512
"""Long side in pixels at which a photo is optimized where none is asked for."""

POINTS = 200
"""Of a curve that is told, at most."""

NAME = r"[A-Za-z0-9][A-Za-z0-9_-]{0,59}"
"""Of a style that is trained."""


def _name(value: Any) -> Any:
    if isinstance(value, str) and not re.fullmatch(NAME, value):
        raise ValueError(
            "must be 1 to 60 letters (without accents), digits, - and _, and begin with no sign"
        )
    return value


class JobForm(BaseModel):
    """Work that takes minutes."""

    model_config = ConfigDict(extra="forbid")

    kind: Kind = Field(
        description="`optimize`: the pixels of a photo are optimized. `refine`: the same after a "
        "pass. `train`: a net learns a painting.",
        examples=["optimize"],
    )
    style: str | None = Field(
        None, min_length=1, max_length=1000, examples=["monet"],
        description="Optimize, refine: the name of a style. Either this or `painting`.",
    )  # fmt: skip
    iterations: int = Field(
        100, ge=1, le=MOST_ITERATIONS, examples=[100], description="Optimize, refine: how many."
    )
    init: Literal["photo", "noise", "pass"] | None = Field(
        None, examples=["photo"],
        description="Optimize: what it begins with, the photo, noise, or what a pass paints.",
    )  # fmt: skip
    preset: Literal["gatys", "johnson", "course", "pyramid"] | None = Field(
        None, description="Optimize: settings of the literature.", examples=["gatys"]
    )
    size: int | None = Field(
        None, ge=16, le=20_000, examples=[512],
        description="Optimize, refine: long side in pixels to paint at, and of the result where "
        f"`upsample` is not given. Left out, it is the photo's own, up to {USUAL_SIDE}. At most "
        f"{MOST_PIXELS / 1e6:g} million pixels are optimized.",
    )  # fmt: skip
    upsample: Literal["guided", "bicubic"] | None = Field(
        None, description="Optimize, refine: bring the result back to the photo's size.",
        examples=["guided"],
    )  # fmt: skip
    strength: Share = Field(
        1.0, description="Optimize, refine: from 0, the photo, to 1.", examples=[0.8]
    )
    preserve_color: Literal["luma", "lab", "histogram"] | None = Field(
        None, description="Optimize, refine: keep the photo's colors.", examples=["luma"]
    )
    stroke_size: int | None = Field(
        None, ge=16, le=4096, examples=[512],
        description="Optimize, and refine with `painting`: long side in pixels at which the "
        "painting is seen.",
    )  # fmt: skip
    style_weight: float | None = Field(
        None, ge=0, le=1e6, allow_inf_nan=False, examples=[12],
        description="Optimize, and refine with `painting`: how much the style weighs.",
    )  # fmt: skip
    feather: Share | None = Field(
        None, description="With `mask`: how far its edges are blurred, as a share of the long "
        "side.", examples=[0.01],
    )  # fmt: skip
    format: Literal["png", "jpeg", "webp", "tiff"] = Field(
        "png", description="Optimize, refine: of the result.", examples=["png"]
    )
    quality: int = Field(95, ge=1, le=100, description="Of JPEG and WebP.", examples=[95])
    metadata: Truth = Field(
        False, examples=[False],
        description="Optimize, refine: the result tells what the photo's file notes.",
    )  # fmt: skip
    name: Annotated[str, BeforeValidator(_name)] | None = Field(
        None, pattern=f"^{NAME}$", examples=["my_painting"],
        description="Train: of the new style; letters, digits, - and _.",
    )  # fmt: skip
    budget: Literal["minute", "ten", "hour"] = Field(
        "minute", description="Train: about how long it may take; ten are minutes.",
        examples=["minute"],
    )  # fmt: skip


FILES = {
    "photo": f"Optimize, refine: the photo: {TAKEN_WORDS}.",
    "painting": "A painting: in place of `style`, or to be learned.",
    "mask": "Optimize, refine: white where the style is painted, black where not.",
}
"""Fields that are files."""

_ALL = {*JobForm.model_fields, *FILES}
_OF_OPTIMIZATION = _ALL - {"name", "budget"}

USED: dict[str, set[str]] = {
    "optimize": _OF_OPTIMIZATION,
    "refine": _OF_OPTIMIZATION - {"init", "preset"},
    "train": {"kind", "painting", "name", "budget"},
}
"""Kind of job -> the fields that it has a use for."""


TOGETHER: dict[str, Any] = {
    "oneOf": [
        {
            "properties": {"kind": {"const": kind}, **{name: False for name in sorted(without)}},
            "required": sorted(needed),
        }
        for kind, needed, others in (
            ("optimize", {"photo", "style"}, {"painting"}),
            ("optimize", {"photo", "painting"}, {"style"}),
            ("refine", {"photo", "style"}, {"painting"}),
            ("refine", {"photo", "painting"}, {"style"}),
            ("train", {"painting", "name"}, set[str]()),
        )
        for without in [_ALL - USED[kind] | others]
    ]
}
"""What JSON Schema says of the whole: the fields that a kind takes, and those it needs."""


def check_job_form(form: JobForm, files: set[str]) -> None:
    """That fields and files go together.

    Raises:
        Refused: 422, one that is needed is missing, or there are two for one thing.
        InputError: one is of no use.
    """
    for field in sorted(form.model_fields_set | files):
        if field not in USED[form.kind]:
            raise InputError(f"{field} is of no use to a job of the kind {form.kind}")
    if form.kind == "train":
        if "painting" not in files:
            raise Refused(422, "the field painting is missing")
        if form.name is None:
            raise Refused(422, "the field name is missing")
        return
    check_photo_and_style(form.style, form.feather, files)
    if form.style is not None and "=" in form.style:
        raise InputError("a blend is painted in one pass: there is no painting to optimize for")


def painted_size(form: JobForm, photo: tuple[int, int]) -> int:
    """The long side at which a photo is optimized.

    Args:
        form: of the job.
        photo: its width and height.

    Raises:
        Refused: 413, these are too many pixels.
        InputError: the format can't hold the result.
    """
    size = form.size or max(16, min(max(photo), USUAL_SIDE))
    width, height = fitting(photo, size)
    if pixels_of(width, height) > MOST_PIXELS:
        raise Refused(
            413, f"{width}x{height} pixels are too many to be optimized: at most "
            f"{MOST_PIXELS / 1e6:g} million are. Give a smaller size; upsample brings it back",
        )  # fmt: skip
    check_writable(photo if form.upsample else (width, height), form.format)
    return size


class NewJob(BaseModel):
    """A job that has just begun to wait."""

    id: str = Field(description="Nobody can guess it: only who knows it can ask for the job.")
    url: str = Field(description="Where to ask for it.", examples=["/jobs/ZJ3wyAvTqRk"])


class JobLosses(BaseModel):
    """The weighted terms of the objective; ``total`` has the smoothness, too."""

    content: float
    style: float
    total: float


class JobState(BaseModel):
    """How far a job is."""

    id: str
    kind: Kind
    state: State
    place: int | None = Field(description="In the queue: 1 is next. Null once it has begun.")
    step: int = Field(ge=0, description="Steps that are done.")
    steps: int = Field(ge=0, description="Of so many.")
    progress: float = Field(ge=0, le=1)
    seconds_left: float | None = Field(description="About; null where that is not known.")
    curve: list[tuple[int, float]] = Field(
        description=f"Steps, and the objective at each; at most {POINTS} of them."
    )
    losses: JobLosses | None = Field(description="At the newest step.")
    preview: str | None = Field(description="Where the newest picture is.")
    result: str | None = Field(description="Where the finished picture is.")
    style: str | None = Field(description="Train: the name of the finished style.")
    error: str | None = Field(description="Why it failed, or has stopped by itself, in a sentence.")


def state_of(job: Job, jobs: Jobs) -> JobState:
    """A job as it is told."""
    where, losses, left = f"/jobs/{job.id}", job.losses, job.seconds_left
    return JobState(
        id=job.id,
        kind=job.kind,
        state=job.state,
        place=jobs.place_of(job),
        step=job.step,
        steps=job.steps,
        progress=min(1.0, job.step / job.steps),
        seconds_left=None if left is None else round(left, 1),
        curve=thinned(job.curve, POINTS),
        losses=None if losses is None else JobLosses(**losses),
        preview=None if job.preview is None else f"{where}/preview?v={job.version}",
        result=None if job.result is None else f"{where}/result",
        style=job.style,
        error=job.error,
    )


def thinned(curve: list[tuple[int, float]], most: int) -> list[tuple[int, float]]:
    """At most so many points of a curve, evenly spread; the first and the last are among them."""
    points = list(curve)  # its thread may add to it
    if len(points) <= most:
        return points
    return [points[round(i * (len(points) - 1) / (most - 1))] for i in range(most)]

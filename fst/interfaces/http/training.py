"""A job that trains: ``fst train`` in a process of its own, watched by what it writes."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from PIL import Image

import fst
from fst.errors import InputError
from fst.interfaces.http.errors import LOG
from fst.interfaces.http.job import Job, Shown
from fst.interfaces.http.job_form import JobForm
from fst.interfaces.http.pictures import fitting, read_picture, write_picture
from fst.interfaces.http.run_folder import newest_checkpoint, newest_preview, read_rows, runs_of
from fst.interfaces.http.service import Service
from fst.interfaces.http.training_plan import Trainings, words_of
from fst.interfaces.http.uploads import Form
from fst.system.files import atomic_file

PAINTING_SIDE = 2048
"""Pixels of the long side of a painting that is kept to be learned, at most."""

NICE = 3
"""By how much a training is nicer than a painting, which then gets two thirds of a processor that
both want."""

LOOK_SECONDS = 0.5
"""Between two looks at what a run has written."""

HURRY = 2.5
"""Seconds that a service which is to end waits for a training."""

PATIENCE = 60.0
"""Seconds after which a training that was stopped, and goes on, is ended at once."""

LOG_FILE = "training.log"


class Failed(InputError):
    """A training that ended on an error; its text is what it said."""


def train_painting(
    job: Job, service: Service, form: JobForm, sent: Form, places: Trainings
) -> bool:
    """Trains a net for the painting that was sent; False where it was stopped.

    Raises:
        FstError: it is no painting to learn from; what the training says.
    """
    upload, name = sent.files["painting"], form.name or ""
    image = read_picture(upload, "the painting", service.settings.max_pixels).image
    if max(image.size) > PAINTING_SIDE:
        image = image.resize(fitting(image.size, PAINTING_SIDE), Image.Resampling.BICUBIC)
    began = time.monotonic()
    places.paintings.mkdir(parents=True, exist_ok=True)
    path = places.paintings / f"{name}-{upload.digest[:12]}.png"
    with atomic_file(path) as temporary:
        temporary.write_bytes(write_picture(image, "png", 100))
    whole = train(job, places, words_of(places, path, name, form.budget), name)
    if whole:
        service.took[form.budget] = time.monotonic() - began
    return whole


def train(job: Job, places: Trainings, words: Sequence[str], name: str) -> bool:
    """Trains, and tells the job how far it is; False where it was stopped.

    A training that is stopped by who has asked for it becomes a style as far as it came; where the
    service ends, its checkpoint is kept, and ``fst train resume=…`` goes on with it.

    Raises:
        Failed: the training ended on an error.
    """
    before = runs_of(name, places.runs)
    run: Path | None = None
    for folder in (places.runs, places.checkpoints):
        folder.mkdir(parents=True, exist_ok=True)

    def look() -> None:
        nonlocal run
        if run is None:
            run = next(iter(runs_of(name, places.runs) - before), None)
        if run is not None:
            follow(job, run)

    status = supervise(job, words, look)
    look()
    if status == 0:
        job.style = name
        return True
    if not job.stop.is_set():
        raise Failed(last_words(job))
    step = None if run is None else newest_checkpoint(run)
    if step is None or job.closing.is_set():
        return False
    job.stop.clear()  # so that it can be stopped once more
    if job.closing.is_set():
        job.stop.set()
    status = supervise(job, [f"resume={run}", f"trainer.max_steps={step}"], lambda: None)
    if status == 0:
        job.style = name
    elif not job.stop.is_set():
        job.error = f"What was learned until step {step} makes no style: {last_words(job)}"
    return False


def supervise(job: Job, words: Sequence[str], look: Callable[[], None]) -> int | None:
    """Runs ``fst train`` to its end; its exit status, None where it is not waited for.

    Args:
        job: is asked whether to stop.
        words: the settings.
        look: called about twice a second.
    """
    # not the folder that the service was started in, where a file may be called like a library
    command = [sys.executable, "-P", "-m", "fst", "train", *words]
    package = str(Path(fst.__file__).resolve().parents[1])
    known = os.environ.get("PYTHONPATH")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, (package, known)))}
    with (job.folder / LOG_FILE).open("wb") as log:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment,
            start_new_session=True,
        )  # fmt: skip
    give_way(process.pid)
    try:
        while process.poll() is None:
            if job.stop.is_set():
                return end(process, job, look)
            job.stop.wait(LOOK_SECONDS)
            look()
        return process.returncode
    except BaseException:
        process.kill()
        raise


def end(process: "subprocess.Popen[bytes]", job: Job, look: Callable[[], None]) -> int | None:
    """Stops a training as ``Ctrl-C`` does, which takes it a step; its exit status.

    A service that is to end does not wait for a step that takes longer: the training, which has
    been told, ends by itself after it, and saves it. Then None.
    """
    # not SIGINT: what is started in the background by a shell ignores it
    process.terminate()
    began, again = time.monotonic(), False
    while process.poll() is None:
        waited = time.monotonic() - began
        if job.closing.is_set() and waited > HURRY:
            LOG.warning("a training, process %s, is about to end after its step", process.pid)
            threading.Thread(target=process.wait, daemon=True).start()  # nothing of it is left
            return None
        if waited > PATIENCE and not again:
            again = True
            process.terminate()  # at once
        elif waited > PATIENCE + HURRY:
            process.kill()
        try:
            process.wait(0.1)
        except subprocess.TimeoutExpired:
            look()
    return process.returncode


def give_way(process: int) -> None:
    """Lets paintings go first where both want the processor."""
    if hasattr(os, "setpriority"):
        with suppress(OSError):  # it has ended
            os.setpriority(os.PRIO_PROCESS, process, NICE)


def follow(job: Job, run: Path) -> None:
    """Tells a job what its run has written by now."""
    rows = read_rows(run)
    if rows:
        job.curve = [(row.step, row.losses["total"]) for row in rows]
        job.losses = rows[-1].losses
        if rows[-1].step != job.step:
            job.reach(rows[-1].step)
    newest = newest_preview(run)
    if newest is not None and newest[0] > job.version:
        with suppress(OSError):  # the next look finds it
            job.show(Shown(newest[1].read_bytes(), "image/png"), newest[0])


def last_words(job: Job) -> str:
    """What a training said at its end: its error, or that there is none to be told."""
    text = (job.folder / LOG_FILE).read_text(encoding="utf-8", errors="replace")
    for line in reversed(text.splitlines()):
        if line.startswith("error: data=auto found no photos"):
            return "there are no photos to train on: start the service with --photos FOLDER"
        if line.startswith("error: "):
            return line.removeprefix("error: ")
    LOG.error("a training has failed:\n%s", text[-4000:])
    return "the training failed; the service's log says why"

"""Trainings of the service: real processes on tiny nets, watched, stopped, and kept apart."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from support import encoded, make_photo
from tiny_runs import training_settings

pytest.importorskip("fastapi", reason="needs the extra web")
from fastapi.testclient import TestClient

from fst.errors import InputError
from fst.interfaces.arguments.train import known_keys
from fst.interfaces.http.app import make_app
from fst.interfaces.http.job import Job
from fst.interfaces.http.run_folder import newest_checkpoint, newest_preview, read_rows
from fst.interfaces.http.settings import ServiceSettings
from fst.interfaces.http.training import last_words
from fst.interfaces.http.training_plan import BUDGETS, steps_of, trainings_of, words_of
from fst.system import locks
from fst.training.words import hydras

PAINTING = encoded(make_photo(64, 48, seed=9))
TINY = (
    "net.arguments={width: 4, residual_blocks: 1}", "init=null", "data.size=32",
    "data.val_photos=2", "loss=slim", "style.size=48", "style.style_weight=3",
    "trainer.device=cpu",
)  # fmt: skip


Served = Callable[[ServiceSettings], TestClient]


@pytest.fixture
def settings(tmp_path: Path, photo_folder: Path) -> ServiceSettings:
    folder = tmp_path / "its folder, 100 %"
    folder.mkdir()
    return ServiceSettings(
        folder=folder, photos=photo_folder, device="cpu", precision="fp32", queue=2,
        training_words=(*TINY, "trainer.max_steps=3"),
    )  # fmt: skip


@pytest.fixture
def served(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Served:
    """Serves with these settings, without assets and without the network."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("FST_ASSETS", raising=False)
    return lambda settings: TestClient(make_app(settings), base_url="http://127.0.0.1")


@pytest.fixture
def client(settings: ServiceSettings, served: Served) -> Iterator[TestClient]:
    with served(settings) as client:
        yield client


def begin(client: TestClient, name: str = "mine", painting: bytes = PAINTING, **fields: str) -> Any:
    data = {"kind": "train", "name": name, **fields}
    return client.post("/jobs", data=data, files={"painting": ("../a.png", painting)})


def wait(client: TestClient, url: str, until: Callable[[Any], bool]) -> Any:
    for _ in range(1500):
        state = client.get(url).json()
        if until(state):
            return state
        assert state["state"] in ("queued", "running"), state
        time.sleep(0.05)
    raise AssertionError(state)


@pytest.mark.slow
def test_a_painting_becomes_a_style(client: TestClient, settings: ServiceSettings) -> None:
    answer = begin(client)
    assert answer.status_code == 202, answer.text
    url = answer.json()["url"]
    assert begin(client, "Mine").status_code == 400  # in training
    waiting = begin(client, "other").json()["url"]
    assert client.get(waiting).json()["place"] == 1
    assert client.delete(waiting).json()["state"] == "stopped"
    state = wait(client, url, lambda state: state["state"] == "done")
    assert (state["step"], state["steps"], state["style"]) == (3, 3, "mine")
    assert [step for step, _ in state["curve"]] == [1, 2, 3]
    assert state["losses"]["total"] == state["curve"][-1][1]
    preview = client.get(state["preview"])
    assert preview.headers["content-type"] == "image/png"
    assert Image.open(BytesIO(preview.content)).size == (2 * 32 + 3 * 4, 2 * 32 + 3 * 4)
    styles = {style["name"]: style for style in client.get("/styles").json()["styles"]}
    assert styles["mine"]["own"]
    photo = {"photo": ("a.png", encoded(make_photo(48, 40)))}
    painted = client.post("/stylize", data={"style": "mine"}, files=photo)
    assert Image.open(BytesIO(painted.content)).size == (48, 40)
    refused = begin(client)
    assert refused.status_code == 400
    assert "mine" in refused.json()["error"]
    small = begin(client, "mine_small")  # which the list would not show
    assert small.status_code == 400
    assert "mine_small" in small.json()["error"]
    took = client.get("/styles").json()["took"]
    assert list(took) == ["minute"]
    assert 0 < took["minute"] < 600
    made = {path.relative_to(settings.folder).parts[0] for path in settings.folder.rglob("*")}
    assert made == {"runs", "paintings", "checkpoints"}
    (kept,) = (settings.folder / "paintings").iterdir()
    with Image.open(kept) as image:
        assert image.size == (64, 48)
    # its painting is known, and what has judged it
    data = {"kind": "refine", "style": "mine", "iterations": "2"}
    refining = client.post("/jobs", data=data, files=photo).json()["url"]
    assert wait(client, refining, lambda state: state["state"] == "done")["step"] == 2


def endless(settings: ServiceSettings) -> ServiceSettings:
    words = (*TINY, "trainer.max_steps=100000", "trainer.log_every=1", "trainer.val_every=1000")
    return replace(settings, training_words=words)


def is_free(lock: Path) -> bool:
    """Whether no process holds it: the training has ended."""
    try:
        with locks.held(lock, "somebody trains"):
            return True
    except InputError:
        return False


@pytest.mark.slow
def test_what_a_stopped_training_has_learned_becomes_a_style(
    settings: ServiceSettings, served: Served
) -> None:
    with served(endless(settings)) as client:
        url = begin(client).json()["url"]
        state = wait(client, url, lambda state: state["seconds_left"])
        assert state["steps"] == 100000
        assert state["seconds_left"] > 1
        assert client.delete(url).status_code == 200
        state = wait(client, url, lambda state: state["state"] == "stopped")
        assert (state["style"], state["error"]) == ("mine", None)
        assert 1 < state["step"] < 100000
        assert "mine" in {style["name"] for style in client.get("/styles").json()["styles"]}


@pytest.mark.slow
def test_the_end_of_the_service_ends_a_training_and_keeps_its_checkpoint(
    settings: ServiceSettings, served: Served
) -> None:
    with served(endless(settings)) as client:
        url = begin(client).json()["url"]
        second = begin(client, "other").json()["url"]
        wait(client, url, lambda state: state["step"] > 2)
        (run,) = (settings.folder / "runs" / "mine").iterdir()
        before = read_rows(run)[-1].step
    while not is_free(run / "run.lock"):  # a long step is not waited for
        time.sleep(0.1)
    saved = newest_checkpoint(run)
    assert saved is not None
    assert saved >= before
    assert not (settings.folder / "checkpoints" / "mine.safetensors").exists()
    assert not (settings.folder / "runs" / "other").exists(), second


def test_a_training_that_can_not_be_says_why_without_a_path(
    settings: ServiceSettings, served: Served
) -> None:
    settings = replace(settings, training_words=("data.paths=/some/secret/place",))
    with served(settings) as client:
        url = begin(client).json()["url"]
        state = wait(client, url, lambda state: state["state"] == "failed")
        assert "data.path" in state["error"]
        assert "secret" not in state["error"]
        assert state["style"] is None


def test_without_photos_it_is_said_in_the_words_of_the_service(tmp_path: Path) -> None:
    job = Job("id", "train", "me", tmp_path, 1, threading.Event())
    (tmp_path / "training.log").write_text(
        "VGG-19 is not on this machine\nerror: data=auto found no photos: no folder 'train' here\n"
    )
    assert "--photos" in last_words(job)
    (tmp_path / "training.log").write_text("error: one thing\nstopped\n")
    assert last_words(job) == "one thing"
    (tmp_path / "training.log").write_text("Traceback\n  File x\nKeyError: 'secret'\n")
    assert "secret" not in last_words(job)


@pytest.mark.parametrize(
    "name", ["monet", "MONET", "base", "any", "", "-a", "a b", "../a", "a.b", "ä", "x" * 61]
)
def test_names_that_are_taken_or_none_are_refused(client: TestClient, name: str) -> None:
    answer = begin(client, name)
    assert answer.status_code in (400, 422)
    assert "name" in answer.json()["error"]


def test_what_is_no_painting_is_refused(client: TestClient, settings: ServiceSettings) -> None:
    assert begin(client, painting=b"<svg/>").status_code == 415
    assert begin(client, painting=PAINTING[:-100]).status_code == 400
    small = begin(client, painting=encoded(make_photo(64, 16)))
    assert small.status_code == 400
    assert "64x16" in small.json()["error"]
    assert list(settings.folder.iterdir()) == []


def test_who_does_not_train_says_so(settings: ServiceSettings, served: Served) -> None:
    with served(replace(settings, training=False)) as client:
        answer = begin(client)
        assert answer.status_code == 400
        assert "train" in answer.json()["error"]


def test_a_budget_is_settings_of_the_command(settings: ServiceSettings, tmp_path: Path) -> None:
    places = trainings_of(replace(settings, training_words=()))
    for budget in BUDGETS:
        words = words_of(places, tmp_path / "painting.png", "mine", budget)
        plain = {word.partition("=")[0]: word.partition("=")[2] for word in words}
        composed = training_settings(*hydras(words, known_keys(None)))
        assert composed["style"]["name"] == "mine"
        assert composed["style"]["image"] == str(tmp_path / "painting.png")
        assert composed["trainer"]["max_steps"] == int(plain["trainer.max_steps"])
        assert composed["runs"] == str(settings.folder.absolute() / "runs")
    steps = [steps_of(places, budget) for budget in BUDGETS]
    assert steps[0] == 100
    assert steps[2] == pytest.approx(6 * steps[1], abs=600)


def test_half_a_row_and_half_a_name_are_passed_over(tmp_path: Path) -> None:
    (tmp_path / "previews").mkdir()
    (tmp_path / "previews" / "step_000004.png").touch()
    (tmp_path / "previews" / "step_000032.png").touch()
    (tmp_path / "previews" / ".fst.tmp").touch()
    assert newest_preview(tmp_path) == (32, tmp_path / "previews" / "step_000032.png")
    assert read_rows(tmp_path) == []
    assert newest_checkpoint(tmp_path) is None
    head = "step,train/total,train/content,train/style,val/total"
    (tmp_path / "metrics.csv").write_text(
        f"{head}\n0,,,,9\n0,3,1,2,\n4,nan,nan,1,\n5,inf,inf,1,\n9,2,1,1,\n19,1.5,0."
    )
    rows = read_rows(tmp_path)
    assert [row.step for row in rows] == [1, 10]
    assert rows[0].losses == {"content": 1.0, "style": 2.0, "total": 3.0}

"""Jobs of the service: optimized, refined, stopped, queued, forgotten, and nobody else's."""

import errno
import shlex
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest
from documents import fences
from PIL import Image
from support import ROOT, encoded, make_photo
from tiny_any import save_any
from tiny_runs import save_style

import fst
from fst.interfaces.http import job_store

pytest.importorskip("fastapi", reason="needs the extra web")
from fastapi.testclient import TestClient

from fst.interfaces.http.app import make_app
from fst.interfaces.http.job_form import MOST_PIXELS, JobForm, thinned
from fst.interfaces.http.settings import ServiceSettings
from fst.optimization.presets import PRESETS

PHOTO = make_photo(48, 40)
PAINTING = make_photo(64, 48, seed=9)
ENDLESS = "5000"

Begin = Callable[..., Any]


@pytest.fixture
def settings(tmp_path: Path, offline: None) -> ServiceSettings:
    save_any(tmp_path / "checkpoints")
    return ServiceSettings(
        checkpoints=tmp_path / "checkpoints", folder=tmp_path, device="cpu", precision="fp32",
        queue=2, per_client=3,
    )  # fmt: skip


@pytest.fixture
def client(settings: ServiceSettings) -> Iterator[TestClient]:
    with TestClient(make_app(settings), base_url="http://127.0.0.1") as client:
        yield client


@pytest.fixture
def begin(client: TestClient) -> Begin:
    """Posts a job, with the photo and the painting unless others are given."""

    def call(kind: str = "optimize", files: dict[str, bytes] | None = None, **fields: str) -> Any:
        sent = {"photo": encoded(PHOTO), "painting": encoded(PAINTING)} if files is None else files
        parts = {name: (f"my {name}.png", content) for name, content in sent.items()}
        return client.post("/jobs", data={"kind": kind, **fields}, files=parts)

    return call


def wait(client: TestClient, url: str, until: Callable[[Any], bool]) -> Any:
    """What a job tells, once that is so."""
    for _ in range(2000):
        state = client.get(url).json()
        if until(state):
            return state
        time.sleep(0.01)
    raise AssertionError(state)


def ended(state: Any) -> bool:
    return state["state"] not in ("queued", "running")


def picture(content: bytes) -> Image.Image:
    return Image.open(BytesIO(content))


def test_an_optimization_comes_to_the_picture_that_python_gives(
    client: TestClient, begin: Begin
) -> None:
    answer = begin(iterations="6", strength="0.5")
    assert answer.status_code == 202
    url = answer.json()["url"]
    assert url == answer.headers["location"] == f"/jobs/{answer.json()['id']}"
    state = wait(client, url, ended)
    assert state["state"] == "done", state
    assert state["error"] is None
    assert (state["step"], state["steps"], state["progress"]) == (6, 6, 1.0)
    assert (state["place"], state["seconds_left"], state["style"]) == (None, None, None)
    assert [step for step, _ in state["curve"]] == list(range(7))
    assert state["curve"][-1][1] < state["curve"][0][1]
    assert state["losses"]["total"] == state["curve"][-1][1]
    result = client.get(state["result"])
    assert result.headers["content-type"] == "image/png"
    assert 'filename="my_photo-my_painting.png"' in result.headers["content-disposition"]
    slow = fst.load(PAINTING, method="optimize", weights="slim", iterations=6, device="cpu",
                    precision="fp32")  # fmt: skip
    assert np.array_equal(picture(result.content), slow(PHOTO, size=48, strength=0.5))
    preview = client.get(state["preview"])
    assert preview.headers["content-type"] == "image/jpeg"
    assert picture(preview.content).size == (48, 40)


def test_a_pass_is_refined(client: TestClient, begin: Begin) -> None:
    state = wait(client, begin("refine", iterations="3", format="jpeg").json()["url"], ended)
    assert state["state"] == "done", state
    assert state["step"] == 3
    result = client.get(state["result"])
    assert result.headers["content-type"] == "image/jpeg"
    assert picture(result.content).size == PHOTO.size


def test_an_optimization_can_begin_with_the_pass(client: TestClient, begin: Begin) -> None:
    options = {"iterations": "1", "size": "32"}
    state = wait(client, begin(init="pass", **options).json()["url"], ended)
    assert state["state"] == "done", state
    of_photo = wait(client, begin(init="photo", **options).json()["url"], ended)
    assert state["curve"][0][1] != of_photo["curve"][0][1]
    assert picture(client.get(state["result"]).content).size == (32, 27)


def test_what_was_painted_small_comes_back_to_its_size(client: TestClient, begin: Begin) -> None:
    options = {"iterations": "1", "size": "24", "upsample": "guided"}
    state = wait(client, begin(**options).json()["url"], ended)
    assert picture(client.get(state["result"]).content).size == PHOTO.size


def test_at_strength_zero_the_photo_comes_back(client: TestClient, begin: Begin) -> None:
    state = wait(client, begin(strength="0").json()["url"], ended)
    assert state["state"] == "done", state
    assert (state["progress"], state["curve"], state["losses"]) == (1.0, [], None)
    assert np.array_equal(picture(client.get(state["result"]).content), PHOTO)


def test_a_stopped_job_keeps_what_is_painted_and_is_then_forgotten(
    client: TestClient, begin: Begin, settings: ServiceSettings
) -> None:
    url = begin(iterations=ENDLESS).json()["url"]
    wait(client, url, lambda state: state["step"] >= 2 and state["preview"])
    assert client.get(f"{url}/result").status_code == 404
    running = client.get(url).json()
    assert running["state"] == "running"
    assert running["seconds_left"] > 0
    assert client.delete(url).status_code == 200
    state = wait(client, url, ended)
    assert state["state"] == "stopped"
    assert 2 <= state["step"] < 5000
    painted = picture(client.get(state["result"]).content)
    assert painted.size == PHOTO.size
    assert not np.array_equal(painted, PHOTO)
    folder = client.app.state.service.folder  # type: ignore[attr-defined]
    assert len(list(folder.glob("job-*"))) == 1
    assert client.delete(url).status_code == 204
    assert list(folder.glob("job-*")) == []
    for where in ("", "/preview", "/result"):
        assert client.get(f"{url}{where}").status_code == 404
    assert client.delete(url).status_code == 404


def test_jobs_wait_for_their_turn_and_not_too_many(client: TestClient, begin: Begin) -> None:
    first = begin(iterations=ENDLESS).json()["url"]
    wait(client, first, lambda state: state["state"] == "running")
    second, third = (begin(iterations="1").json()["url"] for _ in range(2))
    assert client.get(second).json()["state"] == "queued"
    assert client.get(second).json()["place"] == 1
    assert client.get(third).json()["place"] == 2
    refused = begin(iterations="1")
    assert refused.status_code == 429
    assert "stop it" in refused.json()["error"]
    client.delete(second)  # it has not begun
    state = client.get(second).json()
    assert (state["state"], state["result"]) == ("stopped", None)
    assert client.get(third).json()["place"] == 1
    client.delete(first)
    assert wait(client, third, ended)["state"] == "done"


def test_a_full_queue_says_when_to_come_again(tmp_path: Path) -> None:
    jobs = job_store.Jobs(lambda: tmp_path, places=1, per_client=9)
    jobs.add("optimize", "one", 1, lambda job: job.stop.wait(10))
    while jobs._unfinished()[0].state == "queued":
        time.sleep(0.01)
    jobs.add("optimize", "two", 1, lambda job: True)
    with pytest.raises(job_store.Refused) as refused:
        jobs.add("optimize", "three", 1, lambda job: True)
    assert refused.value.status == 503
    assert refused.value.headers == {"Retry-After": "60"}
    jobs.stop_all()
    jobs.join(time.monotonic() + 5)


def test_of_one_client_only_the_newest_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else who asks for many short ones fills the disk: their results stay for an hour."""
    monkeypatch.setattr(job_store, "MOST_KEPT", 2)
    jobs = job_store.Jobs(lambda: tmp_path, places=9, per_client=9)
    other = jobs.add("optimize", "two", 1, lambda job: True)
    made = [jobs.add("optimize", "one", 1, lambda job: True) for _ in range(4)]
    until = time.monotonic() + 10
    while jobs._unfinished():
        assert time.monotonic() < until
        time.sleep(0.01)
    assert {path.name for path in tmp_path.iterdir()} == {
        f"job-{job.id}" for job in (other, *made[2:])
    }
    with pytest.raises(job_store.Refused, match="no such job"):
        jobs.get(made[1].id)
    assert jobs.get(made[2].id) is made[2]
    jobs.stop_all()


def test_a_full_disk_is_a_sentence_of_a_job(tmp_path: Path) -> None:
    def full(job: Any) -> bool:
        raise OSError(errno.ENOSPC, "No space left on device", str(tmp_path))

    jobs = job_store.Jobs(lambda: tmp_path, places=1, per_client=9)
    job = jobs.add("optimize", "one", 1, full)
    while job.ended is None:
        time.sleep(0.01)
    assert job.state == "failed"
    assert job.error == "The service has no room left on its disk."
    jobs.stop_all()


def test_an_hour_after_its_end_a_job_is_forgotten(
    client: TestClient, begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = begin(iterations="1").json()["url"]
    wait(client, url, ended)
    later = time.monotonic() + job_store.KEPT_SECONDS + 1
    monkeypatch.setattr(job_store.time, "monotonic", lambda: later)
    assert client.get(url).status_code == 404
    assert list(client.app.state.service.folder.glob("job-*")) == []  # type: ignore[attr-defined]


def test_what_nobody_asks_about_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the jobs of a page that was closed keep the others waiting."""
    now = [1000.0]
    monkeypatch.setattr(job_store.time, "monotonic", lambda: now[0])
    jobs = job_store.Jobs(lambda: tmp_path, places=9, per_client=9)

    def work(job: Any) -> bool:
        assert job.stop.wait(20)
        return False

    running, waiting, asked = (jobs.add("refine", "one", 1, work) for _ in range(3))
    training = jobs.add("train", "one", 1, work)
    while running.state == "queued" or training.state == "queued":
        time.sleep(0.01)
    now[0] += job_store.UNASKED_SECONDS - 1
    jobs.stop_unasked()
    assert not running.stop.is_set()
    jobs.get(asked.id)
    now[0] += 2
    jobs.stop_unasked()
    while running.ended is None or asked.state == "queued":
        time.sleep(0.01)
    assert (running.state, waiting.state) == ("stopped", "stopped")
    assert running.error is not None
    assert "120 seconds" in running.error
    assert (asked.state, training.state) == ("running", "running")
    now[0] += job_store.UNASKED_SECONDS
    jobs.stop_unasked()
    while asked.ended is None:
        time.sleep(0.01)
    assert not training.stop.is_set()
    jobs.stop_all()
    monkeypatch.undo()
    jobs.join(time.monotonic() + 5)


def test_a_closed_page_stops_its_job(
    client: TestClient, begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_store, "LOOKED_EVERY", 0.02)
    monkeypatch.setattr(job_store, "UNASKED_SECONDS", 0.5)
    url = begin(iterations=ENDLESS).json()["url"]
    wait(client, url, lambda state: state["step"] >= 1)
    jobs = client.app.state.service.jobs  # type: ignore[attr-defined]
    while jobs._unfinished():
        time.sleep(0.01)
    state = client.get(url).json()
    assert state["state"] == "stopped"
    assert state["error"]
    assert picture(client.get(state["result"]).content).size == PHOTO.size


def test_who_does_not_know_the_id_sees_nothing(client: TestClient, begin: Begin) -> None:
    url = begin(iterations="1").json()["url"]
    assert len(url) > len("/jobs/") + 30
    for other in ("/jobs/" + "A" * 32, url[:-1], "/jobs/..%2f..", "/jobs/job-x"):
        assert client.get(other).status_code == 404
        assert client.delete(other).status_code in (404, 405)
    assert client.get("/jobs").status_code == 405


def test_two_clients_get_their_own_pictures(client: TestClient, begin: Begin) -> None:
    other = make_photo(48, 40, seed=3)
    files = {"photo": encoded(other), "painting": encoded(PAINTING)}
    mine, theirs = begin(strength="0"), begin(strength="0", files=files)
    for answer, photo in ((mine, PHOTO), (theirs, other)):
        state = wait(client, answer.json()["url"], ended)
        assert np.array_equal(picture(client.get(state["result"]).content), photo)


WRONG: list[tuple[dict[str, str], int, str]] = [
    ({"kind": "dream"}, 400, "kind"),
    ({"kind": "refine", "init": "noise"}, 400, "init"),
    ({"kind": "optimize", "name": "mine"}, 400, "name"),
    ({"kind": "optimize", "iterations": "0"}, 400, "iterations"),
    ({"kind": "optimize", "iterations": "many"}, 400, "iterations"),
    ({"kind": "optimize", "strength": "2"}, 400, "strength"),
    ({"kind": "optimize", "feather": "0.1"}, 400, "mask"),
    ({"kind": "optimize", "metadata": "on"}, 400, "true or false"),
    ({"kind": "optimize", "size": "4000"}, 413, "smaller size"),
    ({"kind": "optimize", "style": "monet"}, 422, "not both"),
    ({"kind": "optimize", "url": "file:///etc/passwd"}, 422, "url"),
    ({"kind": "train", "name": "mine"}, 400, "photo"),
]


@pytest.mark.parametrize(("fields", "status", "fact"), WRONG)
def test_a_wrong_value_is_a_sentence(
    begin: Begin, fields: dict[str, str], status: int, fact: str
) -> None:
    answer = begin(**fields)
    assert answer.status_code == status, answer.text
    assert fact in answer.json()["error"]
    assert answer.json()["error"].endswith(".")


def test_what_is_missing_or_damaged_is_a_sentence(client: TestClient, begin: Begin) -> None:
    photo, painting = encoded(PHOTO), encoded(PAINTING)
    assert begin(files={"painting": painting}).status_code == 422
    assert begin(files={"photo": photo}).status_code == 422
    assert begin(files={"photo": photo}, style="monet").status_code == 404
    assert begin(files={"photo": photo}, style="a=1,b=1").status_code == 400
    assert begin(files={"photo": b"%PDF-1.7", "painting": painting}).status_code == 415
    damaged = begin(files={"photo": photo[:-200], "painting": painting})
    assert damaged.status_code == 400
    assert "photo" in damaged.json()["error"]
    assert client.get("/health").json()["status"] == "ok"


def test_a_job_that_fails_says_why_without_a_path(
    client: TestClient, begin: Begin, tmp_path: Path
) -> None:
    flat = encoded(Image.new("RGB", (64, 48), "white"))
    answer = begin(files={"photo": encoded(PHOTO), "painting": flat}, iterations="2")
    state = wait(client, answer.json()["url"], ended)
    assert state["state"] == "failed"
    assert state["error"].endswith(".")
    assert str(tmp_path) not in state["error"]
    assert state["result"] is None


def test_at_the_end_of_the_service_jobs_end_soon(settings: ServiceSettings) -> None:
    with TestClient(make_app(settings), base_url="http://127.0.0.1") as client:
        files = {"photo": ("a.png", encoded(PHOTO)), "painting": ("b.png", encoded(PAINTING))}
        fields = {"kind": "optimize", "iterations": ENDLESS}
        running, waiting = (client.post("/jobs", data=fields, files=files) for _ in range(2))
        wait(client, running.json()["url"], lambda state: state["step"] > 1)
        service = client.app.state.service  # type: ignore[attr-defined]
        service.stop()
        assert client.get(waiting.json()["url"]).json()["state"] == "stopped"
        refused = client.post("/jobs", data=fields, files=files)
        assert refused.status_code == 503
        assert "retry-after" in refused.headers
        assert wait(client, running.json()["url"], ended)["state"] == "stopped"
    assert not service.folder.exists()


def test_a_pass_does_not_wait_for_an_optimization(client: TestClient, begin: Begin) -> None:
    url = begin(iterations=ENDLESS).json()["url"]
    wait(client, url, lambda state: state["step"] > 1)
    files = {"photo": ("a.png", encoded(PHOTO)), "painting": ("b.png", encoded(PAINTING))}
    assert client.post("/stylize", files=files).status_code == 200
    assert client.get(url).json()["state"] == "running"
    client.delete(url)


def test_the_documented_requests_are_taken(settings: ServiceSettings, tmp_path: Path) -> None:
    (fence,) = (one for one in fences(ROOT / "docs" / "service.md") if one.language == "curl")
    save_style(tmp_path / "checkpoints" / "monet.safetensors", 0)
    settings = replace(settings, training_words=("nothing=1",))  # no process that trains
    pictures = {"photo": encoded(PHOTO), "painting": encoded(PAINTING)}
    with TestClient(make_app(settings), base_url="http://127.0.0.1") as client:
        for line in fence.text.splitlines():
            words = shlex.split(line)
            sent = dict(word.split("=", 1) for word in words if "=" in word)
            files = {name: (file, pictures[name]) for name, file in sent.items() if "@" in file}
            data = {name: value for name, value in sent.items() if name not in files}
            answer = client.post(urlsplit(words[-1]).path, data=data, files=files)
            assert answer.status_code == 202, f"{line}: {answer.text}"
            client.delete(answer.json()["url"])


def test_an_address_names_all_its_methods(client: TestClient) -> None:
    answer = client.patch("/jobs/anything")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "DELETE, GET"


def test_a_curve_is_thinned_but_for_its_ends() -> None:
    curve = [(step, 1.0 / (step + 1)) for step in range(1001)]
    thin = thinned(curve, 200)
    assert len(thin) == 200
    assert (thin[0], thin[-1]) == (curve[0], curve[-1])
    assert thin == sorted(set(thin))
    assert thinned(curve[:5], 200) == curve[:5]


def test_more_pixels_than_can_be_optimized_are_told_before_the_work(begin: Begin) -> None:
    answer = begin(size="1600")
    assert answer.status_code == 413
    assert f"{MOST_PIXELS / 1e6:g} million" in answer.json()["error"]


def test_a_result_that_somebody_has_cleaned_up_is_a_sentence(
    client: TestClient, begin: Begin
) -> None:
    url = begin(iterations="1").json()["url"]
    wait(client, url, ended)
    assert client.get(f"{url}/result").status_code == 200
    shutil.rmtree(client.app.state.service.folder)  # type: ignore[attr-defined]
    gone = client.get(f"{url}/result")
    assert gone.status_code == 404
    assert "no longer" in gone.json()["error"]
    again = begin(iterations="1")  # the next one has a folder
    assert wait(client, again.json()["url"], ended)["state"] == "done"


def test_a_job_takes_every_preset() -> None:
    described = JobForm.model_json_schema()["properties"]["preset"]["anyOf"][0]["enum"]
    assert described == list(PRESETS)

"""The service's own schema, fuzzed: no answer that it does not describe, and none of 5xx."""

from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as pace
from hypothesis.strategies import SearchStrategy
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from services import LOCAL, settings
from starlette.testclient import TestClient

from fst.interfaces.http.app import make_app

CHECKS: list[Any] = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    negative_data_rejection,
]


@pytest.mark.parametrize("mode", list(GenerationMode))
def test_every_answer_is_one_of_the_schemas(shelf_folder: Path, mode: GenerationMode) -> None:
    app = make_app(settings(shelf_folder, per_client=100, queue=100, max_pixels=100_000))
    schema = schemathesis.openapi.from_asgi("/openapi.json", app, headers={"Host": "localhost"})
    with TestClient(app, base_url=LOCAL):
        for found in schema.get_all_operations():
            operation = found.ok()
            if mode is GenerationMode.NEGATIVE and not operation.body:
                continue  # nothing to be wrong about
            fuzz(operation.as_strategy(generation_mode=mode))


def fuzz(cases: SearchStrategy[Any]) -> None:
    @pace(
        max_examples=12,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=cases)
    def call(case: Any) -> None:
        case.call_and_validate(base_url=LOCAL, checks=CHECKS)

    call()


def test_every_field_is_described(client: TestClient) -> None:
    found = client.get("/openapi.json").json()
    fields = 0
    for path, methods in found["paths"].items():
        for method, about in methods.items():
            where = f"{method} {path}"
            assert about["summary"], where
            assert about["description"], where
            assert {"400", "401", "403"} <= set(about["responses"]), where
            for status, answer in about["responses"].items():
                assert answer["description"], where
                if status[0] in "45":
                    (content,) = answer["content"].values()
                    assert content["schema"]["required"] == ["error"], where
            for body in about.get("requestBody", {}).get("content", {}).values():
                for name, field in body["schema"]["properties"].items():
                    fields += 1
                    assert field["description"], f"{where}: {name}"
                    known = {"enum", "anyOf", "const", "format", "minimum", "maxLength", "type"}
                    assert known & set(field), f"{where}: {name}"
                    assert field.get("format") == "binary" or field["examples"], f"{where}: {name}"
    assert fields >= 17


def test_the_page_of_the_api_names_all_of_it(client: TestClient) -> None:
    page = client.get("/docs")
    assert page.headers["content-type"].startswith("text/html")
    for word in ("POST /stylize", "GET /styles", "GET /health", "GET /metrics", "preserve_color",
                 "luma | lab | histogram", "number, 0 to 1", "503"):  # fmt: skip
        assert word in page.text
    assert "<script" not in page.text
    assert "style=" not in page.text
    assert "http://" not in page.text
    assert "https://" not in page.text


def test_health_and_metrics(client: TestClient) -> None:
    health = client.get("/health").json()
    assert (health["status"], health["queue"]) == ("ok", 0)
    client.get("/nosuch")
    client.get("/styles/nosuch/thumbnail")
    text = client.get("/metrics").text
    for line in (
        'fst_requests_total{method="GET",route="/health",status="200"} 1.0',
        'fst_requests_total{method="GET",route="other",status="404"} 1.0',
        'fst_requests_total{method="GET",route="/styles/{name}/thumbnail",status="404"} 1.0',
        'fst_request_seconds_count{route="/health"} 1.0',
        "fst_queue_length 0.0",
        "fst_paintings_in_work 0.0",
    ):
        assert line in text
    assert "process_resident_memory_bytes" in text

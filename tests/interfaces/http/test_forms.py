"""What is said of a value that can't be: what it has to be, in words of the service."""

import re

import pytest
from services import photo
from starlette.testclient import TestClient

CASES = [
    ("/stylize", {"preview": "x"}, "preview", "a whole number from 16 to 4096"),
    ("/stylize", {"preview": "9999"}, "preview", "a whole number from 16 to 4096"),
    ("/stylize", {"strength": "2"}, "strength", "a number from 0 to 1"),
    ("/stylize", {"margin": "3"}, "margin", "a multiple of 4"),
    ("/stylize", {"stroke_size": "huge"}, "stroke_size", "small, medium or large, or a whole"),
    ("/stylize", {"seamless": "x"}, "seamless", "true or false"),
    ("/stylize", {"format": "gif"}, "format", "png, jpeg, webp or tiff"),
    ("/stylize", {"style": ""}, "style", "1 to 1000 characters"),
    ("/stylize", {"style": "dawn=0,dusk=0"}, "shares", "add up to 0"),
    ("/jobs", {"kind": "train", "name": "my style"}, "name", "letters"),
    ("/jobs", {"kind": "train", "name": "-a"}, "name", "begin"),
    ("/jobs", {"kind": "train", "name": "a" * 61}, "name", "60"),
    ("/jobs", {"kind": "dream"}, "kind", "optimize, refine or train"),
    ("/jobs", {"kind": "optimize", "iterations": "1.5"}, "iterations", "a whole number from 1 to"),
]


@pytest.mark.parametrize(("path", "fields", "name", "fact"), CASES)
def test_it_is_said_what_a_value_has_to_be(
    client: TestClient, path: str, fields: dict[str, str], name: str, fact: str
) -> None:
    sent = {"style": "dawn", **fields} if path == "/stylize" else fields
    answer = client.post(path, data=sent, files={"photo": ("a.png", photo())})
    assert answer.status_code == 400
    said = answer.json()["error"]
    assert name in said
    assert fact in said
    assert not re.search("parse|valid|pattern|should|input", said)


def test_a_value_of_an_address_is_explained_as_well(client: TestClient) -> None:
    answer = client.get("/jobs/x/preview?v=y")
    assert (answer.status_code, answer.json()) == (
        400, {"error": "v must be a whole number, not 'y'."}
    )  # fmt: skip
    assert "100 characters" in client.get(f"/jobs/{'x' * 101}").json()["error"]

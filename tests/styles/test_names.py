"""fst.styles.names: what is a name, and what a path."""

from pathlib import Path

import pytest

from fst.styles.names import file_called, is_path, listed


@pytest.mark.parametrize("text", ["a.jpg", "A.PNG", "a/b", "./a", "/a", "a b.webp", "a.tar/b"])
def test_a_path_has_a_slash_or_a_suffix(text: str) -> None:
    assert is_path(text)


@pytest.mark.parametrize("text", ["monet", "the scream", "v1.2", "jpg", "", "müller"])
def test_a_name_has_neither(text: str) -> None:
    assert not is_path(text)


def test_a_picture_of_that_name_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert file_called("my") is None
    Path("my.png").touch()
    assert file_called("my") == Path("my.png")


@pytest.mark.parametrize(
    ("text", "entries"),
    [
        ("[monet,poppies]", ["monet", "poppies"]),
        ("[ monet , my boat.jpg ]", ["monet", "my boat.jpg"]),
        ("['a,b.jpg',\"it's.png\"]", ["a,b.jpg", "it's.png"]),
        ("[monet]", ["monet"]),
        ("[a,,b]", ["a", "", "b"]),
        ("[]", []),
        ("monet", None),
        ("[a].jpg", None),
        ("", None),
    ],
)
def test_a_list_has_entries(text: str, entries: list[str] | None) -> None:
    assert listed(text) == entries

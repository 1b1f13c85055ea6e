"""Whatever lies in a folder and whatever is typed: ``fst stylize`` loses no file.

Random trees of photos, masks, results, iterates and links, and random commands on them. What may
change is said here by names alone, not by what the program plans.
"""

import os
import re
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from quick_stylize import RECORD, Negative, call, make_quick
from support import encoded, make_photo

from fst.errors import FstError
from fst.image.io import save_image
from fst.image.record import read_record

PNG, JPEG, GIF = (encoded(make_photo(9, 7), kind) for kind in ("PNG", "JPEG", "GIF"))
with tempfile.TemporaryDirectory() as _place:
    # what an earlier time of one of the commands has left
    _result = Path(_place, "a.png")
    save_image(_result, torch.zeros(1, 3, 7, 9), record=RECORD)
    PAINTED = _result.read_bytes()
FOLDERS = ("", "in/", "in/x/", "out/")
NAMES = (
    *("a.png", "b.jpg", "c.gif", "a-m.png", "a-m-m.png", "b-m.jpg", "c-m.png", "a-n.png"),
    *("a-m-n.png", "a-m.interrupted-00002.png", "a-m-2.png", "mask.png", "p.png", "note.txt"),
    *("a-m.png.iterates/00002.png", "a-m.png.iterates/mine.txt", "b-m.jpg.iterates"),
)
PLACES = [f"{folder}{name}" for folder in FOLDERS for name in NAMES]
LINKS = ["in/up", "in/x/out", "out/in", "out/a-m.png", "in/b.jpg", "lost.png", "a-m.png", "l.png"]
FILES = ["a.png", "in/b.jpg", "in/c.gif", "in/a.png", "in/x/../a.png", "l.png", "p.png", "a-m.png"]
PLACES_OF_MANY = ["in", "out", ".", "in/x", "in/up", "a-m.png.iterates"]
FOLDERS_OF_RESULTS = ["in", "in/", "in/x", "out", "out/", ".", "new/deep/", "in/up", "new.png/"]
RESULTS = [
    *(None, "a.png", "a-m.png", "mask.png", "p.png", "new.png", "in/../a.png", "out/in/a.png"),
    *("in/a-m.png", "note.txt", "a.gif", "l.png", "hard.png"),
]
BASE = {"a.png": PNG, "in/a.png": PNG, "in/b.jpg": JPEG, "in/c.gif": GIF, "mask.png": PNG,
        "p.png": JPEG, "in/x/d.png": PNG}  # fmt: skip
CONTENT = st.sampled_from([PNG, PNG, PAINTED, JPEG, GIF, b"", b"of somebody", PNG[:60]])
TREES = st.fixed_dictionaries({
    "files": st.dictionaries(st.sampled_from(PLACES), CONTENT, max_size=9),
    "links": st.dictionaries(
        st.sampled_from(LINKS),
        st.sampled_from(["in", "out", "..", ".", "a.png", "in/a.png", "mask.png", "nowhere"]),
        max_size=3,
    ),
    "hard": st.lists(st.sampled_from(["out/a-m.png", "a-m.png", "hard.png"]), max_size=1),
})  # fmt: skip
COMMANDS = st.fixed_dictionaries({
    "what": st.one_of(
        st.tuples(
            st.lists(st.sampled_from(FILES), min_size=1, max_size=1),
            st.sampled_from([*RESULTS, *FOLDERS_OF_RESULTS]),
        ),
        st.tuples(
            st.lists(st.sampled_from([*PLACES_OF_MANY, *FILES]), min_size=1, max_size=3),
            st.sampled_from(FOLDERS_OF_RESULTS),
        ),
    ),
    "styles": st.sampled_from([["m"], ["m"], ["m", "n"], ["p.png"]]),
    "mask": st.sampled_from([None, None, "mask.png", "l.png"]),
    "overwrite": st.booleans(),
    "every": st.sampled_from([None, None, "1", "2"]),
    "stops": st.sampled_from([None, None, None, 0, 3]),
})  # fmt: skip


def grow(files: dict[str, bytes], links: dict[str, str], hard: list[str]) -> None:
    """Makes a tree in the current folder, as far as one entry is not in the way of another."""
    for name, content in (BASE | files).items():
        with suppress(OSError):
            Path(name).parent.mkdir(parents=True, exist_ok=True)
            Path(name).write_bytes(content)
    for name, to in links.items():
        if to == ".." and "/" not in name:  # out of the tree, among other tests' folders
            continue
        with suppress(OSError):
            Path(name).parent.mkdir(parents=True, exist_ok=True)
            Path(name).symlink_to(Path(to).absolute() if "." not in to[:2] else to)
    for name in hard:
        with suppress(OSError):
            os.link("a.png", name)


def words(
    inputs: list[str], output: str | None, styles: list[str], mask: str | None, overwrite: bool,
    every: str | None,
) -> list[str]:  # fmt: skip
    """What is typed."""
    said = [*inputs, *(["--output", output] if output else [])]
    for style in styles:
        said += ["--style", style]
    masks = [mask or "mask.png"] * len(styles) if mask or len(styles) > 1 else []
    for one in masks:
        said += ["--mask", one]
    said += ["--save-every", every] if every else []
    return [*said, *(["--overwrite"] if overwrite else [])]


def snapshot() -> dict[str, bytes | str]:
    """Every entry of the tree: a file's bytes, where a link leads, or that it is a folder."""
    found: dict[str, bytes | str] = {}
    for place, folders, files in os.walk("."):
        for name in (*folders, *files):
            path = Path(place, name)
            if path.is_symlink():
                found[path.as_posix()] = f"link to {os.readlink(path)}"
            else:
                found[path.as_posix()] = "folder" if path.is_dir() else path.read_bytes()
    return found


def is_named(path: str, output: str | None) -> bool:
    """Whether --overwrite names it: the output itself, a result by its name, an iterate."""
    result = re.search(r"-(m|m-n|p)\.(png|jpg)$", path)
    iterate = re.search(r"-(m|m-n|p)\.(png|jpg)\.iterates/(style2-)?\d{5}\.(png|jpg)$", path)
    if result or iterate or output is None:
        return bool(result or iterate)
    folder, name = os.path.split(output)
    alone = Path(os.path.realpath(folder), name)
    return (
        Path(path).absolute() == alone or Path(f"{alone}.iterates") == Path(path).absolute().parent
    )


def is_photo(path: str, inputs: list[str], output: str | None) -> bool:
    """Whether it is a photo of a folder that was given: no result, nor in their folder."""
    if not path.endswith((".png", ".jpg", ".gif")) or not os.path.isfile(path):
        return False
    above = Path(path).absolute().parents
    folders = [Path(os.path.realpath(name)) for name in inputs if os.path.isdir(name)]
    results = Path(os.path.realpath(output or ""))
    hidden = any(".iterates" in part or "interrupted" in part for part in Path(path).parts)
    return (
        any(
            folder in above and not (results in above and folder in results.parents)
            for folder in folders
        )
        and not hidden
        and not Path(path).is_symlink()
        and read_record(path) is None
    )


@pytest.fixture(scope="module", autouse=True)
def _quick(tmp_path_factory: pytest.TempPathFactory) -> object:
    with pytest.MonkeyPatch.context() as patch:
        make_quick(patch)
        yield


TREE = {
    "files": {"a.png": PNG, "a-m.png": b"of somebody", "mask.png": PNG},
    "links": {},
    "hard": [],
}
COMMAND = {"what": (["a.png"], None), "styles": ["m"], "mask": None, "overwrite": False,
           "every": None, "stops": None}  # fmt: skip


@given(TREES, COMMANDS)
@example(TREE, COMMAND)
@example(TREE, {**COMMAND, "what": (["a.png"], "mask.png"), "mask": "mask.png", "overwrite": True})
@example({**TREE, "links": {"in": "."}}, {**COMMAND, "what": (["."], ".")})
@settings(
    deadline=None,
    max_examples=120,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@pytest.mark.filterwarnings("ignore::fst.errors.FstWarning")
def test_no_file_is_lost(
    tmp_path_factory: pytest.TempPathFactory, tree: dict, command: dict
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("tree"))
        grow(**tree)
        command = dict(command)
        command["inputs"], command["output"] = command.pop("what")
        patch.setattr(Negative, "stops", command.pop("stops"))
        _check(lambda: call(*words(**command)), **command)


def _check(
    run: Callable[[], int], inputs: list[str], output: str | None, styles: list[str],
    mask: str | None, overwrite: bool, every: str | None,
) -> None:  # fmt: skip
    before = snapshot()
    read = [*inputs, "p.png" if "p.png" in styles else "", mask or "mask.png"]
    used = {os.path.realpath(path) for path in read if os.path.isfile(path)}
    if not mask and len(styles) == 1:
        used.discard(os.path.realpath("mask.png"))
    same = {os.stat(path).st_ino for path in used}
    kept = {path for path in before if os.path.isfile(path) and os.stat(path).st_ino in same}
    kept |= {path for path in before if is_photo(path, inputs, output)}
    try:
        status = run()
    except FstError:
        assert snapshot() == before  # refused before the work
        return
    after = snapshot()
    changed = [path for path, content in before.items() if after.get(path) != content]
    assert [path for path in changed if path in kept] == []
    assert [path for path in changed if not (overwrite and is_named(path, output))] == []
    assert [path for path in after if Path(path).name.startswith(".")] == []
    assert status in (0, 1, 130)
    new = [path for path in after if path not in before and after[path] != "folder"]
    assert [path for path in new if not is_named(path, output) and "interrupted" not in path] == []

"""fst.inference.targets: which file goes where; nothing is replaced that was not meant to be."""

import os
from pathlib import Path

import pytest
import torch
from support import make_photo

from fst.errors import InputError
from fst.image.io import save_image
from fst.inference import targets
from fst.inference.targets import Job, unfinished


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Paths are relative to the test's own folder."""
    monkeypatch.chdir(tmp_path)


def photo(path: str | Path) -> Path:
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    make_photo(24, 20).save(path)
    return path


def plan(
    inputs: list[Path], output: str | Path | None, others: list[Path] | None = None
) -> list[Job]:
    return targets.plan(inputs, output, "monet", others or []).jobs


def pairs(jobs: list[Job]) -> dict[str, str]:
    return {str(job.source): str(job.target) for job in jobs}


# --- names ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "expected"),
    [("me.jpg", "me-monet.jpg"), ("a.b.PNG", "a.b-monet.PNG"), ("scan.bmp", "scan-monet.png")],
)
def test_a_single_photo_is_painted_beside_itself(name: str, expected: str) -> None:
    source = photo(Path("holiday", name))
    assert plan([source], None) == [Job(source, Path("holiday", expected))]


@pytest.mark.parametrize("output", ["painted.png", "there/painted.webp", "new/painted.tif"])
def test_a_single_photo_goes_to_the_file_that_is_named(output: str) -> None:
    source = photo("me.jpg")
    Path("there").mkdir()
    assert plan([source], output) == [Job(source, Path(output))]


@pytest.mark.parametrize("output", ["new/out", "new/out/", "out.png/", "there", "v1.0.png"])
def test_a_single_photo_goes_into_the_folder_that_is_named(output: str) -> None:
    """A folder that is there, what has no suffix, and what ends in a slash."""
    source = photo("me.jpg")
    for folder in ("there", "v1.0.png"):
        Path(folder).mkdir()
    assert plan([source], output) == [Job(source, Path(output, "me-monet.jpg"))]


def test_nothing_is_made_before_the_work() -> None:
    photo("in/a.png")
    before = sorted(Path().rglob("*"))
    plan([Path("in")], "new/out")
    assert sorted(Path().rglob("*")) == before


def test_several_photos_go_into_a_folder() -> None:
    jobs = plan([photo("a.jpg"), photo("b.png"), photo("c/d.webp")], "out")
    assert pairs(jobs) == {
        "a.jpg": "out/a-monet.jpg",
        "b.png": "out/b-monet.png",
        "c/d.webp": "out/d-monet.webp",
    }


def test_a_folders_structure_is_kept() -> None:
    for name in ("in/a.jpg", "in/x/a.jpg", "in/x/y/b.PNG"):
        photo(name)
    Path("in/x/notes.txt").write_text("no photo")
    assert pairs(plan([Path("in")], "out")) == {
        "in/a.jpg": "out/a-monet.jpg",
        "in/x/a.jpg": "out/x/a-monet.jpg",
        "in/x/y/b.PNG": "out/x/y/b-monet.PNG",
    }


def test_photos_and_folders_can_be_mixed() -> None:
    photo("in/a.jpg")
    jobs = plan([Path("in"), photo("b.jpg")], "out")
    assert pairs(jobs) == {"in/a.jpg": "out/a-monet.jpg", "b.jpg": "out/b-monet.jpg"}


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["a.png", "a.gif"], ["a-monet.png", "a.gif-monet.png"]),
        (["a.png", "a.bmp", "a.gif"], ["a-monet.png", "a.bmp-monet.png", "a.gif-monet.png"]),
        (["a.bmp", "a.gif"], ["a.bmp-monet.png", "a.gif-monet.png"]),
        (["a.jpg", "a.gif"], ["a-monet.jpg", "a-monet.png"]),
        (["x/a.png", "a.gif"], ["x/a-monet.png", "a-monet.png"]),
        (["x/b.c.png", "x/b.c.gif"], ["x/b.c-monet.png", "x/b.c.gif-monet.png"]),
    ],
)
def test_photos_of_one_name_and_several_kinds_have_a_picture_each(
    names: list[str], expected: list[str]
) -> None:
    for name in names:
        photo(Path("in", name))
    assert pairs(plan([Path("in")], "out")) == {
        f"in/{name}": f"out/{target}" for name, target in zip(names, expected, strict=True)
    }


@pytest.mark.parametrize("style", ["../../up", "a/b", "a\\b", "tab\tnew\nline", "/"])
def test_a_styles_name_does_not_lead_elsewhere(style: str) -> None:
    """A checkpoint says its own name, and may come from anywhere."""
    (job,) = targets.plan([photo("in/me.png")], "out/", style).jobs
    assert job.target.parent == Path("out")
    assert job.target.name.startswith("me-")
    assert not set(job.target.name) & set("/\\\t\n")


# --- results that lie beside photos --------------------------------------------------------------


RECORD = {"format": 1, "program": "fst", "styles": [{"name": "monet"}], "settings": {}}


def painted(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    save_image(path, torch.zeros(1, 3, 8, 8), record=RECORD)


@pytest.mark.parametrize("by_name", [False, True])
@pytest.mark.parametrize("output", ["in", "in/"])
def test_a_folder_is_painted_into_itself_and_its_results_are_no_photos(
    output: str, by_name: bool
) -> None:
    """They say that they are results; with --no-record their names do."""
    for name in ("in/a.png", "in/x/b.gif"):
        photo(name)
    jobs = plan([Path("in")], output)
    assert pairs(jobs) == {"in/a.png": "in/a-monet.png", "in/x/b.gif": "in/x/b-monet.png"}
    for job in jobs:
        (photo if by_name else painted)(job.target)
    again = targets.plan([Path("in")], output, "monet", by_name=by_name)
    assert again.jobs == jobs
    assert any("results of before: 2" in note for note in again.notes)
    assert unfinished(again.jobs, lambda job: None) == []


def test_a_photo_that_is_called_like_a_result_is_not_replaced_by_it() -> None:
    """Not even with --overwrite: it is one of the photos of the folder."""
    photo("in/a.png")
    photo("in/a-monet.png")
    with pytest.raises(InputError, match=r"in/a-monet\.png would be replaced"):
        plan([Path("in")], "in")


def test_results_inside_the_photos_folder_are_not_painted_again() -> None:
    photo("in/a.png")
    first = plan([Path("in")], "in/out")
    photo(first[0].target)
    photo("in/out/another-starry_night.png")
    again = targets.plan([Path("in")], "in/out", "monet")
    assert again.jobs == first
    assert any("2 in in/out" in note for note in again.notes)


def test_an_output_above_the_photos_does_not_hide_them() -> None:
    photo("in/a.png")
    assert pairs(plan([Path("in")], ".")) == {"in/a.png": "a-monet.png"}


def test_a_painting_that_is_given_itself_is_painted() -> None:
    photo("a.png")
    jobs = plan([photo("a-monet.png")], None)
    assert pairs(jobs) == {"a-monet.png": "a-monet-monet.png"}


# --- inputs are never replaced -------------------------------------------------------------------


@pytest.mark.parametrize("names", [("x/a.jpg", "y/a.jpg"), ("x/a.bmp", "y/a.bmp")])
def test_two_photos_for_one_file_are_refused(names: tuple[str, str]) -> None:
    with pytest.raises(InputError, match=r"out/a(\.bmp)?-monet\.(jpg|png)") as caught:
        plan([photo(name) for name in names], "out")
    assert all(fact in str(caught.value) for fact in (*names, "--output"))


def test_two_photos_for_one_file_through_links_are_refused() -> None:
    Path("out/x").mkdir(parents=True)
    Path("out/y").symlink_to("x")
    photo("in/x/a.png")
    photo("in/y/a.png")
    with pytest.raises(InputError, match="would both be written"):
        plan([Path("in")], "out")


@pytest.mark.parametrize("name", ["A.jpg", "ä.jpg", "a\u0308.jpg"])
def test_two_photos_for_one_file_where_case_is_ignored_are_refused(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on most disks of macOS and Windows."""
    other = "a.jpg" if name == "A.jpg" else "Ä.jpg"
    inputs = [photo(f"x/{name}"), photo(f"y/{other}")]
    assert len(plan(inputs, "out")) == 2
    monkeypatch.setattr(targets, "ignores_case", lambda folder: True)
    with pytest.raises(InputError, match="would both be written"):
        plan(inputs, "out")


def link(how: str, to: Path) -> str:
    """Another name of a file."""
    if how == "symlink":
        Path("other.png").symlink_to(to.resolve())
    elif how == "hard link":
        os.link(to, "other.png")
    elif how == "through a folder":
        Path("folder").symlink_to(to.parent.resolve())
        return f"folder/{to.name}"
    elif how == "with dots":
        Path("there").mkdir()
        return f"there/../{to}"
    elif how == "absolute":
        return str(to.resolve())
    else:
        return str(to)
    return "other.png"


NAMES = ["itself", "symlink", "hard link", "through a folder", "with dots", "absolute"]


@pytest.mark.parametrize("how", NAMES)
@pytest.mark.parametrize("which", ["photo", "mask", "painting"])
def test_no_result_goes_into_a_file_that_is_read(which: str, how: str) -> None:
    """Whatever it is called; --overwrite or not."""
    files = {name: photo(f"here/{name}.png") for name in ("photo", "mask", "painting")}
    output = link(how, files[which])
    with pytest.raises(InputError, match="would be replaced") as caught:
        plan([files["photo"]], output, [files["mask"], files["painting"]])
    assert output in str(caught.value)
    assert "--output" in str(caught.value)


@pytest.mark.parametrize(
    ("inputs", "output"),
    [
        (["a.jpg", "a-monet.jpg"], "."),
        (["in/a.jpg", "out/a-monet.jpg"], "out"),
        (["in", "out/x/b-monet.jpg"], "out"),
        (["in", "out/x/b-monet.jpg"], "linked/../out"),
    ],
)
def test_no_result_goes_into_another_photo(inputs: list[str], output: str) -> None:
    for name in ("a.jpg", "a-monet.jpg", "in/a.jpg", "in/x/b.jpg", "out/x/b-monet.jpg"):
        photo(name)
    photo("out/a-monet.jpg")
    Path("linked").symlink_to("in")
    with pytest.raises(InputError, match="would be replaced"):
        plan([Path(name) for name in inputs], output)


# --- mistakes, found before the work -------------------------------------------------------------


@pytest.mark.parametrize("inputs", [["a.jpg", "b.jpg"], ["in"]])
def test_several_photos_need_a_folder(inputs: list[str]) -> None:
    for name in ("a.jpg", "b.jpg", "in/c.jpg"):
        photo(name)
    with pytest.raises(InputError, match="--output"):
        plan([Path(name) for name in inputs], None)


def test_an_output_that_no_picture_can_have_is_refused() -> None:
    with pytest.raises(InputError, match=r"me\.mp4.*\.png"):
        plan([photo("me.jpg")], "me.mp4")


def test_several_pictures_need_a_folder_not_a_pictures_name() -> None:
    inputs = [photo("a.jpg"), photo("b.jpg")]
    with pytest.raises(InputError, match=r"me\.jpg can't hold several"):
        plan(inputs, "me.jpg")
    assert len(plan(inputs, "me.jpg/")) == 2
    Path("me.jpg").mkdir()  # a folder of that name will do
    assert len(plan(inputs, "me.jpg")) == 2


@pytest.mark.parametrize("output", ["out", "out/deep", "out/", "out/me.png"])
def test_a_file_in_the_way_of_the_folder_is_found(output: str) -> None:
    Path("out").write_text("not a folder")
    with pytest.raises(InputError, match="out is not a folder"):
        plan([photo("a.jpg")], output if output != "out" else "out/")


def test_a_folder_in_the_way_of_a_file_is_found() -> None:
    Path("out/a-monet.jpg").mkdir(parents=True)
    with pytest.raises(InputError, match=r"out/a-monet\.jpg is a folder"):
        plan([photo("a.jpg"), photo("b.jpg")], "out")


def test_an_empty_name_is_not_the_current_folder() -> None:
    """As a variable of the shell is that was never set."""
    photo("a.jpg")
    for inputs, output in (([""], "out"), (["a.jpg"], "")):
        with pytest.raises(InputError, match="empty name"):
            targets.plan(inputs, output, "monet")


def test_a_name_that_is_too_long_for_any_file_is_found() -> None:
    with pytest.raises(InputError, match="too long"):
        targets.plan([photo("a.jpg")], "m" * 300, "monet")


# --- what is there -------------------------------------------------------------------------------


def put(kind: str, path: Path) -> None:
    if kind == "file":
        path.write_bytes(b"of somebody")
    elif kind == "empty file":
        path.touch()
    elif kind == "write-protected file":
        path.write_bytes(b"of somebody")
        path.chmod(0o444)
    elif kind == "link to a file":
        Path("elsewhere").write_bytes(b"of somebody")
        path.symlink_to(Path("elsewhere").resolve())
    elif kind == "link that leads nowhere":
        path.symlink_to("nowhere")
    else:
        os.mkfifo(path)


KINDS = ["file", "empty file", "write-protected file", "link to a file", "link that leads nowhere"]


@pytest.mark.parametrize("kind", [*KINDS, "pipe"])
@pytest.mark.parametrize("output", [None, "out/b-monet.jpg", "out/"])
def test_what_is_there_is_not_replaced(kind: str, output: str | None) -> None:
    source = photo("out/b.jpg" if output is None else "b.jpg")
    Path("out").mkdir(exist_ok=True)
    put(kind, Path("out/b-monet.jpg"))
    jobs = plan([source], output)
    with pytest.raises(InputError, match=r"out/b-monet\.jpg is there already.*--overwrite"):
        unfinished(jobs)


def test_of_several_that_are_there_one_is_named_and_the_others_counted() -> None:
    jobs = plan([photo(f"{letter}.png") for letter in "abcd"], "out/")
    for letter in "bcd":
        photo(f"out/{letter}-monet.png")
    message = r"out/b-monet\.png is there already, and 2 more.*--overwrite"
    with pytest.raises(InputError, match=message):
        unfinished(jobs)


def test_what_is_done_is_not_done_again_and_what_is_another_s_is_refused() -> None:
    jobs = plan([photo(f"{letter}.png") for letter in "abc"], "out/")
    assert unfinished(jobs) == jobs
    for letter in "ab":
        photo(f"out/{letter}-monet.png")
    assert unfinished(jobs, lambda job: None) == jobs[2:]
    with pytest.raises(InputError, match=r"out/b-monet\.png is there already \(another\)"):
        unfinished(jobs, lambda job: None if job.source.name == "a.png" else "another")


@pytest.mark.parametrize("kind", KINDS)
def test_files_and_links_are_replaced_where_that_is_asked_for(kind: str) -> None:
    (job,) = plan([photo("b.jpg")], None)
    put(kind, job.target)
    if kind == "write-protected file":
        with pytest.raises(InputError, match="write-protected"):
            unfinished([job], overwrite=True)
    else:
        assert unfinished([job], overwrite=True) == [job]


def test_what_is_no_file_is_not_replaced_whatever_is_asked_for() -> None:
    (job,) = plan([photo("b.jpg")], None)
    put("pipe", job.target)
    with pytest.raises(InputError, match=r"b-monet\.jpg is no file"):
        unfinished([job], overwrite=True)


@pytest.mark.parametrize("how", ["for all, root too", "for us"])
def test_write_protection_holds(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the tests may write everything, being run by root."""
    (job,) = plan([photo("b.jpg")], None)
    photo(job.target)
    if how == "for us":
        monkeypatch.setattr(os, "access", lambda path, mode: False)
    else:
        monkeypatch.setattr(os, "access", lambda path, mode: True)
        job.target.chmod(0o444)
    with pytest.raises(InputError, match=r"b-monet\.jpg is write-protected"):
        unfinished([job], overwrite=True)

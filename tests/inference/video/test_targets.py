"""Which clips are painted, and where they go."""

from pathlib import Path

import pytest
from support import make_photo

from fst.errors import InputError
from fst.inference.targets import Job, Plan
from fst.inference.video import targets as targets_of_clips
from fst.inference.video.targets import (
    has_sound,
    is_of_frames,
    plan_clips,
    unfinished_clips,
)


@pytest.fixture(autouse=True)
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for folder in ("clips", "frames", "empty", "painted"):
        (tmp_path / folder).mkdir()
    for name in ("a.mp4", "b.AVI", "clips/c.mov", "clips/d.webm", "clips/notes.txt"):
        (tmp_path / name).write_bytes(name.encode())
    for number in range(3):
        make_photo().save(tmp_path / "frames" / f"f_{number:03d}.png")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def targets(plan: Plan) -> dict[str, str]:
    return {str(job.source): str(job.target) for job in plan.jobs}


def test_beside_the_clip_with_a_suffix_that_is_written() -> None:
    assert targets(plan_clips(["a.mp4"], None, "monet")) == {"a.mp4": "a-monet.mp4"}
    assert targets(plan_clips(["b.AVI"], None, "monet")) == {"b.AVI": "b-monet.mp4"}
    assert targets(plan_clips(["clips/c.mov"], None, "m/x")) == {"clips/c.mov": "clips/c-m_x.mov"}


def test_to_a_file_or_a_folder() -> None:
    assert targets(plan_clips(["a.mp4"], "new.webm", "m")) == {"a.mp4": "new.webm"}
    assert targets(plan_clips(["a.mp4"], "painted", "m")) == {"a.mp4": "painted/a-m.mp4"}
    assert targets(plan_clips(["a.mp4"], "new/", "m")) == {"a.mp4": "new/a-m.mp4"}
    assert targets(plan_clips(["a.mp4"], "new/%05d.png", "m")) == {"a.mp4": "new/%05d.png"}


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".gif", ".png", ".webp"])
def test_one_file_whose_name_looks_like_a_pattern_becomes_one_file(suffix: str) -> None:
    Path(clip := f"clip%04d{suffix}").write_bytes(b"x")
    (job,) = plan_clips([clip], None, "m").jobs
    assert job.target.suffix == suffix
    assert not is_of_frames(job.target)
    assert job.target.parent == Path()


def test_a_folder_of_frames_with_a_dot_in_its_name_becomes_a_folder() -> None:
    Path("frames").rename("shot.v2")
    (job,) = plan_clips(["shot.v2"], None, "my.style").jobs
    assert job.target == Path("shot_v2-my_style")
    assert is_of_frames(job.target)


def test_percents_that_are_no_pattern_may_be_in_names() -> None:
    for name in ("100%sure.png", "a%20b.png", "50%.gif", "a%%d.png"):
        assert targets(plan_clips(["a.mp4"], name, "m")) == {"a.mp4": name}


def animation(path: str) -> None:
    first, *others = [make_photo(16, 16, seed) for seed in range(3)]
    first.save(path, save_all=True, append_images=others)


def test_each_animation_of_a_folder_is_a_clip() -> None:
    Path("moving").mkdir()
    for name in ("moving/a_1.gif", "moving/a_2.webp", "moving/a_3.png"):
        animation(name)
    Path("moving/notes.txt").write_text("not a clip")
    plan = plan_clips(["moving"], "new", "m")
    assert targets(plan) == {
        "moving/a_1.gif": "new/a_1-m.gif",
        "moving/a_2.webp": "new/a_2-m.webp",
        "moving/a_3.png": "new/a_3-m.png",
    }
    assert plan.notes == []
    with pytest.raises(InputError, match="--output"):
        plan_clips(["moving"], None, "m")


def test_gifs_that_stand_still_are_frames() -> None:
    Path("still").mkdir()
    for number in range(3):
        make_photo().save(f"still/f_{number}.gif")
    assert targets(plan_clips(["still"], None, "m")) == {"still": "still-m"}


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["f_000.png", "f_001.png"], ["2 videos", "2 still pictures", "clips/f_%03d.png"]),
        (["cover.jpg"], ["2 videos", "1 still picture (cover.jpg)", "clips/*.mov"]),
        (["a.gif"], ["2 videos (c.mov, …) and 1 animation (a.gif)"]),
        (["a.gif", "b.jpg"], ["2 videos", "1 animation (a.gif)", "1 still picture (b.jpg)"]),
    ],
)
def test_a_mixture_is_refused_and_told(more: list[str], said: list[str]) -> None:
    for name in more:
        if name.endswith(".gif"):
            animation(f"clips/{name}")
        else:
            make_photo().save(f"clips/{name}")
    with pytest.raises(InputError) as caught:
        plan_clips(["clips"], "new", "m")
    for one in said:
        assert one in str(caught.value)
    assert "\n" not in str(caught.value)


def test_only_videos_have_sound() -> None:
    for name in ("a.mp4", "a.MKV", "clip%04d.webm"):
        assert has_sound(Path(name))
    for name in ("a.gif", "a.webp", "a.png", "frames", "frames/%04d.png"):
        assert not has_sound(Path(name))


def test_several_go_into_a_folder_and_each_is_painted_once() -> None:
    several = plan_clips(["a.mp4", "clips", "./a.mp4", "b.AVI"], "new", "m")
    assert targets(several) == {
        "a.mp4": "new/a-m.mp4",
        "clips/c.mov": "new/c-m.mov",
        "clips/d.webm": "new/d-m.webm",
        "b.AVI": "new/b-m.mp4",
    }
    with pytest.raises(InputError, match="--output"):
        plan_clips(["clips"], None, "m")
    with pytest.raises(InputError, match=r"new\.mp4.*several"):
        plan_clips(["clips"], "new.mp4", "m")


def test_a_percent_in_a_name_is_no_pattern() -> None:
    for name in ("50%.mp4", "a%20b.mp4"):
        Path(name).write_bytes(b"x")
        stem = name.removesuffix(".mp4")
        assert targets(plan_clips([name], None, "m")) == {name: f"{stem}-m.mp4"}
        assert targets(plan_clips(["a.mp4"], f"to-{name}", "m")) == {"a.mp4": f"to-{name}"}
    Path("%d.mp4").write_bytes(b"x")  # a file of that very name
    assert targets(plan_clips(["%d.mp4"], "new.mp4", "m")) == {"%d.mp4": "new.mp4"}


def test_a_kind_that_is_not_written_makes_room_for_one_that_is() -> None:
    Path("a.avi").write_bytes(b"x")
    assert targets(plan_clips(["a.avi", "a.mp4"], "new", "m")) == {
        "a.avi": "new/a.avi-m.mp4",
        "a.mp4": "new/a-m.mp4",
    }


def test_a_folder_of_pictures_is_a_clip() -> None:
    assert targets(plan_clips(["frames"], None, "m")) == {"frames": "frames-m"}
    assert targets(plan_clips(["frames/"], "new.mp4", "m")) == {"frames": "new.mp4"}
    (job,) = plan_clips(["frames/f_%03d.png"], None, "m").jobs
    assert job.target == Path.cwd() / "f-m"


@pytest.mark.parametrize(
    ("inputs", "output", "said"),
    [
        ([""], None, "empty name"),
        (["a.mp4"], "", "empty name"),
        (["-"], None, "piped"),
        (["a.mp4"], "-", "piped"),
        (["nowhere.mp4"], None, "nowhere.mp4: no such file"),
        (["nowhere/%d.png"], None, "no such file"),
        (["empty"], None, "no clips"),
        (["a.mp4"], "a.mp4", "would be replaced"),
        (["a.mp4"], "./a.mp4", "would be replaced"),
        (["a.mp4"], "mask.png", "would be replaced"),
        (["a.mp4"], "out.xyz", "out.xyz"),
        (["a.mp4"], "a.mp4/out.mp4", "a.mp4"),
        (["a.mp4"], "frames/%03d.png", None),
        (["frames"], "frames/%03d.png", "read by this command"),
        (["frames/f_%03d.png"], "frames/new_%03d.png", "read by this command"),
        (["a.mp4"], "fr%03d.png", r"folder of their own: --output NAME/fr%03d\.png"),
        (["a.mp4"], "./fr%03d.png", "folder of their own"),
        (["a.mp4"], "clips/%s.png", "no pattern of numbers"),
        (["a.mp4"], "clips/%04d", "no pattern of numbers"),
        (["frames/%s.png"], None, "no pattern of numbers.*%04d"),
        (["frames/%5d.png"], None, "no pattern of numbers"),
        (["a.mp4", "a.mp4"], "x" * 300 + "/", "can't write"),
    ],
)
def test_what_can_not_be(inputs: list[str], output: str | None, said: str | None) -> None:
    make_photo().save("mask.png")
    if said is None:
        plan_clips(inputs, output, "m", [Path("mask.png")])
        return
    with pytest.raises(InputError, match=said):
        plan_clips(inputs, output, "m", [Path("mask.png")])


def test_what_is_there_is_neither_painted_twice_nor_replaced() -> None:
    jobs = plan_clips(["clips"], "painted", "m").jobs
    Path("painted/c-m.mov").write_bytes(b"mine")
    assert unfinished_clips(jobs, lambda job: None, False) == [jobs[1]]
    with pytest.raises(InputError, match=r"c-m\.mov is there already \(of another\)"):
        unfinished_clips(jobs, lambda job: "of another", False)
    assert unfinished_clips(jobs, lambda job: "of another", True) == jobs


@pytest.mark.parametrize("output", ["there/%03d.png", "frames-m"])
def test_a_folder_of_frames_is_never_replaced(output: str) -> None:
    (job,) = plan_clips(["frames"], "there/%03d.png" if "%" in output else None, "m").jobs
    assert unfinished_clips([job], lambda job: "", False) == [job]
    place = Path(output).parent if "%" in output else Path(output)
    place.mkdir()
    assert unfinished_clips([job], lambda job: "", False) == [job]  # an empty one is nobody's
    (place / "mine.png").write_bytes(b"mine")
    asked: list[Job] = []
    assert unfinished_clips([job], lambda job: asked.append(job), True) == []
    assert asked[0].target == place
    for overwrite in (False, True):
        with pytest.raises(InputError, match="frames is not replaced: give another --output"):
            unfinished_clips([job], lambda job: "foreign", overwrite)


def test_a_result_among_clips_is_no_clip(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        targets_of_clips, "read_clip_record", lambda path: {} if path.stem == "c" else None
    )
    plan = plan_clips(["clips"], "new", "m")
    assert targets(plan) == {"clips/d.webm": "new/d-m.webm"}
    assert plan.notes == ["passed over in clips, being results of before: 1"]
    monkeypatch.setattr(targets_of_clips, "read_clip_record", lambda path: {})
    with pytest.raises(InputError, match="only clips that are painted"):
        plan_clips(["clips"], "new", "m")

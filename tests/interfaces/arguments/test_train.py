"""fst.interfaces.arguments.train: flags and settings, and what is misspelled."""

import argparse
from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf
from support import ROOT

from fst.errors import InputError
from fst.interfaces.arguments import train

CONFIGS = ROOT / "configs"


def read(*words: str) -> argparse.Namespace:
    return train.parser().parse_args(list(words))


def refused(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    with pytest.raises(SystemExit) as end:
        read(*words)
    output, errors = capsys.readouterr()
    assert (end.value.code, output, errors.count("\n")) == (2, "", 1)
    return errors


def test_settings_and_hydras_flags_are_passed_on_and_ours_is_not() -> None:
    options = read("style=monet", "--user", "loss=slim", "-m", "--cfg", "job", "+style.more=1")
    assert options.user
    assert options.words == ["style=monet", "loss=slim", "-m", "--cfg", "job", "+style.more=1"]
    assert not read("style=monet").user


@pytest.mark.parametrize("words", [[], ["loss=slim"], ["--cfg", "job"]])
def test_without_a_style_it_names_them(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    errors = refused(capsys, *words)
    for path in (CONFIGS / "style").glob("[!_]*.yaml"):
        assert path.stem in errors
    assert "style=my.jpg" in errors


@pytest.mark.parametrize(
    "words",
    [
        ["style=my.jpg"],
        ["style=photos/Gemälde (1).JPG"],
        ["style='a b.png'"],
        ["style.image=my.jpg"],
        ["resume=auto"],
        ["resume=runs/monet/20260101-000000"],
        ["resume=runs/monet/20260101-000000/resume/step=10.ckpt", "trainer.max_steps=9"],
    ],
)
def test_a_painting_or_a_run_is_enough(words: list[str]) -> None:
    assert read(*words).words == words


@pytest.mark.parametrize("words", [["resume=null"], ["-m", "resume=auto"], ["-m", "style.image=a"]])
def test_a_style_is_needed_where_none_follows(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert "which style?" in refused(capsys, *words)


def test_a_painting_of_that_name_in_the_folder_is_suggested(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "my.jpg").touch()
    monkeypatch.chdir(tmp_path)
    assert "style=my.jpg" in refused(capsys, "style=my")
    assert "did you mean the_scream?" in refused(capsys, "style=the_skream")


@pytest.mark.parametrize(
    ("word", "near"),
    [
        ("styel.size=3", "style.size"),
        ("data.batch_siz=1", "data.batch_size"),
        ("trainer.maxsteps=1", "trainer.max_steps"),
        ("learning_rat=1", "learning_rate"),
    ],
)
def test_a_misspelled_setting_is_told_with_the_one_that_was_meant(
    word: str, near: str, capsys: pytest.CaptureFixture[str]
) -> None:
    errors = refused(capsys, "style=monet", word)
    assert repr(word.partition("=")[0]) in errors
    assert near in errors


@pytest.mark.parametrize(
    ("word", "got", "allowed"),
    [
        ("style=monnet", "'monnet'", "great_wave, monet"),
        ("style=vermeer", "'vermeer'", "style=my.jpg"),
        ("style=monet,vermeer", "'vermeer'", "starry_night"),
        ("style=[monet,vermeer]", "'vermeer'", "starry_night"),
        ("style=[monet,any]", "style=any", "training of its own"),
        ("loss=fat", "'fat'", "gatys, hybrid, patches, slim"),
        ("data=cocoa", "'cocoa'", "auto, coco, folder, sample"),
    ],
)
def test_a_choice_that_there_is_not_is_told_with_those_there_are(
    word: str, got: str, allowed: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [word] if word.startswith("style=") else ["style=monet", word]
    errors = refused(capsys, *words)
    assert got in errors
    assert allowed in errors


@pytest.mark.parametrize(
    "words",
    [
        ["-m", "style=monet,poppies"],
        ["-m", "style=glob(*)"],
        ["-m", "style=choice(monet,poppies)"],
        ["style=monet", "experiment=null"],
        ["style=[monet, poppies]"],
        ["style=[monet,photos/my.jpg,'a b.png']", "style.name=both"],
        ["style=any", "paintings.path=paintings"],
        ["style=monet", "runs=/some/where", "style.image=a b=c.jpg"],
        ["style=monet", "loss.style_layers.relu1_1=2"],
    ],
)
def test_what_hydra_understands_is_left_to_it(words: list[str]) -> None:
    assert read(*words).words == words


def test_other_mistakes(capsys: pytest.CaptureFixture[str]) -> None:
    assert "'loss'" in refused(capsys, "style=monet", "loss")
    assert "--fast" in refused(capsys, "style=monet", "--fast")
    assert "jobs" in refused(capsys, "style=monet", "--cfg", "jobs")


def test_every_setting_there_is_is_known() -> None:
    """What Hydra composes from every file of every group, key by key."""
    known = train.known_keys()
    with initialize_config_dir(str(CONFIGS), version_base="1.3"):
        for path in CONFIGS.glob("*/*.yaml"):
            if path.stem.startswith("_"):
                continue
            words = ["style=monet", f"{path.parent.name}={path.stem}"]
            plain = OmegaConf.to_container(compose("train", words))
            for key in keys(plain):
                assert key in known, key


def keys(content: object, prefix: str = "") -> list[str]:
    if not isinstance(content, dict):
        return []
    found = []
    for key, value in content.items():
        found += [f"{prefix}{key}", *keys(value, f"{prefix}{key}.")]
    return found


def test_settings_of_hydra_itself_and_of_other_folders_are_left_to_hydra(tmp_path: Path) -> None:
    read("style=monet", "hydra/launcher=joblib", "hydra.launcher.n_jobs=2", "~logger.csv")
    (tmp_path / "experiment").mkdir()
    (tmp_path / "experiment" / "mine.yaml").write_text("# @package _global_\nmy: {own: 2}\n")
    (tmp_path / "broken.yaml").write_bytes(b"caf\xe9: [1")  # said when it is read
    read("style=monet", "--config-dir", str(tmp_path), "experiment=mine", "my.own=1")


def test_beside_a_folder_of_the_users_own_what_is_mistyped_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "style").mkdir()
    (tmp_path / "style" / "mine.yaml").write_text("name: mine\nimage: my.jpg\n")
    folder = ["--config-dir", str(tmp_path)]
    read(*folder, "style=mine", "style.size=64")
    assert "did you mean mine?" in refused(capsys, *folder, "style=mien")
    assert "learning_rate?" in refused(capsys, *folder, "style=mine", "lerning_rate=1")


def test_a_setting_that_is_typed_as_a_flag_is_told_as_a_setting(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert "did you mean overwrite=true?" in refused(capsys, "style=monet", "--overwrite")
    assert "did you mean seed=3?" in refused(capsys, "style=monet", "--seed=3")
    assert "--multirun" in refused(capsys, "style=monet", "--multirn")


@pytest.mark.parametrize(
    ("words", "flag", "meant"),
    [
        (["--overwrite", "init=base"], "--overwrite", ["overwrite=true"]),
        (["--overwrite", "--compile", "seed=1"], "--overwrite", ["overwrite=true"]),
        (["--max-steps", "20"], "--max-steps", ["trainer.max_steps=20"]),
        (["--max_steps=20", "seed=1"], "--max_steps=20", ["trainer.max_steps=20"]),
        (["--batch-size", "seed=1"], "--batch-size", ["data.batch_size=VALUE"]),
        (["--size=64"], "--size=64", ["data.size=64", "style.size=64"]),
    ],
)
def test_the_flag_that_there_is_not_is_blamed_and_not_what_follows(
    words: list[str], flag: str, meant: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    errors = refused(capsys, "style=monet", *words)
    assert f"arguments: {flag}: did you mean {' or '.join(meant)}?" in errors
    assert "seed" not in errors
    assert "init" not in errors


@pytest.mark.parametrize(
    ("settings", "fact"),
    [
        ({"lerning_rate": 1}, "'lerning_rate': did you mean learning_rate"),
        ({"style": {"name": "a", "siez": 64}}, "'style.siez': did you mean style.size"),
        ({"trainer": {"max_step": 4}}, "trainer.max_steps"),
        ({"data": {"_target_": "fst.data.module.PhotoDataModule", "pth": "a"}}, "data.path"),
    ],
)
def test_a_file_of_settings_with_a_mistyped_one_is_refused(
    settings: dict[str, object], fact: str
) -> None:
    with pytest.raises(InputError, match="no setting") as caught:
        train.check_keys(settings, [], "")
    assert fact in str(caught.value)


def test_what_is_added_or_referred_to_may_have_any_name() -> None:
    content = {"strokes": 64, "more": 1, "style": {"size": 64, "mine": 2}}
    train.check_keys(content, ["more", "style.mine"], "style:\n  size: ${strokes}\n")
    train.check_keys({"data": {"_target_": "mine.Photos", "any": 1}, "logger": {"x": 1}}, [], "")


def test_help_of_a_group_that_is_not_there_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    errors = refused(capsys, "--help", "nosuch")
    assert "'nosuch'" in errors
    assert all(group in errors for group in ("style", "loss", "data", "trainer"))

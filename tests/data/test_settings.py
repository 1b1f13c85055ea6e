"""fst.data.settings: every setting refuses what it can't be, in one line, before any photo."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from support import ROOT

from fst.data.module import PhotoDataModule
from fst.data.settings import PhotoSettings
from fst.errors import InputError

WRONG: dict[str, tuple[Any, ...]] = {
    "source": ("cloud", "", None, 5, True, ["folder"], {"a": 1}),
    "path": (5, True, ["photos"], {"a": 1}),
    "size": ("big", "64", 2.5, True, None, -1, 0, 15, [64], float("nan")),
    "batch_size": (2.5, "4", True, None, 0, -4, [4]),
    "val_path": (5, False, ["photos"]),
    "val_photos": ("many", 2.5, True, None, 0, -1),
    "max_photos": ("all", 2.5, True, 0, -1, [5]),
    "min_scale": ("half", None, True, 0, -0.5, 1.5, float("nan"), float("inf"), [0.5]),
    "num_workers": ("auto", 2.5, True, None, -1),
    "cache": (5, True, ["cache"]),
    "device_cache": ("perhaps", "gpu", "true", None, 2, -1, 0.5, []),
    "shuffle_buffer": ("large", 2.5, True, None, 0, -1),
    "seed": ("abc", 2.5, True, None, "5"),
    "split": ("", None, 5, True, ["train"]),
    "streaming": ("yes", 1, 0, None),
    "column": ("", None, 5, True),
    "sizes": ("x", 64, True, {"a": 1}, [8], [32, "large"], [32, 15], [32.0], [None], [True]),
}


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, values in WRONG.items() for value in values]
)
def test_a_wrong_value_is_one_line_that_names_the_setting_and_what_was_given(
    name: str, value: Any, tmp_path: Path
) -> None:
    named = {"source": "folder", "path": str(tmp_path / "nowhere"), name: value}
    with pytest.raises(InputError) as caught:
        PhotoDataModule(**named)  # opens no photo: the folder is not there
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith(f"data.{name} must be ")
    wrong = value[-1] if name == "sizes" and isinstance(value, list) else value
    said = {"None": "null", "True": "true", "False": "false"}.get(repr(wrong), repr(wrong))
    assert message.endswith(f", not {said}")


def test_every_setting_is_tried_above() -> None:
    assert set(WRONG) == set(PhotoSettings.__dataclass_fields__)


@pytest.mark.parametrize("source", ["folder", "hub", "auto"])
@pytest.mark.parametrize("path", [None, ""])
def test_photos_without_a_name_say_how_to_name_them(source: str, path: str | None) -> None:
    with pytest.raises(InputError, match=r"data\.path"):
        PhotoSettings(source, path)


def test_what_can_be_used_is_taken_as_it_is() -> None:
    assert PhotoSettings("folder", Path("a") / "b").path == str(Path("a", "b"))  # type: ignore[arg-type]
    assert PhotoSettings("sample", size=16, sizes=(16, 32)).sides == [16, 32]
    assert (
        PhotoSettings("sample", size=48).sides == PhotoSettings("sample", size=48, sizes=[]).sides
    )
    assert PhotoSettings("sample", device_cache=1).device_cache is True
    assert PhotoSettings("sample", seed=-3, max_photos=1, min_scale=1).seed == -3


@pytest.mark.parametrize("wrong", [{"path_": "x"}, {}])
def test_an_unknown_or_a_missing_setting_is_one_line(wrong: dict[str, str]) -> None:
    arguments = {"source": "sample", **wrong} if wrong else {}
    with pytest.raises(InputError, match=r"path_|source") as caught:
        PhotoDataModule(**arguments)
    assert "\n" not in str(caught.value)


def test_the_configured_defaults_are_those_of_the_code() -> None:
    base = yaml.safe_load((ROOT / "configs" / "data" / "_base.yaml").read_text())
    defaults = {name: field.default for name, field in PhotoSettings.__dataclass_fields__.items()}
    target = base.pop("_target_").rpartition(".")
    assert (target[0], target[2]) == (PhotoDataModule.__module__, PhotoDataModule.__name__)
    assert (base.pop("source"), base.pop("seed")) == ("???", "${seed}")  # given elsewhere
    assert base == {name: defaults[name] for name in base}
    # what only a data set of the hub has is in its own file
    assert set(defaults) - set(base) == {"source", "seed", "split", "streaming", "column"}
    coco = yaml.safe_load((ROOT / "configs" / "data" / "coco.yaml").read_text())
    assert {name: coco[name] for name in ("split", "streaming", "column")} == {
        name: defaults[name] for name in ("split", "streaming", "column")
    }

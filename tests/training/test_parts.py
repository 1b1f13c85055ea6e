"""fst.training.parts: what can't be made is found out first."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from fst.errors import InputError
from fst.training.parts import try_out


def refusing(**_: Any) -> Any:
    raise TypeError("name must be a text\nat line 5")


def made_of(make_trainer: Any, *make_loggers: Any) -> Any:
    return SimpleNamespace(make_trainer=make_trainer, make_loggers=list(make_loggers))


def test_a_logger_or_a_trainer_that_cannot_be_made_is_one_line() -> None:
    made: list[Path] = []

    def logger(save_dir: Path) -> Any:
        made.append(Path(save_dir))
        return SimpleNamespace(log_dir="here")

    try_out(made_of(lambda *_, **__: None, logger))
    with pytest.raises(InputError, match=r"^logger: name must be a text$"):
        try_out(made_of(lambda *_, **__: None, refusing))
    with pytest.raises(InputError, match=r"^trainer: name must be a text$"):
        try_out(made_of(lambda *_, **__: refusing(), logger))
    assert not any(folder.exists() for folder in made)  # nothing stays

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
    data = SimpleNamespace(batch_size=4)
    return SimpleNamespace(data=data, make_trainer=make_trainer, make_loggers=list(make_loggers))


def trainer(devices: int) -> Any:
    return lambda *_, **__: SimpleNamespace(world_size=devices)


def test_a_logger_or_a_trainer_that_cannot_be_made_is_one_line() -> None:
    made: list[Path] = []

    def logger(save_dir: Path) -> Any:
        made.append(Path(save_dir))
        return SimpleNamespace(log_dir="here")

    try_out(made_of(trainer(1), logger))
    with pytest.raises(InputError, match=r"^logger: name must be a text$"):
        try_out(made_of(trainer(1), refusing))
    with pytest.raises(InputError, match=r"^trainer: name must be a text$"):
        try_out(made_of(lambda *_, **__: refusing(), logger))
    assert not any(folder.exists() for folder in made)  # nothing stays


def test_a_batch_that_cannot_be_shared_evenly_is_found_out_first() -> None:
    try_out(made_of(trainer(2)))
    with pytest.raises(InputError, match=r"data\.batch_size=4 .*multiple of 3$"):
        try_out(made_of(trainer(3)))

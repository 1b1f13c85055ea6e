"""Whatever program calls: its modes of torch's change nothing, and exhausted memory is a line."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import torch

from fst.errors import InputError
from fst.system.memory import is_out_of_memory


@contextmanager
def own_modes(device: torch.device) -> Iterator[None]:
    """Whatever modes of torch's the caller is in, a picture is painted alike.

    Otherwise ``no_grad`` and ``inference_mode`` would end an optimization, ``autocast`` would
    change the precision that was asked for, and a default device would get half of the numbers.
    """
    elsewhere = torch.get_default_device().type != "cpu"
    with (
        torch.inference_mode(False),
        torch.enable_grad(),
        torch.autocast(device.type, enabled=False),
        torch.device("cpu") if elsewhere else nullcontext(),
    ):
        yield


@contextmanager
def in_memory() -> Iterator[None]:
    """Says in a line that memory is exhausted.

    Raises:
        InputError: it is.
    """
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if isinstance(error, RuntimeError) and not is_out_of_memory(error):
            raise
        raise InputError("out of memory: try a smaller size or memory") from error

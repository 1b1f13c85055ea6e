"""Work for a client is done as long as the client is there."""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

from starlette.requests import Request

from fst.interfaces.http.errors import GONE, Refused

T = TypeVar("T")


async def while_there(request: Request, work: Awaitable[T]) -> T:
    """What the work gives; it is canceled once the client is gone.

    Args:
        request: whose body was read.
        work: that somebody waits for.

    Raises:
        Refused: :data:`~fst.interfaces.http.errors.GONE`, which nobody gets.
    """
    task = asyncio.ensure_future(work)
    gone = asyncio.ensure_future(_gone(request))
    try:
        await asyncio.wait({task, gone}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            return task.result()
        raise Refused(GONE, "the client went away")
    finally:
        task.cancel()
        gone.cancel()


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass

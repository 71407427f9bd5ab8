"""What is asked again while nobody answers, for a while, in sight."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TypeVar

from domain.units import span

T = TypeVar("T")

PATIENCE = timedelta(seconds=60)
EVERY = timedelta(seconds=2)


class Away(Exception):
    """Nobody answered, or not now; asked again, somebody may."""


class Unreachable(Exception):
    """Nobody answered for as long as `PATIENCE`; the message says for how long, and what stood in the way last."""


async def reached(ask: Callable[[], Awaitable[T]], say: Callable[[str], None]) -> T:
    """What *ask* came to, which is asked again while it raises `Away`; *say* hears so, once.

    Raises:
        Unreachable: it still does, or is still at its first try.
    """
    began, why = time.monotonic(), ""
    try:
        async with asyncio.timeout(PATIENCE.total_seconds()):
            while True:
                try:
                    return await ask()
                except Away as error:
                    if not why:
                        say(f"{error}; trying again for {span(PATIENCE)}")
                    why = str(error)
                await asyncio.sleep(EVERY.total_seconds())
    except TimeoutError:
        tried = timedelta(seconds=time.monotonic() - began)
        raise Unreachable(f"tried for {span(tried)}: {why or 'no answer'}") from None

"""Retries requests to a server that is unavailable, for a minute, and says so."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TypeVar

from console.terminal import say
from domain.units import span

T = TypeVar("T")

GIVE_UP_AFTER = timedelta(seconds=60)
RETRY_EVERY = timedelta(seconds=2)


class Unavailable(Exception):
    """The server did not answer; a retry may succeed."""


class Unreachable(Exception):
    """The server did not answer for `GIVE_UP_AFTER`; the message says for how long, and names the last error."""


async def ask_until_reachable(ask: Callable[[], Awaitable[T]]) -> T:
    """The result of *ask*, which is called again while it raises `Unavailable`; a line on stderr says so once.

    Raises:
        Unreachable: it still does, or its first call has not returned.
    """
    began, why = time.monotonic(), ""
    try:
        async with asyncio.timeout(GIVE_UP_AFTER.total_seconds()):
            while True:
                try:
                    return await ask()
                except Unavailable as error:
                    if not why:
                        say(f"{error}; trying again for {span(GIVE_UP_AFTER)}")
                    why = str(error)
                await asyncio.sleep(RETRY_EVERY.total_seconds())
    except TimeoutError:
        tried = timedelta(seconds=time.monotonic() - began)
        raise Unreachable(f"tried for {span(tried)}: {why or 'no answer'}") from None

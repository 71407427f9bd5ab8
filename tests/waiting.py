"""Waiting for what another process does."""

import asyncio
import time
from collections.abc import Awaitable, Callable

LOOK_EVERY = 0.5


async def until(condition: Callable[[], Awaitable[bool]], *, within: float, what: Callable[[], object] | str) -> None:
    """Wait for *condition*. *within* is in seconds; then it is said *what* was waited for."""
    deadline = time.monotonic() + within
    while not await condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within:g} s: {what if isinstance(what, str) else what()}")
        await asyncio.sleep(LOOK_EVERY)

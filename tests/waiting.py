"""Waiting for what another process or task does: for a condition, with a bound."""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeVar

T = TypeVar("T")

FIRST_LOOK = 0.01
LOOK_EVERY = 0.5
"""Seconds between looks, at first and at the most: what comes soon is seen soon, and long waits cost little."""

PATIENCE = 10.0
"""Seconds, for what takes a moment."""


async def until(
    condition: Callable[[], Awaitable[bool]],
    *,
    within: float = PATIENCE,
    what: Callable[[], object] | str = "what was waited for",
) -> None:
    """Wait for *condition*. *within* is in seconds; then it is said *what* was waited for."""
    deadline, pause = time.monotonic() + within, FIRST_LOOK
    while not await condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within:g} s: {what if isinstance(what, str) else what()}")
        await asyncio.sleep(pause)
        pause = min(2 * pause, LOOK_EVERY)


@dataclass(frozen=True, slots=True)
class Held:
    """Something that has begun and waits to be let go on, 10 s at most."""

    begun: threading.Event = field(default_factory=threading.Event)
    go_on: threading.Event = field(default_factory=threading.Event)

    def up(self, work: Callable[[T], None]) -> Callable[[T], None]:
        """*work*, held up."""

        def later(argument: T) -> None:
            self.begun.set()
            self.go_on.wait(PATIENCE)
            work(argument)

        return later


def block_until(condition: Callable[[], bool], *, within: float = PATIENCE) -> None:
    """The same for a test without a loop."""
    deadline = time.monotonic() + within
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(FIRST_LOOK)

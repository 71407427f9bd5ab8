"""Simulated time: an event loop whose clock jumps to the next timer instead of waiting.

The real code runs on it, with `asyncio.sleep` and deadlines; a day takes only as long as its transactions. The clock
stands still while a transaction is open, since the database is then at work. SQLite runs without threads, so that the
same work always has the same result.
"""

import asyncio
import math
import random
import selectors
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeVar

from in_place import open_in_place
from promise import TargetHistory, violations
from world import Clock, World, world_on

from domain.delivery.policy import Policy
from fake_github.app import FakeGitHub

T = TypeVar("T")


class Stuck(Exception):
    """Nothing is running and no timer is set."""


@dataclass
class SimulatedClock(Clock):
    """The clock of a `SimulatedLoop`. A sleep is a timer of the loop; other tasks run meanwhile."""

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class _Skipping(selectors.DefaultSelector):
    """A selector that advances the clock instead of waiting."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock = clock

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise Stuck("nothing is running, and no timer is set")
        if timeout > 0:  # rounded down it would never get there
            self._clock.now += timedelta(microseconds=math.ceil(timeout * 1e6))
        return super().select(0)


class SimulatedLoop(asyncio.SelectorEventLoop):
    """An event loop with the time of *clock*, which may also be advanced between two runs."""

    def __init__(self, clock: SimulatedClock) -> None:
        self.clock = clock
        self._start = clock.now
        super().__init__(_Skipping(clock))

    def time(self) -> float:
        return (self.clock.now - self._start).total_seconds()


def in_simulated_time(
    url: str,
    policy: Policy,
    work: Callable[[World], Awaitable[T]],
    github: Callable[[SimulatedClock], FakeGitHub] | None = None,
) -> T:
    """Run *work* with a new world on the ledger at *url*; its sleeps take no real time."""
    loop = SimulatedLoop(SimulatedClock())
    clock = loop.clock

    async def run() -> T:
        given = github(clock) if github else None
        async with (
            open_in_place(url, clock.of_ledger) as ledger,
            world_on(ledger, clock, policy=policy, github=given) as world,
        ):
            return await work(world)

    try:
        return loop.run_until_complete(run())
    finally:
        loop.close()


@dataclass
class Simulation:
    """Jobs and senders of hours in a world. `histories`: what ledger and stand-in hold at the end."""

    world: World
    chance: random.Random
    began: datetime = field(init=False)
    histories: list[TargetHistory] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        self.began = self.world.clock.now

    async def until(self, moment: timedelta) -> None:
        """Let time pass until *moment*, counted from the beginning."""
        await asyncio.sleep((self.began + moment - self.world.clock.now).total_seconds())

    def lost_or_doubled(self) -> list[str]:
        """Reports that are not on their commit exactly once, and on top."""
        return [words for one in self.histories for words in violations(one)]

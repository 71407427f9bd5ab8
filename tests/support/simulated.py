"""Simulated time: an event loop whose clock jumps to the next timer instead of waiting.

The real code runs on it, with `asyncio.sleep` and deadlines; a day takes only as long as its transactions. The clock
stands still while a transaction is open, since the database is then at work. SQLite runs without threads, so that the
same work always has the same result.
"""

import asyncio
import math
import random
import selectors
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from types import TracebackType
from typing import Self, TypeVar

from in_place import open_in_place
from promise import TargetHistory, violations
from sqlmodel.ext.asyncio.session import AsyncSession
from world import Clock, World, world_on

from domain.delivery.policy import Policy
from fake_github.app import FakeGitHub
from storage.ledger import Ledger

PATIENCE = 60.0
"""Real seconds that a transaction may take before `Stuck` is raised."""

T = TypeVar("T")


class Stuck(Exception):
    """Nothing is running and no timer is set, or a transaction takes too long."""


@dataclass
class SimulatedClock(Clock):
    """The clock of a `SimulatedLoop`. A sleep is a timer of the loop; other tasks run meanwhile."""

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class _Skipping(selectors.DefaultSelector):
    """A selector that advances the clock instead of waiting."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self.at_work = 0  # transactions that are open
        self._clock = clock

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is not None and timeout <= 0:
            return super().select(0)
        if self.at_work or timeout is None:
            if ready := super().select(PATIENCE):
                return ready
            raise Stuck(f"{self.at_work} transactions are open, and nothing happens")
        self._clock.now += timedelta(microseconds=math.ceil(timeout * 1e6))  # rounded down it would never get there
        return super().select(0)


class SimulatedLoop(asyncio.SelectorEventLoop):
    """An event loop with the time of *clock*, which may also be advanced between two runs."""

    def __init__(self, clock: SimulatedClock) -> None:
        self.clock = clock
        self.one = asyncio.Lock()
        self._start = clock.now
        self._skipping = _Skipping(clock)
        super().__init__(self._skipping)

    def time(self) -> float:
        return (self.clock.now - self._start).total_seconds()

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Stop the clock in this block."""
        self._skipping.at_work += 1
        try:
            yield
        finally:
            self._skipping.at_work -= 1


class _Session(AsyncSession):
    """Sessions run one at a time, since waiting for SQLite's lock takes real time."""

    loop: SimulatedLoop

    async def __aenter__(self) -> Self:
        await self.loop.one.acquire()
        self._work = self.loop.at_work()
        self._work.__enter__()
        return await super().__aenter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            await super().__aexit__(kind, error, trace)
        finally:
            self._work.__exit__(None, None, None)
            self.loop.one.release()


@asynccontextmanager
async def open_simulated(url: str, loop: SimulatedLoop) -> AsyncIterator[Ledger]:
    """Open the ledger at *url* with the clock of *loop*."""
    with loop.at_work():
        async with open_in_place(url, loop.clock.of_ledger) as opened:
            engine = opened.engine
            session = type("_SessionOfLoop", (_Session,), {"loop": loop})
            loop._skipping.at_work -= 1
            try:
                yield Ledger(engine, partial(session, engine, expire_on_commit=False), opened.clock)
            finally:
                loop._skipping.at_work += 1


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
        async with open_simulated(url, loop) as ledger, world_on(ledger, clock, policy=policy, github=given) as world:
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

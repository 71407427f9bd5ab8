"""Actors that stop before each of their effects until the test lets them go on.

An effect is a transaction, or a request with its reply. On PostgreSQL an actor can wait before every statement, too.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Self, TypeAlias, TypeVar

from ledger_jobs import ACTOR
from steps import Died, Step, parts
from world import World

from storage.ledger import Ledger
from storage.transaction import Transaction
from tasks.delivery.deliver import deliver
from tasks.delivery.reporter import Reporter

T = TypeVar("T")
Work: TypeAlias = Callable[[World, Reporter], Awaitable[object]]

EFFECTS = frozenset({"transaction", "look", "POST", "PATCH", "GET"})


@dataclass(frozen=True, slots=True)
class PausingLedger(Ledger):
    """A ledger that calls `step` before a transaction begins, while it holds no lock."""

    step: Step

    async def _run(self, act: Callable[[Transaction], T], *, only_reads: bool = False) -> T:
        await self.step("look" if only_reads else "transaction")
        return await Ledger._run(self, act, only_reads=only_reads)

    async def now(self) -> datetime:
        await self.step("look")
        return await Ledger._run(self, lambda tx: tx.now)


class Actor:
    """Runs its work effect by effect. `before` is the effect it waits at; None: it has ended."""

    def __init__(self, waits_at: frozenset[str] = EFFECTS) -> None:
        self.before: str | None = None
        self._waits_at = waits_at
        self._may_go = asyncio.Event()
        self._has_stopped = asyncio.Event()
        self._dies = False
        self._task: asyncio.Task[object] | None = None

    @classmethod
    async def on(cls, world: World, work: Work) -> Self:
        """Make an actor of *world* that waits before its first effect."""
        actor = cls()
        sender = await world.sender(actor.step)
        ledger = PausingLedger(*parts(world.ledger), actor.step, actor=ACTOR)
        await actor.begin(work(world, replace(sender, ledger=ledger)))
        return actor

    async def begin(self, work: Awaitable[object]) -> None:
        """Run *work* up to its first effect."""

        async def run() -> object:
            return await work

        self._task = asyncio.create_task(run())
        self._task.add_done_callback(self._end)
        await self._has_stopped.wait()

    async def step(self, name: str) -> None:
        """Called by the work before the effect *name*."""
        if name not in self._waits_at:
            return
        self.before = name
        self._has_stopped.set()
        await self._may_go.wait()
        self._may_go.clear()
        if self._dies:
            raise Died

    @property
    def is_off(self) -> bool:
        """Whether it was released, and has neither stopped nor ended yet."""
        return not self._has_stopped.is_set()

    def let_go(self) -> None:
        """Let it do the effect it waits at; see `stopped`."""
        self._has_stopped.clear()
        self._may_go.set()

    async def stopped(self) -> None:
        """Wait until it stops before the next effect or ends."""
        await self._has_stopped.wait()
        if self.before is None and self._task is not None and not self._dies:
            self._task.result()

    async def go(self) -> None:
        """Do one effect."""
        self.let_go()
        await self.stopped()

    async def go_to(self, effect: str) -> None:
        """Go on until it stops before *effect*.

        Raises:
            AssertionError: it ended before that.
        """
        while self.before != effect:
            assert self.before is not None, f"it ended before any {effect}"
            await self.go()

    async def finish(self) -> object:
        """Go on to the end; return the result of its work."""
        while self.before is not None:
            await self.go()
        assert self._task is not None
        return self._task.result()

    async def die(self) -> None:
        """End at the current effect, as a killed process does. Does nothing if it has ended."""
        if self._task is None or self.before is None:
            return
        self._dies = True
        self.let_go()
        with suppress(Died):
            await self._task

    def _end(self, _: asyncio.Task[object]) -> None:
        self.before = None
        self._has_stopped.set()


async def send(world: World, reporter: Reporter) -> object:
    """Make one attempt for the target of the usual context."""
    return await deliver(reporter, await world.target_id())


async def sender_at(world: World, *, before: str) -> Actor:
    """A sender that has claimed, and waits before an effect."""
    actor = await Actor.on(world, send)
    await actor.go_to(before)
    return actor

"""Schedules of two actors on PostgreSQL that stop before every statement, commit and request.

An actor whose statement waits for the other's lock is skipped until it goes on. The orders run are those that interrupt
an actor which could have gone on at most a given number of times.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from itertools import count

from actors import Actor, Work
from schedules import Tree
from sqlalchemy import event, text
from steps import step_within
from world import World

from storage.ledger import Ledger, open_ledger

STEPS = frozenset({"statement", "commit", "POST", "GET"})
SOON = 0.02
"""Seconds between checks whether an actor waits for a lock or has gone on."""


@dataclass
class Seat:
    """A ledger of its own for an actor, with one connection."""

    ledger: Ledger
    pid: int
    actor: Actor = field(default_factory=Actor)


@asynccontextmanager
async def seat(world: World, url: str) -> AsyncIterator[Seat]:
    """Make a seat whose actor stops before every statement."""
    async with open_ledger(url, clock=world.clock.of_ledger) as ledger:
        with ledger.engine.connect() as connection:  # back in the pool it is the one its actor gets, alone there
            taken = Seat(ledger, connection.scalar(text("SELECT pg_backend_pid()")))

        loop = asyncio.get_running_loop()

        def before_statement(_: object, __: object, statement: str, *___: object) -> None:
            if "set_config" in statement:  # the settings of the transaction: no order makes a difference
                return
            step_within(taken.actor.step("statement"), loop)

        event.listen(ledger.engine, "before_cursor_execute", before_statement)
        yield taken


@dataclass
class Statements:
    """Runs the orders of two actors, each order on a target of its own. `schedules`: the number run."""

    world: World
    url: str
    interruptions: int
    every: int = 1
    """Interrupt an actor only before every n-th step."""

    schedules: int = 0

    async def explore(self, before: Callable[[World, str], Awaitable[tuple[Work, Work]]]) -> None:
        """Run every order. *before* prepares a target with this context and returns the actors' work."""
        tree = Tree()
        async with seat(self.world, self.url) as one, seat(self.world, self.url) as other:
            for number in count():
                works = await before(self.world, f"docs/{number}")
                for place, work in zip((one, other), works, strict=True):
                    place.actor = Actor(STEPS)
                    sender = await self.world.sender(place.actor.step, ledger=place.ledger)
                    await place.actor.begin(work(self.world, sender))
                await self._go((one, other), tree)
                self.schedules += 1
                if not tree.back():
                    return

    async def _go(self, seats: tuple[Seat, Seat], tree: Tree) -> None:
        left, last = self.interruptions, None
        for step in count():
            alive = [place for place in seats if place.actor.before is not None]
            if not alive:
                return
            free = [place for place in alive if not place.actor.is_off]
            assert free, "each waits for a lock of the other's"
            may_go_on = last in free
            ways = [place for place in free if place is last or not may_go_on or (left and not step % self.every)]
            now = ways[tree.choose(len(ways))]
            left -= may_go_on and now is not last
            last = now
            now.actor.let_go()
            for place in sorted(alive, key=lambda place: place is not now):  # its commit may set the other free
                await self._rest(place)

    async def _rest(self, place: Seat) -> None:
        """Return once it stops before a step, waits for a lock, or has ended."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(SOON):
                    await place.actor.stopped()
                    return
            if self._waits_for_a_lock(place.pid):
                return

    def _waits_for_a_lock(self, pid: int) -> bool:
        with self.world.ledger.engine.connect() as connection:
            blocked = connection.scalar(text("SELECT cardinality(pg_blocking_pids(:pid))"), {"pid": pid})
        return bool(blocked)

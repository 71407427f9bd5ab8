"""Runs every order of the effects of a few actors, depth first, each through the real code from the beginning.

An order is abandoned once it reaches a state that an earlier one reached, since all continuations were run from there.
A state is all that decides what follows: the ledger's rows, what GitHub holds, the time, the faults and jumps of time
that are left, and for each actor its position and the states it saw before each of its effects.
"""

import hashlib
import sqlite3
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, closing
from dataclasses import dataclass, field

from actors import Actor, Work
from world import Clock, World, world_on

from fake_github.faults import Kind
from storage.ledger import Ledger

WRITES = ("POST", "PATCH")
LOSSES: dict[str, dict[str, object]] = {
    "reply lost": {"where": "after"},
    "request lost": {"where": "before"},
    "stored 10 s late": {"stored_after": 10},
}
FACTS = (
    "SELECT * FROM status_target",
    "SELECT * FROM status_report ORDER BY id",
    "SELECT * FROM credential ORDER BY name",
    "SELECT id, state, execution, turn FROM job ORDER BY number",
    "SELECT report_id, kind, at FROM report_event ORDER BY report_id, id",
    "SELECT * FROM check_run ORDER BY id",
)
TOKEN = "lease"  # random; which claim's it is can be told from `attempts` and `lease_expires_at`


@dataclass(frozen=True)
class Scene:
    """The actors, and what may happen. `before` prepares the world, once.

    Time jumps by each of `jumps`, in this order, at any moment except while a request is about to leave: that no sender
    is suspended there is an assumption of docs/guarantee.md. `faults`: the greatest number of effects that fail, by a
    crash or by a lost request or reply.
    """

    before: Callable[[World], Awaitable[object]]
    actors: tuple[Work, ...]
    jumps: tuple[float, ...] = ()
    faults: int = 0


class Tree:
    """Chooses a branch at each fork, so that every path is taken."""

    def __init__(self) -> None:
        self._way: list[tuple[int, int]] = []
        self._at = 0

    @property
    def is_new(self) -> bool:
        """Whether this fork is reached for the first time."""
        return self._at == len(self._way)

    def choose(self, ways: int) -> int:
        """Choose one of so many branches."""
        if self.is_new:
            self._way.append((0, ways))
        self._at += 1
        taken, known = self._way[self._at - 1]
        assert ways == known, "something else than the way decides what happens"
        return taken

    def back(self) -> bool:
        """Go back to the start, to take another branch at the last fork that has one. False: all paths were taken."""
        self._at = 0
        while self._way and self._way[-1][0] + 1 == self._way[-1][1]:
            self._way.pop()
        if self._way:
            taken, ways = self._way.pop()
            self._way.append((taken + 1, ways))
        return bool(self._way)


@dataclass
class Explorer:
    """Goes through a scene on a SQLite ledger, run by run.

    `schedules` of the runs went to their end, the others reached a known state; each of the `ends` is checked once.
    """

    ledger: Ledger
    clock: Clock
    check: Callable[[World], Awaitable[None]]
    make_world: Callable[[Ledger, Clock], AbstractAsyncContextManager[World]] = world_on
    runs: int = 0
    schedules: int = 0
    ends: int = 0
    _seen: set[object] = field(default_factory=set)

    @property
    def summary(self) -> str:
        """The figures of what was explored."""
        return f"{self.runs} runs, {self.schedules} schedules to their end, {self.ends} different ends"

    async def explore(self, scene: Scene) -> None:
        """Take every path; `check` the world at the end of each."""
        path = self._path()
        began = self.clock.now
        async with self.make_world(self.ledger, self.clock) as world:
            await scene.before(world)
        held, runs = world.github.store.held(), world.github.held_check_runs()
        prepared = self.clock.now
        tree = Tree()
        with closing(sqlite3.connect(path)) as file, closing(sqlite3.connect(":memory:")) as kept:
            file.row_factory = sqlite3.Row
            file.backup(kept)
            while True:
                kept.backup(file)
                self.clock.now = prepared
                async with self.make_world(self.ledger, self.clock) as world:
                    for status in held:
                        world.github.store.add(status)
                    for run in runs:
                        world.github.add_check_run(run)
                    await self._go(_Run(world, scene, file), tree)
                if not tree.back():
                    break
            kept.backup(file)
        self.clock.now = began

    def _path(self) -> str:
        """The ledger's file: its engine may have been pointed elsewhere than its URL."""
        with self.ledger.engine.connect() as connection:
            databases = connection.exec_driver_sql("PRAGMA database_list")
            return str(databases.one()[2])

    async def _go(self, run: "_Run", tree: Tree) -> None:
        self.runs += 1
        await run.begin()
        try:
            while moves := list(run.moves()):
                if tree.is_new and self._was_here(run.state()):
                    return
                await run.do(moves[tree.choose(len(moves))])
        finally:
            await run.end()
        self.schedules += 1
        if not self._was_here(run.facts()):
            self.ends += 1
            try:
                await self.check(run.world)
            except AssertionError as error:
                error.add_note(" → ".join(run.done))
                raise

    def _was_here(self, state: object) -> bool:
        if state in self._seen:
            return True
        self._seen.add(state)
        return False


@dataclass
class _Run:
    world: World
    scene: Scene
    file: sqlite3.Connection
    actors: list[Actor] = field(default_factory=list)
    saw: list[list[str]] = field(default_factory=list)
    jumps: list[float] = field(default_factory=list)
    faults: int = 0
    done: list[str] = field(default_factory=list)

    async def begin(self) -> None:
        self.actors = [await Actor.on(self.world, work) for work in self.scene.actors]
        self.saw = [[] for _ in self.actors]
        self.jumps, self.faults = list(self.scene.jumps), self.scene.faults

    async def end(self) -> None:
        for actor in self.actors:
            await actor.die()

    def moves(self) -> Iterator[tuple[int | None, str]]:
        """The possible next moves: an actor's number and the fate of its effect; None: time passes."""
        alive = [number for number, actor in enumerate(self.actors) if actor.before is not None]
        if not self.jumps:  # the clock, and that no credential pauses, is the same before and after all that others do
            alive = next(([number] for number in alive if self.actors[number].before == "look"), alive)
        for number in alive:
            before = self.actors[number].before
            yield number, str(before)
            if self.faults and self.saw[number]:
                yield number, "dies"
            if self.faults and before in (*WRITES, "GET"):
                yield from ((number, loss) for loss in (LOSSES if before in WRITES else ["reply lost"]))
        if alive and self.jumps and all(self.actors[number].before not in WRITES for number in alive):
            yield None, f"{self.jumps[0]} s"

    async def do(self, move: tuple[int | None, str]) -> None:
        number, how = move
        self.done.append(how if number is None else f"{'AB'[number]} {how}")
        if number is None:
            self.world.clock.advance(self.jumps.pop(0))
            return
        actor = self.actors[number]
        sees = {"transaction": self.rows, "GET": self.shown}.get(actor.before or "", str)
        self.saw[number].append(f"{how} {self.world.clock.now} {sees()}")
        if how in LOSSES or how == "dies":
            self.faults -= 1
        if how in LOSSES:
            self.world.fault(Kind.CLOSE, method=actor.before, **LOSSES[how])
        await (actor.die() if how == "dies" else actor.go())

    def state(self) -> object:
        """All that decides what follows."""
        whos = [
            (work, tuple(saw)) if actor.before else None
            for work, actor, saw in zip(self.scene.actors, self.actors, self.saw, strict=True)
        ]
        return self.facts(), frozenset(Counter(whos).items()), len(self.jumps), self.faults

    def facts(self) -> str:
        """The part of the state that is left when all actors have ended."""
        return f"{self.rows()} {self.shown()} {self.world.clock.now}"

    def rows(self) -> str:
        """A digest of the ledger's rows."""
        rows = [dict(row) | {TOKEN: None} for query in FACTS for row in self.file.execute(query)]
        return hashlib.sha256(repr(rows).encode()).hexdigest()

    def shown(self) -> str:
        """What GitHub holds, or will store later."""
        statuses = [(str(status.created_at), status.target_url) for status in self.world.github.store._stored]
        return repr((statuses, self.world.github.all_check_runs()))

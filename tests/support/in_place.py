"""Runs SQLite's transactions on the event loop's own thread, which is faster than threads of their own."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic, sleep
from typing import Any, Self, TypeVar

from sqlalchemy import Engine, event
from sqlalchemy.util import await_only, greenlet_spawn
from sqlalchemy.util.concurrency import in_greenlet
from timed_host import TimedHost
from world import World, world_on

from fake_github.app import FakeGitHub
from storage.engines import LOCK_WAIT, make_engine
from storage.ledger import Ledger
from storage.schema import upgrade_embedded
from storage.threads import Threads
from storage.transaction import Clock as LedgerClock

T = TypeVar("T")


class InPlace(Threads):
    """Runs each transaction at once; where it would wait for another's lock, or for a step, other tasks go on."""

    def __init__(self) -> None: ...

    def end(self) -> None: ...

    async def run(self, call: Callable[[], T], *, only_reads: bool = False) -> T:  # noqa: ARG002  # as its parent
        return await greenlet_spawn(call)


class _Cursor(sqlite3.Cursor):
    """A statement that finds the ledger locked lets others go on and tries again: SQLite itself would hold them up."""

    def execute(self, *statement: Any) -> Self:  # noqa: ANN401  # as its parent
        until = monotonic() + LOCK_WAIT
        while True:
            try:
                return super().execute(*statement)
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or monotonic() > until:
                    raise
            if in_greenlet():
                await_only(asyncio.sleep(0.001))
            else:  # a test's own transaction, beside threads
                sleep(0.001)


class _Connection(sqlite3.Connection):
    def cursor(self, factory: Any = _Cursor) -> Any:  # noqa: ANN401  # sqlite3's
        return super().cursor(factory)


def _use(_dialect: object, _record: object, _positional: object, named: dict[str, object]) -> None:
    named.update(factory=_Connection, timeout=0)


def run_in_place(engine: Engine) -> None:
    """Have every later connection of *engine*, which is to SQLite, run its statements in place: see `InPlace`."""
    event.listen(engine, "do_connect", _use)


@asynccontextmanager
async def open_in_place(url: str, clock: LedgerClock) -> AsyncIterator[Ledger]:
    """The ledger at *url*, whose transactions run in place; one on PostgreSQL is at this version's schema."""
    engine = make_engine(url)
    try:
        if engine.dialect.name == "sqlite":
            upgrade_embedded(engine, Path(engine.url.database or ""))
            run_in_place(engine)
        follow = getattr(clock, "follow", lambda _: None)
        yield Ledger(engine, clock, InPlace(), follow=follow)
    finally:
        engine.dispose()


@dataclass
class Installation:
    """A SQLite ledger on a host, opened as often as wanted."""

    url: str
    host: TimedHost
    github: FakeGitHub = field(init=False)

    def __post_init__(self) -> None:
        self.github = FakeGitHub(clock=self.host.true, sleep=self.host.true.sleep)

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[World]:
        async with (
            open_in_place(self.url, self.host.of_ledger()) as ledger,
            world_on(ledger, self.host.true, github=self.github) as world,
        ):
            yield world

"""Runs SQLite on the event loop's own thread, which is faster than the driver's thread."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from time import monotonic
from typing import TypeVar

import aiosqlite
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine
from timed_host import TimedHost
from world import World, world_on

from fake_github.app import FakeGitHub
from storage.engines import LOCK_WAIT
from storage.ledger import Clock as LedgerClock
from storage.ledger import Ledger, open_ledger

T = TypeVar("T")


class _InPlace(aiosqlite.Connection):
    """A statement that finds the ledger locked lets others go on and tries again: SQLite itself would hold them up."""

    async def _execute(self, fn: Callable[..., T], *args: object, **kwargs: object) -> T:
        until = monotonic() + LOCK_WAIT
        while True:
            try:
                return fn(*args, **kwargs)
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or monotonic() > until:
                    raise
            await asyncio.sleep(0.001)


async def _connect(database: str, **how: object) -> aiosqlite.Connection:
    connection = _InPlace(partial(sqlite3.connect, database, **{**how, "check_same_thread": False, "timeout": 0}), 64)
    connection._thread.daemon = True
    return await connection


def _use(_dialect: object, _record: object, _positional: object, named: dict[str, object]) -> None:
    named["async_creator_fn"] = _connect


@asynccontextmanager
async def open_in_place(url: str, clock: LedgerClock) -> AsyncIterator[Ledger]:
    """The ledger at *url*, whose statements run in place if it is a SQLite file."""
    async with open_ledger(url, clock=clock) as opened:
        run_in_place(opened.engine)
        await opened.engine.dispose()  # what was connected before that
        yield opened


def run_in_place(engine: AsyncEngine) -> None:
    """Have every later connection of *engine* run its statements in place, if it is to SQLite."""
    if engine.dialect.name == "sqlite":
        event.listen(engine.sync_engine, "do_connect", _use)


@dataclass
class Installation:
    """A ledger on a host, opened as often as wanted."""

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

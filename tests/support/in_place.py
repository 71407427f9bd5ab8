"""Runs SQLite on the event loop's own thread, which is faster than the driver's thread."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from time import monotonic
from typing import TypeVar

import aiosqlite
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

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

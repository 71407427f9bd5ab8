"""After a restore from backup, reports delivered since are found on GitHub and not sent again."""

import shutil
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from exactly_once import verify_later
from ledger_jobs import accept, begin, end, order, run_job
from transactions import at
from world import Clock, World, world_on

from domain.delivery.report import Phase
from domain.jobs.job_states import JobState
from fake_github.app import FakeGitHub
from fake_github.faults import Kind
from storage.delivery import due, leases
from storage.delivery.leases import Lease
from storage.ledger import open_ledger
from storage.maintenance import restored
from storage.operations.credential_usage import usages

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


@dataclass
class Installation:
    """A ledger that is backed up, and a GitHub that is not."""

    path: Path
    clock: Clock
    github: FakeGitHub

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[World]:
        async with (
            open_ledger(f"sqlite:///{self.path}", clock=self.clock.of_ledger) as ledger,
            world_on(ledger, self.clock, github=self.github) as world,
        ):
            yield world

    @property
    def backup(self) -> Path:
        return self.path.with_suffix(".backup")

    def back_up(self) -> None:
        with closing(sqlite3.connect(self.path)) as source, closing(sqlite3.connect(self.backup)) as target:
            source.backup(target)

    def put_back(self) -> None:
        for suffix in ("", "-wal", "-shm"):
            Path(f"{self.path}{suffix}").unlink(missing_ok=True)
        shutil.copy(self.backup, self.path)

    @asynccontextmanager
    async def restored(self) -> AsyncIterator[World]:
        """Restore the backup, and announce that to the ledger."""
        self.put_back()
        async with self.opened() as world:
            with world.ledger.transaction() as tx:
                restored.read_back_everything(at(tx, now=self.clock.now), policy=world.policy)
            yield world


@pytest.fixture
def installation(ledger_url: str, clock: Clock) -> Installation:
    github = FakeGitHub(clock=clock, sleep=clock.sleep)
    return Installation(Path(ledger_url.removeprefix("sqlite:///")), clock, github)


async def test_after_a_restore_twenty_deliveries_are_found_and_none_is_repeated(installation: Installation) -> None:
    async with installation.opened() as world:
        for number in range(20):
            await run_job(world.ledger, order(f"docs/{number}"))
        installation.back_up()
        await world.reconcile(passes=1)
        assert len(world.github.store.held()) == world.posts() == 20
    async with installation.restored() as world:
        await world.reconcile()
        assert len(world.github.store.held()) == world.posts() == 20
        with world.ledger.transaction() as tx:
            assert due.count_undelivered(tx) == 0


async def test_an_unannounced_restore_repeats_deliveries_and_counts_nothing(
    installation: Installation,
) -> None:
    """As after a failover to a standby that lagged: in the ledger it looks like a report never sent."""
    async with installation.opened() as world:
        await run_job(world.ledger, order())
        installation.back_up()
        await world.deliver()
    installation.put_back()
    async with installation.opened() as world:
        await world.reconcile()
        await verify_later(world)
        assert world.held() == ["success", "success"]
        assert "doubled" not in await world.events()


async def test_pauses_and_the_write_budget_are_those_of_the_backup(installation: Installation) -> None:
    """What GitHub said and what was sent to it since is forgotten."""
    async with installation.opened() as world:
        await run_job(world.ledger, order("docs/a"))
        await run_job(world.ledger, order("docs/b"))
        await world.deliver("docs/a")
        installation.back_up()
        world.fault(Kind.SECONDARY_LIMIT)
        await world.deliver("docs/b")
        (used,) = await world.ledger.read(usages)
        assert (used.pause_reason, used.posts_last_hour) == ("secondary_limit", 2)
    async with installation.restored() as world:
        (used,) = await world.ledger.read(usages)
        assert (used.pause_reason, used.posts_last_hour) == (None, 1)


async def test_a_pause_at_the_time_of_the_backup_is_kept_until_its_end(installation: Installation) -> None:
    async with installation.opened() as world:
        world.fault(Kind.SECONDARY_LIMIT)
        await run_job(world.ledger, order())
        await world.deliver()
        installation.back_up()
    async with installation.restored() as world:
        await world.deliver()
        assert world.posts() == 1
        world.clock.advance(60)
        await world.deliver()
        assert world.held() == ["success"]


async def test_a_request_that_is_on_its_way_through_a_restore_is_waited_for(installation: Installation) -> None:
    async with installation.opened() as world:
        await run_job(world.ledger, order())
        installation.back_up()
        world.fault(Kind.CLOSE, stored_after=10)
        await world.deliver()
    async with installation.restored() as world:
        await world.reconcile()
        assert world.held() == ["success"]


async def test_a_rejected_report_whose_request_is_on_its_way_through_a_restore_is_waited_for(
    installation: Installation,
) -> None:
    """It was reopened since the backup, and is reopened again at once."""
    async with installation.opened() as world:
        world.fault(Kind.ARCHIVED)
        await run_job(world.ledger, order())
        await world.deliver()
        installation.back_up()
        assert await world.reopen()
        world.fault(Kind.CLOSE, stored_after=10)
        await world.deliver()
    async with installation.restored() as world:
        assert await world.reopen()
        await world.reconcile()
        assert world.held() == ["success"]


async def test_a_status_stored_long_after_a_restore_is_noticed(installation: Installation) -> None:
    async with installation.opened() as world:
        await run_job(world.ledger, order())
        installation.back_up()
        world.fault(Kind.CLOSE, stored_after=50)
        await world.deliver()
    async with installation.restored() as world:
        await world.reconcile()
        await verify_later(world)
        assert world.held() == ["success", "success"]
        assert "doubled" in await world.events()


async def test_a_report_being_sent_at_the_time_of_the_backup_is_searched_for(installation: Installation) -> None:
    async with installation.opened() as world:
        await run_job(world.ledger, order())
        target_id = await world.target_id()
        lease = await world.ledger.write(leases.claim, target_id, only_if_due=False, policy=world.policy)
        assert isinstance(lease, Lease)
        installation.back_up()
        world.clock.advance(50)
        await world.deliver()
        assert world.held() == ["success"]
    async with installation.restored() as world:
        await world.reconcile()
        assert world.held() == ["success"]


async def test_a_report_rejected_at_the_time_of_the_backup_is_searched_for_once_reopened(
    installation: Installation,
) -> None:
    async with installation.opened() as world:
        world.fault(Kind.ARCHIVED)
        await run_job(world.ledger, order())
        await world.deliver()
        installation.back_up()
        assert await world.reopen()
        await world.deliver()
        assert world.held() == ["success"]
    async with installation.restored() as world:
        assert (await world.phases())["success"] is Phase.REJECTED
        assert await world.reopen()
        await world.reconcile()
        assert world.held() == ["success"]


@pytest.mark.parametrize("known", [JobState.FAILED, JobState.RUNNING])
async def test_a_retry_after_a_restore_shares_no_marker_with_the_executions_that_are_forgotten(
    installation: Installation, known: JobState
) -> None:
    """Prefect counted three starts; the backup knows of the first, which had ended or was still under way."""
    asked = order()
    async with installation.opened() as world:
        first = await accept(world.ledger, asked)
        await begin(world.ledger, first)
        if known is JobState.FAILED:
            await end(world.ledger, first, JobState.FAILED)
        installation.back_up()
        await end(world.ledger, first, JobState.FAILED)
        await run_job(world.ledger, replace(asked, start=2))
        await world.deliver()
        assert world.held() == ["success"]
    installation.clock.advance(60)
    async with installation.restored() as world:
        assert (await run_job(world.ledger, replace(asked, start=3))).number == 3
        world.fault(Kind.SERVER_ERROR)  # so that it is looked for before it is sent again
        await world.deliver()
        await world.reconcile(every=60)
        assert world.held() == ["success", "success"]
        assert len({status.target_url for status in world.github.store.held()}) == 2

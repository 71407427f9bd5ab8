"""Check runs in the ledger: recorded once, doubted after a restore and a lost lease, forgotten with their job."""

from collections.abc import AsyncIterator

import pytest
from check_promise import assert_shown_once
from check_worlds import finish, run_checked, start, world_of_check_runs
from ledger_jobs import accept, order
from pruning import long_after, pruned
from sqlmodel import col, delete, func, select, update
from world import Clock, World

from domain.jobs.job_states import JobState
from storage.delivery.check_runs.tables import CheckOutput, CheckRun
from storage.ledger import Ledger
from storage.maintenance.restored import read_back_everything
from storage.models import Job, ReportEvent, StatusReport, StatusTarget


@pytest.fixture
async def world(ledger: Ledger, clock: Clock) -> AsyncIterator[World]:
    async with world_of_check_runs(ledger, clock) as made:
        yield made


def rows(world: World) -> list[CheckRun]:
    with world.ledger.transaction() as tx:
        return list(tx.session.exec(select(CheckRun).order_by(col(CheckRun.id))))


async def test_an_execution_has_one_row_whatever_is_recorded_of_it(world: World) -> None:
    await run_checked(world)
    (row,) = rows(world)
    assert (row.execution, row.turn, row.github_id, row.said) == (1, 1, None, 0)
    assert row.started_at == world.clock.now


async def test_a_job_that_reports_as_a_status_has_none(world: World) -> None:
    await accept(world.ledger, order("docs/other"))
    assert rows(world) == []
    assert (await world.target("docs/other")).has_check_runs is None


async def test_a_later_execution_has_a_row_of_its_own(world: World) -> None:
    execution = await run_checked(world, JobState.FAILED)
    await start(world, flow_run_id=execution.job_id)
    assert [(row.execution, row.turn) for row in rows(world)] == [(1, 1), (2, 2)]
    assert len({row.marker for row in rows(world)}) == 2


async def test_after_a_restore_what_github_has_already_is_found(world: World) -> None:
    await run_checked(world)
    await world.deliver()
    with world.ledger.transaction() as tx:  # the backup is from before the conclusion was sent
        tx.session.exec(update(CheckRun).values(said=0))
        newest, unsent = select(StatusTarget.newest_id), {"delivered_at": None, "github_status_id": None}
        tx.session.exec(update(StatusReport).where(col(StatusReport.id).in_(newest)).values(**unsent))
        tx.session.exec(update(StatusTarget).values(due_at=tx.now))
        read_back_everything(tx, policy=world.policy)
    await world.reconcile()
    await assert_shown_once(world)
    assert world.asked("PATCH") == 1


async def test_after_a_restore_a_job_that_ends_again_shows_each_line_once(world: World) -> None:
    execution = await start(world)
    await world.deliver()
    await finish(world, execution)
    await world.deliver()
    with world.ledger.transaction() as tx:  # the backup is from before the job ended: all is settled in it
        pending = select(func.min(StatusReport.id)).scalar_subquery()
        tx.session.exec(update(StatusTarget).values(newest_id=pending))
        tx.session.exec(update(CheckRun).values(said=0))
        for table, its in ((CheckOutput, CheckOutput.report_id), (ReportEvent, ReportEvent.report_id)):
            tx.session.exec(delete(table).where(col(its) > pending))
        tx.session.exec(delete(StatusReport).where(col(StatusReport.id) > pending))
        tx.session.exec(update(Job).values(state=JobState.RUNNING, ended_at=None))
        read_back_everything(tx, policy=world.policy)
    await finish(world, execution)
    await world.reconcile()
    await assert_shown_once(world)
    assert world.asked("PATCH") == 1


async def test_they_are_forgotten_with_their_job(world: World) -> None:
    await run_checked(world)
    await world.reconcile()
    await long_after(world)
    await pruned(world)
    with world.ledger.transaction() as tx:
        left = (tx.session.exec(select(func.count()).select_from(one)).one() for one in (CheckRun, CheckOutput, Job))
        assert list(left) == [0, 0, 1]

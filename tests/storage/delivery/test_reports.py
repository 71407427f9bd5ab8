"""Reports: recorded once, superseded by newer ones, reopened by an operator."""

import asyncio
from datetime import timedelta
from uuid import uuid4

import pytest
from ledger_jobs import CREDENTIAL, accept, begin, end, order, recorded, run_job
from racing import until_a_lock_is_waited_for
from sqlmodel import col, select, update
from transactions import at
from world import Clock, World

from domain.delivery.report import Phase
from domain.jobs.job_states import JobState
from fake_github.faults import Kind
from storage.delivery import availability, reports
from storage.delivery.reports import PHASE
from storage.jobs import jobs
from storage.ledger import Ledger
from storage.models import Job, StatusReport, StatusTarget


async def record(ledger: Ledger, job_id: object, words: str = "again", *, credential: str = CREDENTIAL) -> int:
    with ledger.transaction() as tx:
        job = tx.session.exec(select(Job).where(col(Job.id) == job_id)).one()
        return recorded(jobs.report(tx, job, words, credential=credential)).id


async def reject(world: World, state: str = "success") -> int:
    """Reject the report of a state, which was in doubt; its id."""
    with world.ledger.transaction() as tx:
        found = update(StatusReport).where(col(StatusReport.state) == state)
        values = {"rejected_at": world.clock.now, "rejection": "not_found", "read_back": True}
        changed = tx.session.exec(found.values(**values).returning(col(StatusReport.id)))
        tx.session.exec(update(StatusTarget).values(due_at=None))
        return int(changed.scalar_one())


async def reopen(world: World, report_id: int, *, credential: str = CREDENTIAL) -> bool:
    with world.ledger.transaction() as tx:
        return reports.reopen(at(tx, actor="ann"), report_id, credential=credential)


async def report(world: World, report_id: int) -> StatusReport:
    with world.ledger.transaction() as tx:
        return tx.session.get_one(StatusReport, report_id)


async def test_a_report_is_recorded_once_and_its_first_words_stay(world: World) -> None:
    execution = await run_job(world.ledger, order())
    newest = (await world.target()).newest_id
    world.clock.advance(60)
    assert await record(world.ledger, execution.job_id, "other words") == newest
    assert (await report(world, newest or 0)).description == "41 pages"
    assert (await world.target()).due_at == world.clock.now - timedelta(seconds=60)


async def test_its_link_carries_its_marker_and_its_words_fit(world: World) -> None:
    execution = await accept(world.ledger, order())
    await begin(world.ledger, execution)
    outcome = recorded(await end(world.ledger, execution, JobState.FAILED, "x\0" * 200))
    row = await report(world, outcome.id)
    assert row.target_url.endswith(f"#:~:report={row.marker}")
    assert len(row.description) == 140


@pytest.mark.parametrize("swap", [False, True], ids=["in order", "the later first"])
async def test_the_later_turn_is_current_whichever_is_recorded_first(world: World, *, swap: bool) -> None:
    executions = [await accept(world.ledger, order()) for _ in range(2)]
    for number in (1, 0) if swap else (0, 1):
        await begin(world.ledger, executions[number])
        await end(world.ledger, executions[number], (JobState.FAILED, JobState.SUCCEEDED)[number])
    assert await world.phases() == {"pending": Phase.SUPERSEDED, "failure": Phase.SUPERSEDED, "success": Phase.DUE}
    await world.reconcile()
    assert world.held() == ["success"]


@pytest.mark.parametrize("first", [0, 1], ids=["the earlier first", "the later first"])
async def test_of_two_recorded_at_once_the_later_turn_is_current(world: World, first: int) -> None:
    executions = [await accept(world.ledger, order()) for _ in range(2)]
    states = (JobState.FAILED, JobState.SUCCEEDED)
    for execution in executions:
        await begin(world.ledger, execution)
    with world.ledger.transaction() as tx:
        jobs.end(tx, executions[first].job_id, 1, states[first], summary="over", exit_code=0, credential=CREDENTIAL)
        other = asyncio.create_task(end(world.ledger, executions[1 - first], states[1 - first]))
        await until_a_lock_is_waited_for(world.ledger)
    await other
    await world.reconcile()
    assert world.held() == ["success"]


async def test_a_due_report_is_due_now_once_reopened(world: World) -> None:
    world.fault(Kind.CLOSE)
    await run_job(world.ledger, order())
    await world.deliver()
    target = await world.target()
    assert target.due_at is not None
    assert target.due_at > world.clock.now
    assert not await reopen(world, target.newest_id or 0)
    target = await world.target()
    assert (target.due_at, target.doubt_until is None) == (world.clock.now, False)


async def test_an_outcome_recorded_with_another_credential_takes_its_target_along(world: World) -> None:
    execution = await accept(world.ledger, order())
    with world.ledger.transaction() as tx:
        job = tx.session.exec(select(Job).where(Job.id == execution.job_id)).one()
        job.state, job.ended_at = JobState.SUCCEEDED, world.clock.now
        tx.session.add(job)
    await record(world.ledger, execution.job_id, credential="env:OTHER")
    assert (await world.target()).credential == "env:OTHER"


async def test_a_rejected_report_is_reopened_and_still_reads_back(world: World) -> None:
    await run_job(world.ledger, order())
    report_id = await reject(world)
    await reopen(world, report_id, credential="env:NEW")
    row, target = await report(world, report_id), await world.target()
    assert (row.rejected_at, row.rejection, row.read_back) == (None, None, True)
    assert (target.due_at, target.credential, target.last_error) == (world.clock.now, "env:NEW", None)
    assert (await world.events())[-1] == "reopened"


async def test_a_report_that_is_not_rejected_is_not_reopened(world: World) -> None:
    await run_job(world.ledger, order())
    report_id = (await world.target()).newest_id or 0
    assert not await reopen(world, report_id)
    await world.deliver()
    assert not await reopen(world, report_id)
    assert not await reopen(world, 4711)
    assert (await world.target()).due_at is None


async def test_a_superseded_report_is_not_reopened(world: World) -> None:
    await run_job(world.ledger, order(), JobState.FAILED)
    report_id = await reject(world, "failure")
    await run_job(world.ledger, order())
    assert not await reopen(world, report_id)
    await world.reconcile()
    assert world.held() == ["success"]


async def test_reopening_twice_is_once(world: World) -> None:
    await run_job(world.ledger, order())
    report_id = await reject(world)
    assert sorted(await asyncio.gather(*(reopen(world, report_id) for _ in range(5)))) == [False] * 4 + [True]


async def test_the_phase_is_the_same_in_python_and_in_sql_for_every_combination(world: World, clock: Clock) -> None:
    await run_job(world.ledger, order())
    seen = set()
    for delivered, rejected in ((False, False), (True, False), (False, True)):
        for newest in (1, 2):
            for sending in (None, 1, 2):
                lease = uuid4() if sending else None
                with world.ledger.transaction() as tx:
                    tx.session.exec(
                        update(StatusTarget).values(
                            newest_id=newest, sending_id=sending,
                            lease=lease, lease_expires_at=clock.now if lease else None,
                        )
                    )  # fmt: skip
                    tx.session.exec(
                        update(StatusReport).where(col(StatusReport.id) == 2).values(
                            delivered_at=clock.now if delivered else None, github_status_id=1 if delivered else None,
                            rejected_at=clock.now if rejected else None, rejection="gone" if rejected else None,
                        )
                    )  # fmt: skip
                    in_sql = select(PHASE).select_from(StatusReport).join(StatusTarget).where(StatusReport.id == 2)
                    phase = availability.phase_of(tx, 2)
                    assert tx.session.exec(in_sql).one() == phase.value
                    seen.add(phase)
    assert seen == set(Phase)

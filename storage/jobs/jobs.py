"""Job executions: accept, start, heartbeat, finish. A process owns one execution, and every statement names it.

If a statement matches no row, the execution was ended or taken over: its process kills its child and reports nothing.
Rows are locked in one order: job, credential, target, report.
"""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement
from sqlalchemy.exc import IntegrityError
from sqlmodel import and_, col, exists, or_, select, update
from sqlmodel.ext.asyncio.session import AsyncSession

from domain.delivery.commit_status import COMMIT_STATUS
from domain.delivery.report import NewReport, RecordedReport
from domain.jobs.execution import CarriedOutElsewhere, ConflictingJob, Done, EndStored, Execution, Order
from domain.jobs.job_states import JobState, rank, shown_as
from domain.process.identity import Process
from domain.text import clean
from storage import counters
from storage.delivery import credentials, reports
from storage.delivery.turns import take_turn
from storage.dialect import insert_ignore
from storage.models import Job, StatusTarget

OLD_HEARTBEAT = timedelta(seconds=30)
"""Heartbeats are sent every 10 s; a process whose last one is older than this is dead or stopped."""

MAY_STILL_END = (JobState.WAITING, JobState.RUNNING, JobState.LOST)
ONE_RUNS = "uq_job_exclusive_group_running"


async def accept(
    session: AsyncSession, order: Order, *, by: Process, actor: str, now: datetime
) -> Execution | Done | CarriedOutElsewhere:
    """Accept *order*, once for each flow run; `pending` is recorded in the same transaction.

    A job that did not succeed, or whose process has stopped its heartbeat, is executed again: as the next execution,
    with the target's next turn. A process that repeats the call, having missed the answer, gets the same answer.

    Raises:
        ConflictingJob: the flow run is a job of another type or target.
    """
    row = {
        "id": order.flow_run_id, "type": order.type, "options": dict(order.options), "url": order.url,
        "exclusive_group": order.exclusive_group, "execution": order.start, "state": JobState.WAITING,
        "host": by.host, "pid": by.pid, "pid_started": by.started, "beat_at": now,
    }  # fmt: skip
    job, is_new = await _ensure(session, row)
    if not is_new:
        await _same(session, job, order)
        if job.state is JobState.SUCCEEDED:
            return Done(await _report_of(session, job))
        if job.state is JobState.WAITING and process_of(job) == by:
            return Execution(job.id, job.execution, await _report_of(session, job))
        if not job.state.is_over and now - job.beat_at < OLD_HEARTBEAT:
            return CarriedOutElsewhere(job.beat_at)
        await _again(session, job, order, by, now)
    return await _take_on(session, order, actor, now)


async def _ensure(session: AsyncSession, row: dict[str, Any]) -> tuple[Job, bool]:
    """The job's row, locked, and whether it was inserted now; retried if it was just being pruned."""
    this = select(Job).where(Job.id == row["id"]).with_for_update(key_share=True)
    while True:
        is_new = await insert_ignore(session, Job, ("id",), row)
        job = (await session.exec(this, execution_options={"populate_existing": True})).one_or_none()
        if job is not None:
            return job, is_new


def process_of(job: Job) -> Process:
    """The process of the latest execution."""
    return Process(job.host or "", job.pid or 0, job.pid_started or 0)


async def _locked(session: AsyncSession, job_id: UUID) -> Job:
    statement = select(Job).where(Job.id == job_id).with_for_update(key_share=True)
    return (await session.exec(statement, execution_options={"populate_existing": True})).one()


async def _same(session: AsyncSession, job: Job, order: Order) -> None:
    key = (await session.exec(select(StatusTarget.key).where(StatusTarget.id == job.target_id))).one_or_none()
    if (job.type, key) != (order.type, order.target.key if order.target else None):
        raise ConflictingJob(
            f"flow run {job.id} is already a job of type {job.type!r} with another target or type; start a new flow run"
        )


async def _again(session: AsyncSession, job: Job, order: Order, by: Process, now: datetime) -> None:
    this = and_(col(Job.id) == job.id, col(Job.execution) == job.execution)
    await session.exec(
        update(Job).where(this).values(
            execution=max(job.execution + 1, order.start), state=JobState.WAITING,
            host=by.host, pid=by.pid, pid_started=by.started, exclusive_group=order.exclusive_group,
            url=order.url, options=dict(order.options), beat_at=now,
            started_at=None, ended_at=None, exit_code=None, summary=None,
        )
    )  # fmt: skip


async def _take_on(session: AsyncSession, order: Order, actor: str, now: datetime) -> Execution:
    if order.target is not None:
        await credentials.ensure(session, order.credential)  # before the target's row is locked
        target_id, turn = await take_turn(session, order.target)
        await session.exec(update(Job).where(col(Job.id) == order.flow_run_id).values(target_id=target_id, turn=turn))
    job = await _locked(session, order.flow_run_id)
    words = f"{job.type} is under way"
    pending = await report(session, job, words, credential=order.credential, actor=actor, now=now)
    return Execution(job.id, job.execution, pending)


async def report(
    session: AsyncSession, job: Job, description: str, *, credential: str, actor: str, now: datetime
) -> RecordedReport | None:
    """Record the report of the job's present state. None: the job has no target."""
    if job.target_id is None or job.turn is None:
        return None
    assert job.url is not None  # a job with a target has one: ck_job_target_has_turn_and_url
    new = NewReport(
        job.id, job.execution, shown_as(job.state), job.target_id, job.turn, rank(job.state), description, job.url
    )
    return await reports.record(session, new, COMMIT_STATUS, credential=credential, actor=actor, now=now)


async def _report_of(session: AsyncSession, job: Job) -> RecordedReport | None:
    """The report of the job's present state. None: there is none."""
    return await reports.recorded(session, job.id, job.execution, shown_as(job.state))


async def ended_at(session: AsyncSession, job_id: UUID) -> datetime | None:
    """When the job's latest execution ended by itself. None: it has not, or was ended as lost."""
    ended = select(Job.ended_at).where(Job.id == job_id, Job.state != JobState.LOST)
    return (await session.exec(ended)).one_or_none()


async def begin(session: AsyncSession, job_id: UUID, execution: int, *, now: datetime) -> JobState | None:
    """Start the command unless the job's exclusive group is taken: `running`, or still `waiting`. None: not ours.

    Jobs of a group start in the order of acceptance; one without heartbeats is passed over. A lost execution is
    revived. The call may be repeated if it is not known whether it was stored.
    """
    mine = and_(col(Job.id) == job_id, col(Job.execution) == execution)
    job = (await session.exec(select(Job).where(mine))).one_or_none()
    if job is not None and job.state is JobState.LOST and await _revive(session, mine, now):
        job = await _locked(session, job_id)
    if job is None or job.state is not JobState.WAITING:
        return JobState.RUNNING if job and job.state is JobState.RUNNING else None
    if job.exclusive_group is not None and await _must_wait(session, job, now):
        return JobState.WAITING
    still = and_(mine, col(Job.state) == JobState.WAITING)
    return await _run(session, still, {"state": JobState.RUNNING, "started_at": now, "beat_at": now})


async def _must_wait(session: AsyncSession, job: Job, now: datetime) -> bool:
    return bool((await session.exec(select(exists().where(_goes_before(job, now))))).one())


def _goes_before(job: Job, now: datetime) -> ColumnElement[bool]:
    """Condition: a job blocks *job* in its group: it runs, or was accepted earlier, waits and sends heartbeats."""
    is_alive = col(Job.beat_at) > now - OLD_HEARTBEAT
    is_ahead = and_(col(Job.state) == JobState.WAITING, col(Job.number) < job.number, is_alive)
    return and_(col(Job.exclusive_group) == job.exclusive_group, or_(col(Job.state) == JobState.RUNNING, is_ahead))


async def waits_for(session: AsyncSession, job_id: UUID, *, now: datetime) -> list[UUID]:
    """The jobs that block this one in its exclusive group: the running one first, then in order of acceptance."""
    job = await _locked(session, job_id)
    if job.exclusive_group is None:
        return []
    order = (col(Job.state) != JobState.RUNNING, col(Job.number))
    return list(await session.exec(select(Job.id).where(_goes_before(job, now)).order_by(*order)))


async def _run(session: AsyncSession, mine: Any, values: dict[str, object]) -> JobState | None:  # noqa: ANN401  # a condition
    """Set to running; `waiting` if another transaction took the group at the same moment."""
    try:
        async with session.begin_nested():
            begun = await session.exec(update(Job).where(mine).values(**values))
    except IntegrityError as error:
        if ONE_RUNS in str(error.orig) or "job.exclusive_group" in str(error.orig):  # SQLite names the column instead
            return JobState.WAITING
        raise
    return JobState.RUNNING if begun.rowcount else None


async def heartbeat(session: AsyncSession, job_id: UUID, execution: int, *, now: datetime) -> bool:
    """Store a heartbeat. False: the execution is no longer ours.

    An execution ended as lost is revived, unless its group has been taken meanwhile.
    """
    mine = and_(col(Job.id) == job_id, col(Job.execution) == execution)
    alive = col(Job.state).in_((JobState.WAITING, JobState.RUNNING))
    stored = await session.exec(update(Job).where(mine, alive).values(beat_at=now))
    return bool(stored.rowcount) or await _revive(session, mine, now)


async def _revive(session: AsyncSession, mine: Any, now: datetime) -> bool:  # noqa: ANN401  # a condition
    """Set a lost execution to waiting or running again. False: it is not lost, or its group has been taken."""
    lost = and_(mine, col(Job.state) == JobState.LOST)
    back = {"beat_at": now, "ended_at": None, "summary": None}
    waits = and_(lost, col(Job.started_at).is_(None))
    waiting = await session.exec(update(Job).where(waits).values(state=JobState.WAITING, **back))
    if waiting.rowcount:
        return True
    ran = and_(lost, col(Job.started_at).is_not(None))
    return await _run(session, ran, {"state": JobState.RUNNING, **back}) is JobState.RUNNING


async def end(
    session: AsyncSession, job_id: UUID, execution: int, state: JobState, *, last_beat_at: datetime | None = None,
    summary: str, exit_code: int | None, url: str | None = None, credential: str, actor: str, now: datetime,
) -> EndStored | None:  # fmt: skip
    """End the execution and record its report, in one transaction: no outcome without its report, nor the reverse.

    *url*: link of the outcome, if it differs from the job's. None: the execution is no longer ours, or *last_beat_at*
    is given and is not the time of its last heartbeat; nothing changed.
    """
    mine = and_(col(Job.id) == job_id, col(Job.execution) == execution, col(Job.state).in_(MAY_STILL_END))
    if last_beat_at is not None:
        mine = and_(mine, col(Job.beat_at) == last_beat_at)
    values = {"state": state, "ended_at": now, "beat_at": now, "exit_code": exit_code, "summary": clean(summary)[:500]}
    if url is not None:
        values["url"] = url
    ended = await session.exec(update(Job).where(mine).values(**values))
    if ended.rowcount == 0:
        return None
    job = await _locked(session, job_id)
    outcome = await report(session, job, summary, credential=credential, actor=actor, now=now)
    await counters.add(session, {("jobs", job.type, state.value): 1})  # a retry of the job overwrites the row
    return EndStored(outcome)


async def ended_in(session: AsyncSession, job_id: UUID, execution: int, state: JobState) -> EndStored | None:
    """The result of an earlier `end`, for a caller that missed it. None: the execution did not end in *state*."""
    mine = and_(col(Job.id) == job_id, col(Job.execution) == execution, col(Job.state) == state)
    job = (await session.exec(select(Job).where(mine))).one_or_none()
    if job is None:
        return None
    return EndStored(await _report_of(session, job))

"""Job executions: accept, start, heartbeat, finish. A process owns one execution, and every statement names it.

If a statement matches no row, the execution was ended or taken over: its process kills its child and reports nothing.
Rows are locked in one order: job, credential, target, report.
"""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Update, bindparam
from sqlalchemy.exc import IntegrityError
from sqlmodel import and_, col, exists, or_, select, update

from domain.delivery.check_output import Conclusion, End, Output
from domain.delivery.commit_status import COMMIT_STATUS
from domain.delivery.report import NewReport, RecordedReport
from domain.delivery.surface import CHECK_RUN, SurfaceName
from domain.jobs.execution import CarriedOutElsewhere, ConflictingJob, Done, EndStored, Execution, Order
from domain.jobs.job_states import JobState, concluded_as, rank, shown_as
from domain.process.identity import Process
from domain.text import clean
from storage import counters
from storage.delivery import credentials, reports
from storage.delivery.check_runs import rows
from storage.delivery.turns import take_turn
from storage.dialect import insert
from storage.jobs.siblings import noted_siblings, siblings
from storage.models import Job, StatusTarget
from storage.transaction import Transaction, table_of

OLD_HEARTBEAT = timedelta(seconds=30)
"""Heartbeats are sent every 10 s; a process whose last one is older than this is dead or stopped."""

MAY_STILL_END = (JobState.WAITING, JobState.RUNNING, JobState.LOST)
ONE_RUNS = "uq_job_exclusive_group_running"

ACCEPT = insert(
    Job, "id", "type", "options", "url", "exclusive_group", "execution", "state", "host", "pid", "pid_started",
    "beat_at", on_conflict="(id) DO NOTHING RETURNING number",
)  # fmt: skip
"""Returns nothing if the flow run is a job already."""

JOBS = table_of(Job)
MINE = and_(col(Job.id) == bindparam("job_id"), col(Job.execution) == bindparam("its_execution"))
READ = JOBS.select().where(MINE)
LOCK = JOBS.select().where(JOBS.c.id == bindparam("job_id")).with_for_update(key_share=True)
CHANGE = update(JOBS).where(MINE)
END = CHANGE.where(col(Job.state).in_(MAY_STILL_END)).returning(JOBS)
HEARTBEAT = CHANGE.where(col(Job.state).in_((JobState.WAITING, JobState.RUNNING)))
START = CHANGE.where(col(Job.state) == JobState.WAITING).values(state=JobState.RUNNING)
START_OUTSIDE_GROUPS = START.where(col(Job.exclusive_group).is_(None))


def accept(
    tx: Transaction, order: Order, *, by: Process, takes_over: bool = True
) -> Execution | Done | CarriedOutElsewhere:
    """Accept *order*, once for each flow run; `pending` is recorded in the same transaction.

    A job that did not succeed, or, if *takes_over*, whose process has stopped its heartbeat, is executed again: as the
    next execution, with the target's next turn. A process that missed the answer may repeat the call.

    Raises:
        ConflictingJob: the flow run is a job of another type or target.
    """
    row = {
        "id": order.flow_run_id, "type": order.type, "options": dict(order.options), "url": order.url,
        "exclusive_group": order.exclusive_group, "execution": order.start, "state": JobState.WAITING,
        "host": by.host, "pid": by.pid, "pid_started": by.started, "beat_at": tx.now,
    }  # fmt: skip
    job = _insert(tx, row)
    if job is None:
        return _take_on(tx, order, order.start)
    _same(tx, job, order)
    if job.state is JobState.SUCCEEDED:
        return Done(_report_of(tx, job))
    if job.state is JobState.WAITING and process_of(job) == by:
        return Execution(job.id, job.execution, _report_of(tx, job))
    if not job.state.is_over and not (takes_over and tx.now - job.beat_at >= OLD_HEARTBEAT):
        return CarriedOutElsewhere(job.beat_at)
    return _take_on(tx, order, _again(tx, job, order, by))


def _insert(tx: Transaction, row: dict[str, Any]) -> Job | None:
    """Insert the job's row, again if one was just being pruned. Returns the one that is there, locked, if any."""
    while tx.execute(ACCEPT, **row).one_or_none() is None:
        if (job := tx.one_or_none(Job, LOCK, job_id=row["id"])) is not None:
            return job
    return None


def process_of(job: Job) -> Process:
    """The process of the latest execution."""
    return Process(job.host or "", job.pid or 0, job.pid_started or 0)


def _same(tx: Transaction, job: Job, order: Order) -> None:
    if job.host is None and job.started_at is None:  # it never started: its context was read without its process
        return
    key = tx.session.exec(select(StatusTarget.key).where(StatusTarget.id == job.target_id)).one_or_none()
    if (job.type, key) != (order.type, order.target.key if order.target else None):
        raise ConflictingJob(
            f"flow run {job.id} is already a job of type {job.type!r} with another target or type; start a new flow run"
        )


def _again(tx: Transaction, job: Job, order: Order, by: Process) -> int:
    """Have the job executed once more; returns the number of that execution."""
    number = max(job.execution + 1, order.start)
    tx.execute(
        CHANGE, job_id=job.id, its_execution=job.execution, execution=number, state=JobState.WAITING,
        host=by.host, pid=by.pid, pid_started=by.started, exclusive_group=order.exclusive_group,
        url=order.url, options=dict(order.options), beat_at=tx.now,
        started_at=None, ended_at=None, exit_code=None, summary=None,
    )  # fmt: skip
    return number


def _take_on(tx: Transaction, order: Order, number: int) -> Execution:
    if order.target is None:
        return Execution(order.flow_run_id, number, None)
    assert order.url is not None  # an order with a target has one
    credentials.ensure(tx, order.credential)  # before the target's row is locked
    target_id, turn, newest_id = take_turn(tx, order.target)
    tx.execute(CHANGE, job_id=order.flow_run_id, its_execution=number, target_id=target_id, turn=turn)
    pending, words = JobState.WAITING, f"{order.type} is under way"
    new = NewReport(order.flow_run_id, number, shown_as(pending), target_id, turn, rank(pending), words, order.url)
    kind = CHECK_RUN if order.surface is SurfaceName.CHECK_RUN else COMMIT_STATUS
    report = reports.record(tx, new, kind, credential=order.credential, newest_id=newest_id)
    return Execution(order.flow_run_id, number, report)


def report(
    tx: Transaction, job: Job, description: str, *, credential: str, surface: SurfaceName | None = None,
    conclusion: Conclusion | None = None, output: Output | None = None,
) -> RecordedReport | None:  # fmt: skip
    """Record the report of the job's present state, which is its end. None: the job has no target.

    *surface*: what it is shown as; None: what its execution has been shown as. *conclusion* and *output*: what a check
    run shows instead of the state's conclusion and the description.
    """
    if job.target_id is None or job.turn is None:
        return None
    assert job.url is not None  # a job with a target has one: ck_job_target_has_turn_and_url
    credentials.ensure(tx, credential)  # before the target's row is locked
    target = reports.locked_target(tx, job.target_id)
    is_run = bool(target.has_check_runs) and rows.is_recorded(tx, job.id, job.execution)
    new = NewReport(
        job.id, job.execution, shown_as(job.state), job.target_id, job.turn, rank(job.state), description, job.url
    )
    assert job.ended_at is not None  # it is over
    end = End(conclusion or concluded_as(job.state), job.ended_at, output or Output(description, description))
    kind = CHECK_RUN if surface is SurfaceName.CHECK_RUN or is_run else COMMIT_STATUS
    return reports.record(tx, new, kind, credential=credential, newest_id=target.newest_id, end=end)


def _report_of(tx: Transaction, job: Job) -> RecordedReport | None:
    """The report of the job's present state. None: there is none."""
    return reports.recorded(tx, job.id, job.execution, shown_as(job.state))


def ended_at(tx: Transaction, job_id: UUID) -> datetime | None:
    """When the job's latest execution ended by itself. None: it has not, or was ended as lost."""
    ended = select(Job.ended_at).where(Job.id == job_id, Job.state != JobState.LOST)
    return tx.session.exec(ended).one_or_none()


def begin(tx: Transaction, job_id: UUID, execution: int) -> JobState | None:
    """Start the command unless the job's exclusive group is taken: `running`, or still `waiting`. None: not ours.

    Jobs of a group start in the order of acceptance; one without heartbeats is passed over. A lost execution is
    revived. The call may be repeated if it is not known whether it was stored.
    """
    mine = {"job_id": job_id, "its_execution": execution}
    begun = {"started_at": tx.now, "beat_at": tx.now}
    if tx.execute(START_OUTSIDE_GROUPS, **mine, **begun).rowcount:
        return JobState.RUNNING
    job = tx.one_or_none(Job, READ, **mine)
    if job is not None and job.state is JobState.LOST and _revive(tx, mine):
        job = tx.one_or_none(Job, READ, **mine)
    if job is None or job.state is not JobState.WAITING:
        return JobState.RUNNING if job and job.state is JobState.RUNNING else None
    if job.exclusive_group is not None and tx.session.exec(select(exists().where(_goes_before(job, tx.now)))).one():
        return JobState.WAITING
    return _run(tx, START, {**mine, **begun})


def _goes_before(job: Job, now: datetime) -> ColumnElement[bool]:
    """Condition: a job blocks *job* in its group: it runs, or was accepted earlier, waits and sends heartbeats."""
    is_alive = col(Job.beat_at) > now - OLD_HEARTBEAT
    is_ahead = and_(col(Job.state) == JobState.WAITING, col(Job.number) < job.number, is_alive)
    return and_(col(Job.exclusive_group) == job.exclusive_group, or_(col(Job.state) == JobState.RUNNING, is_ahead))


def waits_for(tx: Transaction, job_id: UUID) -> list[UUID]:
    """The jobs that block this one in its exclusive group: the running one first, then in order of acceptance."""
    job = tx.one(Job, LOCK, job_id=job_id)
    if job.exclusive_group is None:
        return []
    order = (col(Job.state) != JobState.RUNNING, col(Job.number))
    return list(tx.session.exec(select(Job.id).where(_goes_before(job, tx.now)).order_by(*order)))


def _run(tx: Transaction, statement: Update, values: dict[str, Any]) -> JobState | None:
    """Set to running; `waiting` if another transaction took the group at the same moment."""
    try:
        with tx.session.begin_nested():
            begun = tx.execute(statement, **values)
    except IntegrityError as error:
        if ONE_RUNS in str(error.orig) or "job.exclusive_group" in str(error.orig):  # SQLite names the column instead
            return JobState.WAITING
        raise
    return JobState.RUNNING if begun.rowcount else None


def heartbeat(tx: Transaction, job_id: UUID, execution: int) -> bool:
    """Store a heartbeat. False: the execution is no longer ours.

    An execution ended as lost is revived, unless its group has been taken meanwhile.
    """
    mine = {"job_id": job_id, "its_execution": execution}
    return bool(tx.execute(HEARTBEAT, **mine, beat_at=tx.now).rowcount) or _revive(tx, mine)


def _revive(tx: Transaction, mine: dict[str, Any]) -> bool:
    """Set a lost execution to waiting or running again. False: it is not lost, or its group has been taken."""
    lost = CHANGE.where(col(Job.state) == JobState.LOST).values(ended_at=None, summary=None)
    waits = lost.where(col(Job.started_at).is_(None)).values(state=JobState.WAITING)
    if tx.execute(waits, **mine, beat_at=tx.now).rowcount:
        return True
    ran = lost.where(col(Job.started_at).is_not(None)).values(state=JobState.RUNNING)
    return _run(tx, ran, {**mine, "beat_at": tx.now}) is JobState.RUNNING


def end(
    tx: Transaction, job_id: UUID, execution: int, state: JobState, *, last_beat_at: datetime | None = None,
    summary: str, exit_code: int | None, url: str | None = None, credential: str,
    conclusion: Conclusion | None = None, output: Output | None = None,
) -> EndStored | None:  # fmt: skip
    """End the execution and record its report, in one transaction: no outcome without its report, nor the reverse.

    *url*: link of the outcome, if it differs from the job's. *conclusion*, *output*: see `report`. None: the execution
    is no longer ours, or *last_beat_at* is given and is not the time of its last heartbeat; nothing changed.
    """
    statement, values = END, {
        "state": state, "ended_at": tx.now, "beat_at": tx.now, "exit_code": exit_code, "summary": clean(summary)[:500],
    }  # fmt: skip
    if last_beat_at is not None:
        statement = END.where(col(Job.beat_at) == last_beat_at)
    if url is not None:
        values["url"] = url
    job = tx.one_or_none(Job, statement, job_id=job_id, its_execution=execution, **values)
    if job is None:
        return None
    outcome = report(tx, job, summary, credential=credential, conclusion=conclusion, output=output)
    counters.add(tx, {("jobs", job.type, state.value): 1})  # a retry of the job overwrites the row
    return EndStored(outcome, noted_siblings(tx, job))


def ended_in(tx: Transaction, job_id: UUID, execution: int, state: JobState) -> EndStored | None:
    """The result of an earlier `end`, for a caller that missed it. None: the execution did not end in *state*."""
    job = tx.one_or_none(Job, READ, job_id=job_id, its_execution=execution)
    return EndStored(_report_of(tx, job), siblings(tx, job)) if job is not None and job.state is state else None

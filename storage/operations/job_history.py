"""Reads the history of a job and of its reports, for operators."""

from dataclasses import dataclass, replace
from uuid import UUID

from sqlmodel import col, exists, func, select

from domain.delivery.outcome import noted_reason
from domain.delivery.report import EventKind
from domain.delivery.target import StatusState, Target
from domain.operations.job_history import Blockers, Event, JobHistory, ReportHistory
from storage.delivery import events
from storage.delivery.reports import phase
from storage.jobs.siblings import siblings
from storage.models import Credential, Job, ReportEvent, StatusReport, StatusTarget
from storage.transaction import Transaction

MOST_EVENTS = 40
"""Per report in a job's history; a week of tries makes some hundreds."""


def of_job(tx: Transaction, job_id: UUID) -> JobHistory | None:
    """The history of a job, with the last events of its latest execution's reports. None: no such job."""
    found = tx.session.exec(
        select(Job, StatusTarget)
        .outerjoin(StatusTarget, col(StatusTarget.id) == col(Job.target_id))
        .where(Job.id == job_id)
    )
    row = found.one_or_none()
    if row is None:
        return None
    job: Job = row[0]
    target: StatusTarget | None = row[1]  # SQLModel types no outer join
    return JobHistory(
        type=job.type, options=job.options, execution=job.execution, state=job.state, started_at=job.started_at,
        ended_at=job.ended_at, summary=job.summary, reports=_reports(tx, job),
        target=Target(target.repository, target.sha, target.context) if target else None,
        siblings=siblings(tx, job),
    )  # fmt: skip


def _reports(tx: Transaction, job: Job) -> tuple[ReportHistory, ...]:
    found = tx.session.exec(
        select(StatusReport, StatusTarget, Credential)
        .join(StatusTarget, col(StatusTarget.id) == col(StatusReport.target_id))
        .outerjoin(Credential, col(Credential.name) == col(StatusTarget.credential))
        .where(StatusReport.job_id == job.id)
        .order_by(col(StatusReport.id))
    )
    return tuple([_report(tx, job, *row) for row in found.all()])


def _report(
    tx: Transaction, job: Job, report: StatusReport, target: StatusTarget, credential: Credential | None
) -> ReportHistory:
    assert report.id is not None
    shown, left_out = _events(tx, report.id) if report.execution == job.execution else ((), 0)
    return ReportHistory(
        id=report.id, execution=report.execution, state=report.state, phase=phase(report, target),
        blockers=blockers_of(target, credential), status_id=report.github_status_id, rejection=report.rejection,
        events=shown, left_out=left_out,
    )  # fmt: skip


def blockers_of(target: StatusTarget, credential: Credential | None) -> Blockers:
    """What blocks the target's current report, from the rows of the target and its credential."""
    return Blockers(
        due_at=target.due_at,
        lease_until=target.lease_expires_at,
        doubt_until=target.doubt_until,
        paused_until=credential.paused_until if credential else None,
        pause_reason=credential.pause_reason if credential else None,
        credential=credential.name if credential else None,
        reason=noted_reason(target.last_error),
    )


def _events(tx: Transaction, report_id: int) -> tuple[tuple[Event, ...], int]:
    mine = ReportEvent.report_id == report_id
    count = tx.session.exec(select(func.count()).where(mine)).one()
    last = tx.session.exec(select(ReportEvent).where(mine).order_by(col(ReportEvent.id).desc()).limit(MOST_EVENTS))
    shown = tuple(map(to_event, last))[::-1]
    return shown, count - len(shown)


def to_event(event: ReportEvent) -> Event:
    """Convert an event's row for display."""
    return Event(event.at, event.kind, event.actor, event.http_status, event.github_request_id, event.note)


@dataclass(frozen=True, slots=True)
class ReportDetail:
    """A report with all of its events, its content, and its job."""

    report: ReportHistory
    job_id: UUID
    job: JobHistory
    description: str
    target_url: str
    credential: str | None


def of_report(tx: Transaction, report_id: int) -> ReportDetail | None:
    """The detail of a report. None: no such report."""
    found = tx.session.exec(
        select(StatusReport, StatusTarget.credential)
        .join(StatusTarget, col(StatusTarget.id) == col(StatusReport.target_id))
        .where(StatusReport.id == report_id)
    )
    row = found.one_or_none()
    if row is None:
        return None
    report, credential = row
    job = of_job(tx, report.job_id)
    found_report = next((one for one in job.reports if one.id == report_id), None) if job else None
    if job is None or found_report is None:  # pruned since the first statement
        return None
    every = tuple(map(to_event, events.of_report(tx, report_id)))
    return ReportDetail(
        replace(found_report, events=every, left_out=0), report.job_id, job, report.description, report.target_url,
        credential,
    )  # fmt: skip


def reports_of(tx: Transaction, job_id: UUID) -> list[int] | None:
    """The numbers of a job's reports, in order. None: no such job."""
    if not tx.session.exec(select(exists().where(col(Job.id) == job_id))).one():
        return None
    found = select(StatusReport.id).where(StatusReport.job_id == job_id).order_by(col(StatusReport.id))
    return [report_id for report_id in tx.session.exec(found) if report_id is not None]


@dataclass(frozen=True, slots=True)
class TargetEvent:
    """An event of a report, with the report's state and context; `number` orders the events of a ledger."""

    number: int
    context: str
    state: StatusState
    kind: EventKind
    actor: str
    http_status: int | None


def events_after(tx: Transaction, number: int) -> list[TargetEvent]:
    """All events after *number*, in order."""
    asked = (
        select(ReportEvent, StatusReport.state, StatusTarget.context)
        .join(StatusReport, col(StatusReport.id) == col(ReportEvent.report_id))
        .join(StatusTarget, col(StatusTarget.id) == col(StatusReport.target_id))
        .where(col(ReportEvent.id) > number)
        .order_by(col(ReportEvent.id))
    )
    return [
        TargetEvent(event.id or 0, context, StatusState(state), event.kind, event.actor, event.http_status)
        for event, state, context in tx.session.exec(asked)
    ]

"""What happened to a job and its reports, read for a person."""

from uuid import UUID

from sqlmodel import col, func, select
from sqlmodel.ext.asyncio.session import AsyncSession

from domain.delivery.outcome import noted_reason
from domain.delivery.target import Target
from domain.operations.history import Blockers, Event, JobHistory, ReportHistory
from storage.delivery.reports import phase
from storage.models import Credential, Job, ReportEvent, StatusReport, StatusTarget

MOST_EVENTS = 40
"""Of a report; a week of tries makes some hundreds."""


async def of_job(session: AsyncSession, job_id: UUID) -> JobHistory | None:
    """The story of a job; the events of its latest execution's reports, of each the last ones. None: no such job."""
    found = await session.exec(
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
        ended_at=job.ended_at, summary=job.summary, reports=await _reports(session, job),
        target=Target(target.repository, target.sha, target.context) if target else None,
    )  # fmt: skip


async def _reports(session: AsyncSession, job: Job) -> tuple[ReportHistory, ...]:
    found = await session.exec(
        select(StatusReport, StatusTarget, Credential)
        .join(StatusTarget, col(StatusTarget.id) == col(StatusReport.target_id))
        .outerjoin(Credential, col(Credential.name) == col(StatusTarget.credential))
        .where(StatusReport.job_id == job.id)
        .order_by(col(StatusReport.id))
    )
    return tuple([await _report(session, job, *row) for row in found.all()])


async def _report(
    session: AsyncSession, job: Job, report: StatusReport, target: StatusTarget, credential: Credential | None
) -> ReportHistory:
    assert report.id is not None
    events, left_out = await _events(session, report.id) if report.execution == job.execution else ((), 0)
    return ReportHistory(
        id=report.id, execution=report.execution, state=report.state, phase=phase(report, target),
        blockers=blockers_of(target, credential), status_id=report.github_status_id, rejection=report.rejection,
        events=events, left_out=left_out,
    )  # fmt: skip


def blockers_of(target: StatusTarget, credential: Credential | None) -> Blockers:
    """What stands on the target's and its credential's row in the way of what speaks for it."""
    return Blockers(
        due_at=target.due_at,
        lease_until=target.lease_expires_at,
        doubt_until=target.doubt_until,
        paused_until=credential.paused_until if credential else None,
        pause_reason=credential.pause_reason if credential else None,
        reason=noted_reason(target.last_error),
    )


async def _events(session: AsyncSession, report_id: int) -> tuple[tuple[Event, ...], int]:
    mine = ReportEvent.report_id == report_id
    count = (await session.exec(select(func.count()).where(mine))).one()
    last = await session.exec(select(ReportEvent).where(mine).order_by(col(ReportEvent.id).desc()).limit(MOST_EVENTS))
    events = tuple(map(to_event, last))[::-1]
    return events, count - len(events)


def to_event(event: ReportEvent) -> Event:
    """A row of the story as a person reads it."""
    return Event(event.at, event.kind, event.actor, event.http_status, event.github_request_id, event.note)

"""All that is known of one report, for a person who asks by its number or by its job."""

from dataclasses import dataclass, replace
from uuid import UUID

from sqlmodel import col, exists, select
from sqlmodel.ext.asyncio.session import AsyncSession

from domain.operations.history import JobHistory, ReportHistory
from storage.delivery import events
from storage.models import Job, StatusReport, StatusTarget
from storage.operations import history


@dataclass(frozen=True, slots=True)
class WholeStory:
    """A report with every event of its own, what it says, and its job as that stands."""

    report: ReportHistory
    job_id: UUID
    job: JobHistory
    description: str
    target_url: str
    credential: str | None


async def of_report(session: AsyncSession, report_id: int) -> WholeStory | None:
    """The whole story of a report. None: no such report."""
    found = await session.exec(
        select(StatusReport, StatusTarget.credential)
        .join(StatusTarget, col(StatusTarget.id) == col(StatusReport.target_id))
        .where(StatusReport.id == report_id)
    )
    row = found.one_or_none()
    if row is None:
        return None
    report, credential = row
    job = await history.of_job(session, report.job_id)
    told = next((one for one in job.reports if one.id == report_id), None) if job else None
    if job is None or told is None:  # pruned since the first statement
        return None
    all_of_it = tuple(map(history.to_event, await events.of_report(session, report_id)))
    return WholeStory(
        replace(told, events=all_of_it, left_out=0), report.job_id, job, report.description, report.target_url,
        credential,
    )  # fmt: skip


async def reports_of(session: AsyncSession, job_id: UUID) -> list[int] | None:
    """The numbers of a job's reports, in order. None: no such job."""
    if not (await session.exec(select(exists().where(col(Job.id) == job_id)))).one():
        return None
    found = select(StatusReport.id).where(StatusReport.job_id == job_id).order_by(col(StatusReport.id))
    return [report_id for report_id in await session.exec(found) if report_id is not None]

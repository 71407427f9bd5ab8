"""Reports: record each once, reopen rejected ones, derive their phase."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement
from sqlmodel import and_, case, col, func, select, update
from sqlmodel.ext.asyncio.session import AsyncSession

from domain.delivery.report import EventKind, NewReport, Phase, Rank, RecordedReport, marker, supersedes
from domain.delivery.surface import SurfaceKind
from domain.delivery.target import StatusState
from storage.delivery import credentials, events
from storage.dialect import insert_ignore
from storage.models import Credential, StatusReport, StatusTarget

KEY = ("job_id", "execution", "state")


def phase(report: StatusReport, target: StatusTarget) -> Phase:
    """The phase of *report*; derived, so that two columns can never disagree. In SQL: `PHASE`."""
    if report.delivered_at is not None:
        return Phase.DELIVERED
    if report.id != target.newest_id:
        return Phase.SUPERSEDED
    if report.rejected_at is not None:
        return Phase.REJECTED
    return Phase.SENDING if target.sending_id == report.id else Phase.DUE


PHASE: ColumnElement[str] = case(
    (col(StatusReport.delivered_at).is_not(None), Phase.DELIVERED.value),
    (col(StatusTarget.newest_id).is_distinct_from(col(StatusReport.id)), Phase.SUPERSEDED.value),
    (col(StatusReport.rejected_at).is_not(None), Phase.REJECTED.value),
    (col(StatusTarget.sending_id) == col(StatusReport.id), Phase.SENDING.value),
    else_=Phase.DUE.value,
)
"""`phase` as SQL, over a report joined with its target."""


async def locked_target(session: AsyncSession, target_id: int) -> StatusTarget:
    """The target's row, read fresh and locked until the transaction ends."""
    statement = select(StatusTarget).where(StatusTarget.id == target_id).with_for_update(key_share=True)
    return (await session.exec(statement, execution_options={"populate_existing": True})).one()


async def recorded(session: AsyncSession, job_id: UUID, execution: int, state: StatusState) -> RecordedReport | None:
    """The report of that state of that execution. None: there is none."""
    named = (StatusReport.job_id == job_id, StatusReport.execution == execution, StatusReport.state == state)
    row = (await session.exec(select(StatusReport).where(*named))).one_or_none()
    return _recorded(row) if row else None


async def of_id(session: AsyncSession, report_id: int) -> RecordedReport:
    """The report with this id."""
    return _recorded(await session.get_one(StatusReport, report_id))


def _recorded(row: StatusReport) -> RecordedReport:
    return RecordedReport(row.id or 0, row.target_id, Rank(row.rank))


async def record(
    session: AsyncSession, new: NewReport, kind: SurfaceKind, *, credential: str, actor: str, now: datetime
) -> RecordedReport:
    """Record what a surface of this *kind* should show, in the transaction of the state change that it reports.

    Unless superseded, it becomes the target's newest and is due now. Recorded twice, the first description is kept.
    """
    await credentials.ensure(session, credential)
    target = await locked_target(session, new.target_id)
    words = kind.fit(new.description)
    is_new = await insert_ignore(session, StatusReport, KEY, _row(new, kind, words, credential, now))
    report = await recorded(session, new.job_id, new.execution, new.state)
    assert report is not None  # inserted, or there before
    note = None if is_new else f"first words kept; these were: {words}"
    await events.append(session, report.id, EventKind.RECORDED, actor=actor, at=now, note=note)
    if is_new:
        await _supersede(session, target, new, report.id, credential=credential, actor=actor, now=now)
    return report


def _row(new: NewReport, kind: SurfaceKind, description: str, credential: str, now: datetime) -> dict[str, object]:
    mark = marker(new.job_id, new.execution, new.state, 1)
    return {
        "job_id": new.job_id, "execution": new.execution, "state": new.state, "target_id": new.target_id,
        "turn": new.turn, "rank": int(new.rank), "edition": 1, "marker": mark, "description": description,
        "target_url": kind.marked(new.url, mark), "read_back": False, "created_at": now,
        "not_before": select(Credential.github_time).where(Credential.name == credential).scalar_subquery(),
    }  # fmt: skip


async def _supersede(
    session: AsyncSession, target: StatusTarget, new: NewReport, report_id: int, *,
    credential: str, actor: str, now: datetime,
) -> None:  # fmt: skip
    old = await session.get(StatusReport, target.newest_id) if target.newest_id else None
    if old is not None and not supersedes((new.turn, new.rank), (old.turn, old.rank)):
        await events.append(session, report_id, EventKind.SUPERSEDED, actor=actor, at=now)
        return
    if old is not None and old.delivered_at is None:
        await events.append(session, old.id or 0, EventKind.SUPERSEDED, actor=actor, at=now)
    await _make_newest(session, target.id, report_id, credential=credential, now=now)


async def _make_newest(
    session: AsyncSession, target_id: int | None, report_id: int | None, *,
    credential: str, bulk_at: datetime | None = None, now: datetime,
) -> None:  # fmt: skip
    anew = {"due_at": now, "bulk_at": bulk_at, "refused_since": None, "last_error": None}
    await session.exec(
        update(StatusTarget)
        .where(col(StatusTarget.id) == target_id)
        .values(newest_id=report_id, credential=credential, **anew)
    )


@dataclass(frozen=True, slots=True)
class Selection:
    """Which undelivered reports an operator selects: all given conditions must hold."""

    report_ids: tuple[int, ...] = ()
    job_id: UUID | None = None
    repository: str | None = None
    reason: str | None = None  # a domain.delivery.outcome.Reason: only reports rejected for it
    since: datetime | None = None  # recorded then or later


def chosen_by(selection: Selection) -> list[ColumnElement[bool]]:
    """The conditions of *selection* on a report joined with its target."""
    asked: list[ColumnElement[bool]] = []
    if selection.report_ids:
        asked.append(col(StatusReport.id).in_(selection.report_ids))
    if selection.job_id is not None:
        asked.append(col(StatusReport.job_id) == selection.job_id)
    if selection.repository is not None:
        asked.append(func.lower(col(StatusTarget.repository)) == selection.repository.lower())
    if selection.reason is not None:
        asked.append(col(StatusReport.rejection) == selection.reason)
    if selection.since is not None:
        asked.append(col(StatusReport.created_at) >= selection.since)
    return asked


async def undelivered(session: AsyncSession, selection: Selection) -> list[int]:
    """Ids of the selected reports that are current and not on GitHub, rejected or due, oldest first."""
    is_current = and_(col(StatusTarget.newest_id) == col(StatusReport.id), col(StatusReport.delivered_at).is_(None))
    found = select(StatusReport.id).join(StatusTarget, is_current).where(*chosen_by(selection))
    oldest_first = found.order_by(col(StatusReport.id))
    return [report_id for report_id in await session.exec(oldest_first) if report_id is not None]


async def repository_of(session: AsyncSession, report_id: int) -> str:
    """The repository of the report's target."""
    found = select(StatusTarget.repository).join(StatusReport, col(StatusReport.target_id) == col(StatusTarget.id))
    return (await session.exec(found.where(StatusReport.id == report_id))).one()


async def reopen(
    session: AsyncSession, report_id: int, *, credential: str, in_bulk: bool = False, actor: str, now: datetime
) -> bool:
    """Have a rejected report retried; it keeps `read_back`. False: it was not rejected, or is superseded.

    A report that is due later becomes due now, with *credential*, too: the old one may be why it is not delivered.
    *in_bulk*: it is one of many, and the hour of the write budget applies; an unrejected report keeps its urgency.
    """
    target_id = (await session.exec(select(StatusReport.target_id).where(StatusReport.id == report_id))).one_or_none()
    if target_id is None:
        return False
    await credentials.ensure(session, credential)
    target = await locked_target(session, target_id)
    if target.newest_id != report_id:
        return False
    if target.due_at is not None:
        bulk_at = target.bulk_at if in_bulk else None
        await _make_newest(session, target_id, report_id, credential=credential, bulk_at=bulk_at, now=now)
    rejected = and_(col(StatusReport.id) == report_id, col(StatusReport.rejected_at).is_not(None))
    cleared = await session.exec(update(StatusReport).where(rejected).values(rejected_at=None, rejection=None))
    if cleared.rowcount == 0:
        return False
    await _make_newest(session, target_id, report_id, credential=credential, bulk_at=now if in_bulk else None, now=now)
    await events.append(session, report_id, EventKind.REOPENED, actor=actor, at=now)
    return True

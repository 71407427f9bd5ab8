"""Notifications of a transaction: collected while it runs, published by the ledger only after the commit.

Nothing is published that was rolled back, and nothing twice; a process that dies right after the commit publishes
nothing.
"""

from collections.abc import Collection, Mapping
from typing import Any

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from domain.delivery.notifications import Lost, Move, Notification, Overdue, Paused, ReportName, Resumed
from domain.delivery.report import EventKind
from domain.delivery.target import Target
from storage.models import StatusReport, StatusTarget

GATHERED = "notifications"
"""Key in `session.info`."""

UNPUBLISHED = frozenset({EventKind.RECORDED, EventKind.CLAIMED})
"""Events that are not published: later events tell their result."""

Row = dict[str, Any]
"""A row of report_event."""


def add(session: AsyncSession, notification: Overdue | Paused | Resumed | Lost) -> None:
    """Publish *notification* once the transaction is committed."""
    _so_far(session).append(notification)


def add_move(session: AsyncSession, event: Row) -> None:
    """Publish an event of a report once the transaction is committed."""
    if event["kind"] not in UNPUBLISHED:
        _so_far(session).append(event)


def _so_far(session: AsyncSession) -> list[Notification | Row]:
    so_far: list[Notification | Row] = session.info.setdefault(GATHERED, [])
    return so_far


async def gathered(session: AsyncSession) -> list[Notification]:
    """The notifications to publish after the commit, in order; called right before the commit.

    The names of reports are read within the transaction, as other transactions may change them after it. An exception
    here must not be caught, as it rolls the transaction back like any failed statement: the reports exist, by the
    foreign key of their events, so the ledger is unavailable; and PostgreSQL silently turns a commit after a failed
    statement into a rollback.
    """
    so_far = _so_far(session)
    known = await _known(session, {one["report_id"] for one in so_far if isinstance(one, dict)})
    return [_move(one, known) if isinstance(one, dict) else one for one in so_far]


def _move(event: Row, known: Mapping[int, tuple[ReportName, str | None]]) -> Move:
    name, rejection = known[event["report_id"]]
    facts = {key: value for key, value in event.items() if key not in ("report_id", "github_request_id")}
    return Move(name, rejection, request_id=event["github_request_id"], **facts)


async def _known(session: AsyncSession, report_ids: Collection[int]) -> dict[int, tuple[ReportName, str | None]]:
    """Name and rejection of each report."""
    if not report_ids:
        return {}
    target = (StatusTarget.repository, StatusTarget.sha, StatusTarget.context)
    report = (StatusReport.id, StatusReport.state, StatusReport.job_id, StatusReport.execution, StatusReport.rejection)
    found = select(*report, *target).join(StatusTarget).where(col(StatusReport.id).in_(report_ids))  # type: ignore[call-overload]  # typed for up to four columns
    return {
        report_id: (ReportName(report_id, state, job_id, execution, Target(*target)), rejection)
        for report_id, state, job_id, execution, rejection, *target in await session.exec(found)
    }

"""News of a transaction: gathered while it goes on, told by the ledger once it is committed, and only then.

So nothing is told that did not happen, and nothing twice; who dies right after the commit does not tell it.
"""

from collections.abc import Collection, Mapping
from typing import Any

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from domain.delivery.notifications import Lost, Move, Notification, Overdue, Paused, ReportName, Resumed
from domain.delivery.report import EventKind
from domain.delivery.target import Target
from storage.models import StatusReport, StatusTarget

GATHERED = "news"
"""Where a session carries it."""

UNPUBLISHED = frozenset({EventKind.RECORDED, EventKind.CLAIMED})
"""Moves that are nobody's concern: what comes of them is told."""

Row = dict[str, Any]
"""A row of report_event."""


def add(session: AsyncSession, notification: Overdue | Paused | Resumed | Lost) -> None:
    """Have *news* told once the transaction is committed."""
    _so_far(session).append(notification)


def add_move(session: AsyncSession, event: Row) -> None:
    """The same for what happened to a report."""
    if event["kind"] not in UNPUBLISHED:
        _so_far(session).append(event)


def _so_far(session: AsyncSession) -> list[Notification | Row]:
    so_far: list[Notification | Row] = session.info.setdefault(GATHERED, [])
    return so_far


async def gathered(session: AsyncSession) -> list[Notification]:
    """What to tell of a transaction once it is committed, in order; to be asked for right before that.

    The names of reports are read within the transaction: after it, what it did could not be told apart from what came
    next. What this raises undoes the transaction, as a statement of its own that fails does, and is not to be caught:
    the reports are there, by the foreign key of their events, so it is the ledger that is away; and PostgreSQL makes
    of a commit after a failed statement a rollback, without a word.
    """
    so_far = _so_far(session)
    known = await _known(session, {one["report_id"] for one in so_far if isinstance(one, dict)})
    return [_move(one, known) if isinstance(one, dict) else one for one in so_far]


def _move(event: Row, known: Mapping[int, tuple[ReportName, str | None]]) -> Move:
    name, rejection = known[event["report_id"]]
    facts = {key: value for key, value in event.items() if key not in ("report_id", "github_request_id")}
    return Move(name, rejection, request_id=event["github_request_id"], **facts)


async def _known(session: AsyncSession, report_ids: Collection[int]) -> dict[int, tuple[ReportName, str | None]]:
    """Of each report its name, and for what it is rejected."""
    if not report_ids:
        return {}
    target = (StatusTarget.repository, StatusTarget.sha, StatusTarget.context)
    report = (StatusReport.id, StatusReport.state, StatusReport.job_id, StatusReport.execution, StatusReport.rejection)
    found = select(*report, *target).join(StatusTarget).where(col(StatusReport.id).in_(report_ids))  # type: ignore[call-overload]  # typed for up to four columns
    return {
        report_id: (ReportName(report_id, state, job_id, execution, Target(*target)), rejection)
        for report_id, state, job_id, execution, rejection, *target in await session.exec(found)
    }

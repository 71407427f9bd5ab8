"""Events of reports: appended in the transaction that changes the report, never updated."""

from datetime import UTC, datetime

from sqlmodel import col, func, insert, select

from domain.delivery.outcome import NOT_FROM_GITHUB, Exchange, noted_reason
from domain.delivery.report import EventKind
from domain.delivery.settlement import Tries
from domain.text import clean
from storage import after_commit
from storage.models import ReportEvent, StatusReport, StatusTarget
from storage.transaction import Transaction, table_of

APPEND = insert(table_of(ReportEvent)).returning(col(ReportEvent.id))
"""Without values, as SQLAlchemy compiles a statement with rows anew each time. As it returns ids, it is one statement
for all rows: psycopg would pipeline several, and PostgreSQL ends no idle transaction of a frozen host in a pipeline."""

ANSWERED_2XX = range(200, 300)
NOTE = 500
SHORT = 100
"""Characters that are kept of a note, and of other text from outside."""


def append(
    tx: Transaction, report_id: int, *kinds: EventKind,
    credential: str | None = None, attempt: int | None = None, exchange: Exchange | None = None,
    seconds: float | None = None, note: str | None = None,
) -> None:  # fmt: skip
    """Append events to a report's history. *seconds*: how long the request took."""
    seen = exchange or Exchange()
    row: dict[str, object] = {
        "report_id": report_id, "credential": credential, "at": tx.now, "attempt": attempt,
        "seconds": seconds, "http_status": seen.http_status, "github_request_id": _fit(seen.request_id, SHORT),
        "actor": _fit(tx.actor, SHORT), "note": _fit(note, NOTE),
    }  # fmt: skip
    rows = [row | {"kind": kind} for kind in kinds]
    tx.session.connection().execute(APPEND, rows).close()
    for one in rows:
        after_commit.add_move(tx, one)


def _fit(text: str | None, length: int) -> str | None:
    return clean(text)[:length] if text else None


def of_report(tx: Transaction, report_id: int) -> list[ReportEvent]:
    """All events of a report, in order."""
    found = tx.session.exec(select(ReportEvent).where(ReportEvent.report_id == report_id).order_by(col(ReportEvent.id)))
    return list(found)


def tries(tx: Transaction, report_id: int, *, created_at: datetime) -> Tries:
    """The tries of a report since it was recorded or, later, reopened or repaired."""
    mine = col(ReportEvent.report_id) == report_id
    anew = col(ReportEvent.kind).in_((EventKind.REOPENED, EventKind.REPAIRED))
    reopened = select(func.max(ReportEvent.id)).where(mine, anew).scalar_subquery()
    since = select(ReportEvent).where(mine, col(ReportEvent.id) > func.coalesce(reopened, 0))
    failed = [
        event
        for event in tx.session.exec(since.order_by(col(ReportEvent.id)))
        if event.kind in (EventKind.NOT_SENT, EventKind.UNKNOWN)
    ]
    of_report = select(StatusTarget.refused_since).join(StatusReport).where(StatusReport.id == report_id)
    return Tries(
        created_at=created_at,
        refused_since=tx.session.exec(of_report).one(),
        failing_since=failed[0].at if failed else None,
        failed_on=frozenset(event.at.astimezone(UTC).date() for event in failed),
        unconfirmed=sum(map(_is_unconfirmed, failed)),
    )


def _is_unconfirmed(event: ReportEvent) -> bool:
    """Whether GitHub itself answered 2xx, without saying what it stored."""
    is_from_github = noted_reason(event.note) not in NOT_FROM_GITHUB
    return event.kind is EventKind.UNKNOWN and event.http_status in ANSWERED_2XX and is_from_github

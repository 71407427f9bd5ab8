"""Notifications of a transaction: collected while it runs, published by the ledger only after the commit.

Nothing is published that was rolled back, and nothing twice; a process that dies right after the commit publishes
nothing.
"""

from collections.abc import Collection, Mapping

from sqlalchemy import bindparam, select

from domain.delivery.notifications import Announcement, Move, Notification, ReportName
from domain.delivery.report import EventKind
from domain.delivery.target import Target
from storage.models import StatusReport, StatusTarget
from storage.transaction import Row, Transaction, table_of

UNPUBLISHED = frozenset({EventKind.RECORDED, EventKind.CLAIMED})
"""Events that are not published: later events tell their result."""

REPORTS, TARGETS = table_of(StatusReport).c, table_of(StatusTarget).c
NAMES = select(
    REPORTS.id, REPORTS.state, REPORTS.job_id, REPORTS.execution, REPORTS.rejection,
    TARGETS.repository, TARGETS.sha, TARGETS.context,
).where(REPORTS.id.in_(bindparam("report_ids", expanding=True)), TARGETS.id == REPORTS.target_id)  # fmt: skip


def add(tx: Transaction, notification: Announcement) -> None:
    """Publish *notification* once the transaction is committed."""
    tx.notifications.append(notification)


def add_move(tx: Transaction, event: Row) -> None:
    """Publish an event of a report once the transaction is committed."""
    if event["kind"] not in UNPUBLISHED:
        tx.notifications.append(event)


def gathered(tx: Transaction) -> list[Notification]:
    """The notifications to publish after the commit, in order; called right before the commit.

    The names of reports are read within the transaction, as other transactions may change them after it. An exception
    here must not be caught, as it rolls the transaction back like any failed statement: the reports exist, by the
    foreign key of their events, so the ledger is unavailable; and PostgreSQL silently turns a commit after a failed
    statement into a rollback.
    """
    known = _known(tx, {one["report_id"] for one in tx.notifications if isinstance(one, dict)})
    return [_move(one, known) if isinstance(one, dict) else one for one in tx.notifications]


def _move(event: Row, known: Mapping[int, tuple[ReportName, str | None]]) -> Move:
    name, rejection = known[event["report_id"]]
    facts = {key: value for key, value in event.items() if key not in ("report_id", "github_request_id")}
    return Move(name, rejection, request_id=event["github_request_id"], **facts)


def _known(tx: Transaction, report_ids: Collection[int]) -> dict[int, tuple[ReportName, str | None]]:
    """Name and rejection of each report."""
    if not report_ids:
        return {}
    return {
        report_id: (ReportName(report_id, state, job_id, execution, Target(*target)), rejection)
        for report_id, state, job_id, execution, rejection, *target in tx.execute(NAMES, report_ids=list(report_ids))
    }

"""Publishes reports that have been undelivered for long, each in the first reconciliation run to end after that.

Overlapping runs may both publish one. Not published: reports beyond a run's limit, and reports that were old already
when an operator reopened them, for the query goes by age.
"""

from datetime import datetime, timedelta

from sqlmodel import col, select

from domain.delivery.notifications import Overdue, ReportName
from domain.delivery.target import Target
from storage import after_commit
from storage.dialect import avoid_table_scans
from storage.models import Reconciliation, StatusReport, StatusTarget
from storage.transaction import Transaction


def publish(tx: Transaction, *, began: datetime, after: timedelta, limit: int) -> None:
    """Publish the reports, *limit* at most, that have become older than *after* since the last run began.

    *began*: when this run began. A run that died published nothing; the next one covers its time too.
    """
    avoid_table_scans(tx)
    last = (
        select(Reconciliation.started_at)
        .where(col(Reconciliation.ended_at).is_not(None), col(Reconciliation.started_at) < began)
        .order_by(col(Reconciliation.started_at).desc())
        .limit(1)
    )
    before = tx.session.exec(last).one_or_none()
    found = (
        select(StatusReport, StatusTarget)
        .join(StatusTarget, col(StatusTarget.newest_id) == col(StatusReport.id))
        .where(col(StatusTarget.due_at).is_not(None), col(StatusReport.created_at) <= began - after)
        .order_by(col(StatusReport.created_at))
        .limit(limit)
    )
    if before is not None:
        found = found.where(col(StatusReport.created_at) > before - after)
    for report, target in tx.session.exec(found):
        assert report.id is not None  # stored
        named = Target(target.repository, target.sha, target.context)
        name = ReportName(report.id, report.state, report.job_id, report.execution, named)
        after_commit.add(tx, Overdue(name, report.created_at, target.last_error))

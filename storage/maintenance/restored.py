"""Prepares a ledger restored from a backup: its undelivered reports may be on GitHub already."""

from sqlmodel import col, select, update

from domain.delivery.policy import Policy
from domain.delivery.report import EventKind
from storage import counters
from storage.delivery import events
from storage.delivery.check_runs import rows
from storage.delivery.leases import RELEASED
from storage.delivery.verification import FIRST_VERIFICATION
from storage.jobs.never_started import RESTORED
from storage.models import StatusReport, StatusTarget
from storage.transaction import Transaction


def read_back_everything(tx: Transaction, *, policy: Policy) -> int:
    """Have every unsettled report, rejected ones too, read back before it is sent; how many there are.

    A check run is read before anything more is said of it, also where its target was settled.

    Leases from the time of the backup are ended. Requests in flight when the ledger was restored may still turn up:
    every unsettled target is in doubt, and is verified once it is delivered. Reports recorded after the backup are
    lost, with their order.
    """
    open_now = select(StatusTarget.newest_id).where(col(StatusTarget.newest_id).is_not(None))
    unsettled = (col(StatusReport.delivered_at).is_(None), col(StatusReport.id).in_(open_now))
    found = tx.session.exec(select(StatusReport.id).where(*unsettled))
    report_ids = [report_id for report_id in found if report_id is not None]
    tx.session.exec(update(StatusReport).where(*unsettled).values(read_back=True))
    rows.doubt(tx, col(StatusTarget.has_check_runs).is_(True))  # settled ones too: their jobs may end again
    doubt = {"doubt_until": tx.now + policy.settle_after, "verify_at": tx.now + FIRST_VERIFICATION}
    of_these = col(StatusTarget.newest_id).in_(select(StatusReport.id).where(*unsettled))
    tx.session.exec(update(StatusTarget).where(of_these).values(**RELEASED, **doubt))
    tx.session.exec(update(StatusTarget).where(col(StatusTarget.due_at).is_not(None)).values(due_at=tx.now))
    counters.put(tx, {RESTORED: counters.mark_of(tx.now)})
    for report_id in report_ids:
        events.append(tx, report_id, EventKind.RECOVERED, note="a backup was put back")
    return len(report_ids)

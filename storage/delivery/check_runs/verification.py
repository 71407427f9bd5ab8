"""Stores what a verification found of a target's check runs, and has told to GitHub what it lacks."""

from collections.abc import Sequence

from sqlmodel import col, func, select, update

from domain.delivery.outcome import ShownRun
from domain.delivery.report import EventKind
from domain.delivery.run_facts import compared
from storage.delivery import events, verification
from storage.delivery.check_runs import rows
from storage.delivery.verification import Snapshot
from storage.models import StatusReport, StatusTarget
from storage.transaction import Transaction


def store(tx: Transaction, seen: Snapshot, shown: Sequence[ShownRun], *, app: str | None) -> tuple[bool, bool]:
    """Compare and store: whether the newest run is listed, and whether the target is due again. It is locked."""
    runs = rows.of_target(tx, seen.target_id)
    mine = next(run for run in runs if run.github_id == seen.ours.own)
    found = compared(runs, mine, shown, app=app)
    for run in found.doubled:
        verification.note_doubled(tx, seen, _last_report(tx, run.job_id, run.execution))
    for run in found.changed:
        rows.change(tx, run)
    if found.is_covered:
        anew = update(StatusReport).where(col(StatusReport.id) == seen.ours.newest)
        tx.session.exec(anew.values(delivered_at=None, github_status_id=None))
        note = "an older execution's check run covered it; another one is made"
        events.append(tx, seen.ours.newest, EventKind.REPAIRED, credential=seen.credential, note=note)
    is_due = rows.has_more(tx, seen.ours.newest)
    if is_due:
        its = col(StatusTarget.id) == seen.target_id
        tx.session.exec(update(StatusTarget).where(its).values(due_at=tx.now, bulk_at=None))
    return found.is_clear, is_due


def _last_report(tx: Transaction, job_id: object, execution: int) -> int:
    """The last report of an execution."""
    its = (StatusReport.job_id == job_id, StatusReport.execution == execution)
    return tx.session.exec(select(func.max(StatusReport.id)).where(*its)).one() or 0

"""Verifies what GitHub shows after a possibly late request: counts duplicates, repairs covered reports."""

from datetime import datetime
from functools import partial

from domain.delivery.credential_name import client_id_of
from domain.delivery.outcome import Page, RunsPage
from domain.delivery.read_back import is_beyond, joined
from domain.delivery.surface import AppendedKind
from github_api.apps import CHECK_RUNS, STATUSES
from storage.delivery import verification
from storage.delivery.check_runs import verification as run_verification
from storage.delivery.verification import Snapshot, next_verification, verify_again_at
from storage.transaction import Transaction
from tasks.delivery.reporter import Reporter
from tasks.delivery.verification_reads import Pages, Unread, read_pages

LIMIT = 20
"""Targets that a reconciliation run verifies."""


async def to_verify(reporter: Reporter) -> list[int]:
    """Ids of targets whose verification is due now."""
    return await reporter.ledger.read(verification.due, limit=LIMIT)


async def verify_target(reporter: Reporter, target_id: int) -> bool:
    """Verify one target. True: its newest report is due again, or something else is to be said of its check runs."""
    snapshot = await reporter.ledger.read(verification.take_snapshot, target_id)
    if snapshot is None:
        return False
    if snapshot.is_check_run:
        runs = Pages(CHECK_RUNS, partial(reporter.check_runs.page, snapshot.target), RunsPage, lambda *_: False)
        return await reporter.ledger.write(_conclude_runs, snapshot, await read_pages(reporter, snapshot, runs))
    statuses = Pages(STATUSES, partial(reporter.surface.page, snapshot.target), Page, partial(_is_beyond, snapshot))
    pages = await read_pages(reporter, snapshot, statuses)
    return await reporter.ledger.write(_conclude, snapshot, pages, reporter.surface.kind)


def _is_beyond(snapshot: Snapshot, page: Page, github_time: datetime | None) -> bool:
    return is_beyond(page.posted, snapshot.not_before, github_time=github_time)


def _conclude(tx: Transaction, snapshot: Snapshot, pages: list[Page] | Unread, kind: AppendedKind) -> bool:
    """Record what *pages* show and when to verify again. True: it was repaired."""
    if not _may_conclude(tx, snapshot, pages):
        return False
    assert isinstance(pages, list)
    found = kind.shown(joined(page.posted for page in pages), snapshot.target, snapshot.ours)
    for report_id in found.doubled:
        verification.note_doubled(tx, snapshot, report_id)
    if found.overriding is not None:
        verification.note_overridden(tx, snapshot, found.overriding)
    if found.is_unmarked:
        verification.note_unmarked(tx, snapshot)
    _schedule(tx, snapshot, is_clear=found.is_clear)
    return found.is_covered and verification.repair(tx, snapshot, kind)


def _conclude_runs(tx: Transaction, snapshot: Snapshot, pages: list[RunsPage] | Unread) -> bool:
    """The same for check runs. True: something is to be said of them."""
    if not _may_conclude(tx, snapshot, pages):
        return False
    assert isinstance(pages, list)
    shown = [run for page in pages for run in page.runs]
    is_clear, is_due = run_verification.store(tx, snapshot, shown, app=client_id_of(snapshot.credential))
    _schedule(tx, snapshot, is_clear=is_clear)
    return is_due


def _may_conclude(tx: Transaction, snapshot: Snapshot, pages: object) -> bool:
    """Lock the target: whether it was read, and is unchanged since; postpones what was not read."""
    if not verification.is_unchanged(tx, snapshot):
        return False
    if isinstance(pages, Unread):
        _postpone(tx, snapshot, verify_again_at(snapshot.since, tx.now, is_answered=pages.is_answered))
    return not isinstance(pages, Unread)


def _schedule(tx: Transaction, snapshot: Snapshot, *, is_clear: bool) -> None:
    if is_clear:
        verification.mark_verified(tx, snapshot, again_at=next_verification(snapshot.since, tx.now))
    else:
        _postpone(tx, snapshot, verify_again_at(snapshot.since, tx.now))


def _postpone(tx: Transaction, snapshot: Snapshot, again_at: datetime | None) -> None:
    """Schedule an unclear verification again, or record that it is given up. The target is locked."""
    if again_at is None:
        verification.note_unseen(tx, snapshot)
    verification.mark_verified(tx, snapshot, again_at=again_at)

"""Reads all that the status page shows, in a dozen statements, none of which reads a whole table."""

from typing import Any

from sqlmodel import col, func, select

from domain.operations.overview import Listed, Overview, Refusals, day_before
from storage import counters
from storage.delivery.reports import Selection
from storage.dialect import avoid_table_scans
from storage.models import StatusReport, StatusTarget
from storage.operations import day
from storage.operations.credential_usage import current_pauses
from storage.operations.job_runs import count_never_started, counts_in
from storage.operations.listing import listing
from storage.transaction import Transaction

OLDEST = 20
"""Undelivered reports shown."""

EXAMPLES = 3
"""Rejected reports shown of each reason."""


def overview(tx: Transaction) -> Overview:
    """The overview at *now*; consistent within `Ledger.reading`."""
    avoid_table_scans(tx)
    undelivered, oldest = _undelivered(tx)
    refused = _refused(tx)
    shown = _shown(tx, [*oldest, *(number for _, _, numbers in refused for number in numbers)])
    return Overview(
        at=tx.now,
        undelivered=undelivered,
        oldest=tuple(shown[number] for number in oldest),
        rejected=tuple(
            Refusals(reason, count, tuple(shown[number] for number in numbers)) for reason, count, numbers in refused
        ),
        pauses=current_pauses(tx),
        day=day.figures(tx, day_before(tx.now)),
        runs=counts_in(counters.read(tx)),
        never_started=count_never_started(tx),
    )


def _undelivered(tx: Transaction) -> tuple[int, list[int]]:
    """How many reports are due or being sent, and the ids of the oldest."""
    newest = col(StatusTarget.newest_id)
    found = select(newest, func.count().over()).where(col(StatusTarget.due_at).is_not(None))
    rows = tx.session.exec(found.order_by(newest).limit(OLDEST)).all()
    return (rows[0][1] if rows else 0), [number for number, _ in rows if number is not None]


def _refused(tx: Transaction) -> list[tuple[str, int, list[int]]]:
    """Each reason, how many current reports were rejected for it, and the ids of the oldest; most frequent first."""
    number, reason = col(StatusReport.id), col(StatusReport.rejection)
    place: Any = func.row_number().over(partition_by=reason, order_by=number).label("place")
    every: Any = func.count().over(partition_by=reason).label("every")
    ranked: Any = (
        select(number, reason, every, place)
        .join(StatusTarget, col(StatusTarget.id) == col(StatusReport.target_id))
        .where(col(StatusReport.rejected_at).is_not(None), col(StatusTarget.newest_id) == number)
        .subquery()
    )
    found: dict[tuple[int, str], list[int]] = {}
    first: Any = (
        select(ranked.c.id, ranked.c.rejection, ranked.c.every).where(ranked.c.place <= EXAMPLES).order_by(ranked.c.id)
    )
    for report_id, said, count in tx.session.exec(first):
        found.setdefault((-count, said), []).append(report_id)
    return [(reason, -less, numbers) for (less, reason), numbers in sorted(found.items())]


def _shown(tx: Transaction, numbers: list[int]) -> dict[int, Listed]:
    if not numbers:
        return {}
    found, _ = listing(tx, Selection(report_ids=tuple(numbers)), limit=len(numbers))
    return {one.id: one for one in found}

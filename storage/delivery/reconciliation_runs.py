"""Reconciliation runs: begin, end, and when the last one succeeded."""

from datetime import datetime
from uuid import UUID

from sqlmodel import col, exists, select, update

from storage.models import Reconciliation
from storage.transaction import Transaction


def begin(tx: Transaction, run_id: UUID) -> int:
    """Store a reconciliation run that begins now; its id. A run without an end is active, or died."""
    row = Reconciliation(run_id=run_id, started_at=tx.now)
    tx.session.add(row)
    tx.session.flush()
    assert row.id is not None
    return row.id


def end(tx: Transaction, row_id: int, *, began: datetime, delivered: int, undelivered: int) -> None:
    """Store the end of a run that *began* then, never as before that."""
    mine = col(Reconciliation.id) == row_id
    values = {"ended_at": max(began, tx.now), "delivered": delivered, "undelivered": undelivered}
    tx.session.exec(update(Reconciliation).where(mine).values(**values))


def has_succeeded_since(tx: Transaction, moment: datetime) -> bool:
    """Whether a run that began at *moment* or later has ended: all of its work was done after *moment*."""
    succeeded = exists().where(col(Reconciliation.started_at) >= moment, col(Reconciliation.ended_at).is_not(None))
    return bool(tx.session.exec(select(succeeded)).one())


def last_success(tx: Transaction) -> datetime | None:
    """When the latest run that ended did so. None: none has ended."""
    ended = col(Reconciliation.ended_at)
    latest = select(ended).where(ended.is_not(None)).order_by(col(Reconciliation.started_at).desc()).limit(1)
    return tx.session.exec(latest).one_or_none()

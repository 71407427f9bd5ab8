"""Transactions of another moment or actor than their ledger's, and of one statement."""

from dataclasses import replace
from datetime import datetime

from sqlalchemy import text

from storage.ledger import Ledger
from storage.transaction import Transaction


def at(tx: Transaction, *, now: datetime | None = None, actor: str | None = None) -> Transaction:
    """The same transaction with another time or actor."""
    return replace(tx, clock=tx.clock if now is None else lambda _: now, actor=actor or tx.actor)


async def value(ledger: Ledger, statement: str) -> object:
    """`scalar`, in a transaction of its own."""
    return await ledger.write(scalar, statement)


def scalar(tx: Transaction, statement: str) -> object:
    """The first value of a statement's first row; None of one that returns none."""
    result = tx.session.connection().execute(text(statement))
    return result.scalar() if result.returns_rows else None

"""Stored counters for facts whose rows may change or be pruned, raised in the transaction that changes the row."""

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

from sqlmodel import select

from storage.dialect import insert
from storage.models import MetricTotal
from storage.transaction import Transaction

Key: TypeAlias = tuple[str, str, str]
"""Name of a counter and its two labels, empty if it has fewer."""

KEY = ("name", "first", "second")
SAME = "(name, first, second) DO"

RAISE = insert(MetricTotal, *KEY, "total", on_conflict=f"{SAME} UPDATE SET total = metric_total.total + excluded.total")
PUT = insert(MetricTotal, *KEY, "total", on_conflict=f"{SAME} UPDATE SET total = excluded.total")
ENSURE = insert(MetricTotal, *KEY, "total", on_conflict=f"{SAME} NOTHING")

START = datetime(1970, 1, 1, tzinfo=UTC)
UNIT = timedelta(microseconds=1)


def add(tx: Transaction, amounts: Mapping[Key, int]) -> None:
    """Raise counters by *amounts*, ignoring 0. Call it last in a transaction: the rows stay locked until its end."""
    for key, amount in sorted(amounts.items()):
        if amount:
            tx.execute(RAISE, **_named(key), total=amount)


def _named(key: Key) -> dict[str, str]:
    return dict(zip(KEY, key, strict=True))


def read(tx: Transaction) -> Counter[Key]:
    """All counters, of one moment."""
    found: Counter[Key] = Counter()
    for one in tx.session.exec(select(MetricTotal), execution_options={"populate_existing": True}):
        found[one.name, one.first, one.second] = int(one.total)
    return found


def locked(tx: Transaction, key: Key) -> int:
    """One counter, locked until the transaction ends; 0 if it has not been raised yet."""
    tx.execute(ENSURE, **_named(key), total=0)
    return int(tx.session.exec(select(MetricTotal.total).filter_by(**_named(key)).with_for_update()).one())


def put(tx: Transaction, marks: Mapping[Key, int]) -> None:
    """Set values that are marks, not counters, up to 2^53."""
    for key, mark in sorted(marks.items()):
        tx.execute(PUT, **_named(key), total=mark)


def mark_of(moment: datetime | None) -> int:
    """*moment* as a mark: microseconds since 1970; 0: none."""
    return (moment - START) // UNIT if moment else 0


def moment_of(mark: int) -> datetime | None:
    """The moment of a mark; None: there is none."""
    return START + mark * UNIT if mark else None

"""Stored counters for facts whose rows may change or be pruned, raised in the transaction that changes the row."""

from collections import Counter
from collections.abc import Mapping
from typing import TypeAlias

from sqlmodel import col, select

from storage.dialect import INSERT, insert_ignore
from storage.models import MetricTotal
from storage.transaction import Transaction

Key: TypeAlias = tuple[str, str, str]
"""Name of a counter and its two labels, empty if it has fewer."""

KEY = ("name", "first", "second")


def add(tx: Transaction, amounts: Mapping[Key, int]) -> None:
    """Raise counters by *amounts*, ignoring 0. Call it last in a transaction: the rows stay locked until its end."""
    rows = [dict(zip(KEY, key, strict=True), total=amount) for key, amount in sorted(amounts.items()) if amount]
    if rows:
        insert = INSERT[tx.session.get_bind().dialect.name](MetricTotal)
        more = {"total": col(MetricTotal.total) + insert.excluded.total}
        tx.session.exec(insert.values(rows).on_conflict_do_update(index_elements=KEY, set_=more))


def read(tx: Transaction) -> Counter[Key]:
    """All counters, of one moment."""
    found: Counter[Key] = Counter()
    for one in tx.session.exec(select(MetricTotal), execution_options={"populate_existing": True}):
        found[one.name, one.first, one.second] = int(one.total)
    return found


def locked(tx: Transaction, key: Key) -> int:
    """One counter, locked until the transaction ends; 0 if it has not been raised yet."""
    row = dict(zip(KEY, key, strict=True))
    insert_ignore(tx, MetricTotal, KEY, {**row, "total": 0.0})
    return int(tx.session.exec(select(MetricTotal.total).filter_by(**row).with_for_update()).one())


def put(tx: Transaction, marks: Mapping[Key, int]) -> None:
    """Set values that are marks, not counters, up to 2^53."""
    insert = INSERT[tx.session.get_bind().dialect.name](MetricTotal)
    rows = [dict(zip(KEY, key, strict=True), total=mark) for key, mark in sorted(marks.items())]
    values = {"total": insert.excluded.total}
    tx.session.exec(insert.values(rows).on_conflict_do_update(index_elements=KEY, set_=values))

"""The statements of a snapshot: few, and each by an index."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from figures import figures
from ledger_jobs import order, run_job
from sqlalchemy import event, text
from world import World

from storage.ledger import Ledger
from storage.operations.metrics import snapshot

MOST_STATEMENTS = 12


@contextmanager
def statements(ledger: Ledger) -> Iterator[list[str]]:
    """The statements that reach the database meanwhile."""
    seen: list[str] = []

    def note(*told: object) -> None:
        seen.append(str(told[2]))

    event.listen(ledger.engine, "before_cursor_execute", note)
    yield seen
    event.remove(ledger.engine, "before_cursor_execute", note)


async def test_a_snapshot_takes_a_dozen_statements_at_the_most(world: World) -> None:
    await run_job(world.ledger, order())
    with statements(world.ledger) as seen:
        await figures(world)
    assert 0 < len(seen) <= MOST_STATEMENTS


@pytest.mark.parametrize("database", ["sqlite"])
async def test_every_statement_of_a_snapshot_goes_by_an_index_or_a_small_table(world: World) -> None:
    await run_job(world.ledger, order())
    with statements(world.ledger) as seen:
        await figures(world)
    plans = [await plan_of(world.ledger, statement) for statement in seen if statement.startswith("SELECT")]
    scans = {line for plan in plans for line in plan if line.startswith("SCAN") and " USING " not in line}
    assert scans <= {"SCAN metric_total", "SCAN credential", "SCAN reconciliation"}, scans
    assert any("FROM reconciliation" in one and "DESC" in one and "LIMIT" in one for one in seen)  # from its end


async def plan_of(ledger: Ledger, statement: str) -> list[str]:
    with ledger.engine.connect() as connection:
        parameters = tuple("" for _ in range(statement.count("?")))
        found = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
        return [str(row[3]) for row in found.all()]


@pytest.mark.parametrize("database", ["postgresql"])
async def test_a_snapshot_is_planned_by_look_ups_and_no_other_transaction_is(world: World) -> None:
    with world.ledger.transaction(only_reads=True) as tx:
        snapshot(tx)
        connection = tx.session.connection()
        assert connection.scalar(text("SHOW enable_hashjoin")) == "off"
        assert connection.scalar(text("SHOW transaction_isolation")) == "repeatable read"
    with world.ledger.transaction() as tx:
        connection = tx.session.connection()
        assert connection.scalar(text("SHOW enable_hashjoin")) == "on"
        assert connection.scalar(text("SHOW transaction_isolation")) == "read committed"

"""Indexes are used with bound parameters, partial ones too, also by statements that a connection has executed often."""

from collections.abc import Callable
from datetime import timedelta
from typing import TypeAlias

import pytest
from ledger_jobs import CREDENTIAL, order, run_job
from sqlalchemy import text
from world import World

from benchmarks.query_plans import WHOLE_TABLE, explained
from domain.delivery.budget import Urgency, WriteBudget
from domain.delivery.policy import Policy
from domain.operations.overview import day_before
from storage.delivery import due, future_times, overdue, reports, verification
from storage.delivery.budget import wait_until
from storage.jobs.liveness import at_work
from storage.operations.credential_usage import usages
from storage.operations.day import figures
from storage.operations.metrics import snapshot
from storage.transaction import Transaction

BUDGET = WriteBudget()
Read: TypeAlias = Callable[[Transaction], object]

READS: dict[str, tuple[Read, ...]] = {
    "ix_report_event_credential_at": (
        lambda tx: wait_until(tx, CREDENTIAL, BUDGET, Urgency.SPACING),
        usages,
    ),
    "ix_job_ended_at": (at_work,),
    "ix_status_report_created_at": (lambda tx: figures(tx, day_before(tx.now)),),
    "ix_status_target_verify_at": (lambda tx: verification.due(tx, limit=20),),
    "ix_status_target_doubt_until": (lambda tx: future_times.cut(tx, policy=Policy()),),
    "ix_status_target_refused_since": (lambda tx: future_times.cut(tx, policy=Policy()),),
    "ix_status_target_due_at": (lambda tx: reports.undelivered(tx, reports.Selection()),),
}
"""What reads, by the index that it needs."""


OF_ALL_THAT_IS_DUE: dict[str, Read] = {
    "offers": lambda tx: due.offers(tx, limit=100, write_budget=BUDGET),
    "when to ask again": lambda tx: due.next_due(tx, write_budget=BUDGET),
    "overdue": lambda tx: overdue.publish(tx, began=tx.now, after=timedelta(minutes=15), limit=100),
    "the metrics": snapshot,
}

TIMES = 8
"""PostgreSQL may use a generic plan from the sixth execution."""


@pytest.mark.parametrize("index", READS)
async def test_a_statement_with_bound_parameters_uses_its_index(world: World, index: str) -> None:
    await run_job(world.ledger, order())
    with world.ledger.transaction() as tx:
        if tx.session.get_bind().dialect.name == "postgresql":  # its planner reads a table of a few rows as a whole
            connection = tx.session.connection()
            connection.execute(text("SET LOCAL enable_seqscan = off"))
        for read in READS[index]:
            with explained(world.ledger.engine) as plans:
                read(tx)
            assert any(index in plan for plan in plans), plans


async def test_a_plan_that_reads_a_whole_table_is_found(world: World) -> None:
    with explained(world.ledger.engine) as plans, world.ledger.transaction(only_reads=True) as tx:
        tx.session.connection().execute(text("SELECT description FROM status_report"))
    assert WHOLE_TABLE.search(plans[-1])


@pytest.mark.parametrize("read", [*OF_ALL_THAT_IS_DUE.values()], ids=[*OF_ALL_THAT_IS_DUE])
@pytest.mark.parametrize("database", ["postgresql"])
async def test_what_reads_all_that_is_due_joins_by_look_ups(world: World, read: Read) -> None:
    """However many targets are due: its planner would read all reports for some thousands."""
    with world.ledger.transaction() as tx:
        read(tx)
        assert tx.session.connection().scalar(text("SHOW enable_hashjoin")) == "off"


@pytest.mark.parametrize("database", ["postgresql"])
async def test_no_statement_is_prepared_however_often_it_is_executed(world: World) -> None:
    with world.ledger.transaction() as tx:
        for read in [read for reads in READS.values() for read in reads] * TIMES:
            read(tx)
        connection = tx.session.connection()
        assert connection.scalar(text("SELECT count(*) FROM pg_prepared_statements")) == 0

"""Indexes are used with bound parameters, partial ones too, also by statements that a connection has executed often."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias

import pytest
from sqlalchemy import Connection, event, text
from sqlmodel.ext.asyncio.session import AsyncSession
from world import CREDENTIAL, World, order, run_job

from domain.delivery.budget import Urgency, WriteBudget
from domain.operations.overview import day_before
from storage.delivery.budget import wait_until
from storage.jobs.liveness import at_work
from storage.operations.credential_usage import usages
from storage.operations.day import figures

BUDGET = WriteBudget()
Read: TypeAlias = Callable[[AsyncSession, World], Awaitable[object]]

READS: dict[str, tuple[Read, ...]] = {
    "ix_report_event_credential_at": (
        lambda session, world: wait_until(session, CREDENTIAL, BUDGET, Urgency.SPACING, now=world.clock.now),
        lambda session, world: usages(session, now=world.clock.now),
    ),
    "ix_job_ended_at": (lambda session, _: at_work(session),),
    "ix_status_report_created_at": (lambda session, world: figures(session, day_before(world.clock.now)),),
}
"""What reads, by the index that it needs."""


TIMES = 8
"""PostgreSQL may use a generic plan from the sixth execution."""


@contextmanager
def explained(session: AsyncSession) -> Iterator[list[str]]:
    """The plans of the statements executed meanwhile, each with the values that were bound to it."""
    plans: list[str] = []
    explain = "EXPLAIN " if session.get_bind().dialect.name == "postgresql" else "EXPLAIN QUERY PLAN "

    def note(connection: Connection, _: object, statement: str, parameters: Any, *__: object) -> None:  # noqa: ANN401  # the driver's
        if statement.startswith(("SELECT", "WITH")):
            rows = connection.exec_driver_sql(explain + statement, parameters).all()
            plans.append("\n".join(str(row[-1]) for row in rows))

    engine = session.get_bind()
    event.listen(engine, "after_cursor_execute", note)
    yield plans
    event.remove(engine, "after_cursor_execute", note)


@pytest.mark.parametrize("index", READS)
async def test_a_statement_with_bound_parameters_uses_its_index(world: World, index: str) -> None:
    await run_job(world.ledger, order())
    async with world.ledger.reading() as session:
        if session.get_bind().dialect.name == "postgresql":  # its planner reads a table of a few rows as a whole
            connection = await session.connection()
            await connection.execute(text("SET LOCAL enable_seqscan = off"))
        for read in READS[index]:
            with explained(session) as plans:
                await read(session, world)
            assert any(index in plan for plan in plans), plans


@pytest.mark.parametrize("database", ["postgresql"])
async def test_no_statement_of_a_connection_gets_a_generic_plan_however_often_it_is_executed(world: World) -> None:
    async with world.ledger.reading() as session:
        for read in [read for reads in READS.values() for read in reads] * TIMES:
            await read(session, world)
        connection = await session.connection()
        bound = "FROM pg_prepared_statements WHERE cardinality(parameter_types) > 0"
        found = await connection.execute(text(f"SELECT max(custom_plans), sum(generic_plans) {bound}"))
        assert tuple(found.one()) == (TIMES, 0)

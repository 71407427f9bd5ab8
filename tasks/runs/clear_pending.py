"""Ends reconciliation runs that stay Pending on Prefect's server though their worker is gone."""

from datetime import datetime
from uuid import UUID

from prefect.client.schemas.objects import StateType
from prefect.states import Crashed

from tasks.runs.dead_runs import dead_runs
from tasks.runs.job_runs import runs_of, server


async def crash_pending_reconciliations(deployment_id: UUID, *, now: datetime) -> None:
    """Set to Crashed the runs that a worker took and never started. *now*: by the clock of Prefect's server.

    Raises the errors of Prefect's client where the server cannot be reached.
    """
    async with server() as client:
        pending = await client.read_flow_runs(flow_run_filter=runs_of([deployment_id], StateType.PENDING))
        dead = await dead_runs(client, pending, now)
        for run in pending:
            if run.id in dead and (await client.read_flow_run(run.id)).state_id == run.state_id:
                await client.set_flow_run_state(run.id, Crashed(message=f"{dead[run.id]}; the next pass does its work"))

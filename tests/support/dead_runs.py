"""Flow runs of a docs-job deployment in any state, with or without a worker, for tests of those that never start."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from flow_rig import Rig
from ledger_jobs import begin, end
from prefect import get_client
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.client.schemas.objects import State
from prefect.states import Cancelled, Cancelling, Completed, Scheduled

from domain.jobs.execution import Execution
from domain.jobs.job_states import JobState
from storage.jobs import jobs
from tasks.process.identity import this_process

OTHERS = "ledger:0b0e8a80-0000-4000-8000-000000000000"
FAILED = ("error", "could not start: its flow run failed before the job was accepted")
CRASHED = ("error", "could not start: its process died before the job was accepted")
WORKER_DIED = ("error", "could not start: its worker died before the job was accepted")


async def worker(name: str) -> dict[str, str]:
    """A worker that has just sent a heartbeat; the labels that it gives to its flow runs."""
    pool = str(uuid4())
    async with get_client() as client:
        await client.create_work_pool(WorkPoolCreate(name=pool, type="process"))
        await client.send_worker_heartbeat(pool, name)
    return {"prefect.worker.name": name, "prefect.work-pool.name": pool}


async def taken(run_id: UUID, labels: Mapping[str, str]) -> UUID:
    async with get_client() as client:
        await client.update_flow_run_labels(run_id, dict(labels))
    return run_id


async def asked(rig: Rig, deployment: UUID, *states: State[None], **parameters: object) -> UUID:
    """A flow run for the rig's commit that has gone through *states*."""
    given = {"job": "sphinx", "target": rig.target(), **parameters}
    async with get_client() as client:
        made = await client.create_flow_run_from_deployment(
            deployment, parameters={name: one for name, one in given.items() if one is not None}, state=states[0]
        )
        for state in states[1:]:
            await client.set_flow_run_state(made.id, state, force=True)
    return made.id


async def accepted(rig: Rig, run_id: UUID, state: JobState | None = None) -> None:
    """Accept the job of a flow run, and end it in *state*."""
    async with rig.ledger() as ledger:
        taken = await ledger.write(jobs.accept, rig.order(run_id), by=this_process())
        assert isinstance(taken, Execution)
        if state is not None:
            await begin(ledger, taken)
            await end(ledger, taken, state)


NOT_DEAD: tuple[State[None], ...] = (Cancelled(), Cancelling(), Completed(), Scheduled())
"""States of flow runs that were ended on purpose, or have not begun."""


def due(minutes: float) -> State[None]:
    """Scheduled to start in so many minutes."""
    return Scheduled(scheduled_time=datetime.now(UTC) + timedelta(minutes=minutes))


async def this_machines(_: PrefectClient) -> datetime:
    """The exact time of the test's Prefect server."""
    return datetime.now(UTC)

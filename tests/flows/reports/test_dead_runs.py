"""Which flow runs cannot go on, by what a Prefect server says of them and of their workers."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from flow_runs import run_of, state_of_run
from prefect import get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.client.schemas.objects import State
from prefect.events import Event
from prefect.states import Pending, Running, Suspended

from flows.reconcile_reports import reconcile_reports
from tasks.runs.clear_pending import crash_pending_reconciliations
from tasks.runs.dead_runs import HEARTBEAT, dead_runs
from tasks.runs.workers import WORKER, time_of

pytestmark = pytest.mark.usefixtures("rig")
MINUTE = timedelta(minutes=1)


@pytest.fixture
async def deployment() -> UUID:
    """A deployment in a pool of its own, which has one worker."""
    async with get_client() as client:
        pool = (await client.create_work_pool(WorkPoolCreate(name=f"pool-{uuid4()}", type="process"))).name
        await client.send_worker_heartbeat(pool, "living", 30)
        flow_id = await client.create_flow(reconcile_reports)
        return await client.create_deployment(flow_id, str(uuid4()), work_pool_name=pool)


async def taken(deployment: UUID, state: State[None], by: str | None = "dead") -> UUID:
    """A flow run in that state since now, which a worker has taken."""
    run_id = await run_of(deployment, state)
    if by is not None:
        async with get_client() as client:
            await client.update_flow_run_labels(run_id, {WORKER: by})
    return run_id


async def dead(run_id: UUID, *, after: timedelta) -> str | None:
    """Why the run is dead at a time *after* now by the server, with the worker "living" alive then."""
    async with get_client() as client:
        run = await client.read_flow_run(run_id)
        now = await time_of(client) + min(after, MINUTE)  # heartbeats cannot be sent in the future
        later = {run.id: run.model_copy(update={"state": _older(run.state, after - min(after, MINUTE))})}
        return (await dead_runs(client, list(later.values()), now)).get(run_id)


def _older(state: State[None] | None, span: timedelta) -> State[None]:
    assert state is not None
    return state.model_copy(update={"timestamp": state.timestamp - span})


@pytest.mark.parametrize(
    ("by", "after", "why"),
    [
        ("dead", MINUTE, None),
        ("dead", 2 * MINUTE, "its worker is gone"),
        ("living", 9 * MINUTE, None),
        ("living", 11 * MINUTE, "it did not start within 10 minutes"),
        (None, 9 * MINUTE, None),  # taken a moment ago, by a worker that has not said so yet
    ],
)
async def test_a_pending_run_is_dead_without_its_worker_or_after_ten_minutes(
    deployment: UUID, by: str | None, after: timedelta, why: str | None
) -> None:
    assert await dead(await taken(deployment, Pending(), by), after=after) == why


@pytest.mark.parametrize(
    ("by", "after", "why"),
    [
        ("dead", 9 * MINUTE, None),
        ("dead", 11 * MINUTE, "its worker is gone, and it has no heartbeat"),
        ("living", timedelta(days=1), None),
    ],
)
async def test_a_running_run_is_dead_without_its_worker_and_heartbeats(
    deployment: UUID, by: str, after: timedelta, why: str | None
) -> None:
    assert await dead(await taken(deployment, Running(), by), after=after) == why


async def test_a_running_run_with_a_heartbeat_goes_on_without_its_worker(deployment: UUID) -> None:
    run_id = await taken(deployment, Running())
    async with get_client() as client:
        beat = Event(event=HEARTBEAT, resource={"prefect.resource.id": f"prefect.flow-run.{run_id}"})
        answer = await client.request("POST", "/events", json=[beat.model_dump(mode="json")])
        answer.raise_for_status()
    while await dead(run_id, after=11 * MINUTE):  # until the server has stored the event
        pass


async def test_a_suspended_run_is_left_to_the_person_who_suspended_it(deployment: UUID) -> None:
    assert await dead(await taken(deployment, Suspended()), after=timedelta(days=1)) is None


async def test_a_pass_that_stays_pending_without_its_worker_is_crashed(
    deployment: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone, alive = await taken(deployment, Pending()), await taken(deployment, Pending(), "living")
    monkeypatch.setattr("tasks.runs.dead_runs._since", lambda *_: 2 * MINUTE)
    async with get_client() as client:
        now = await time_of(client)
    await crash_pending_reconciliations(deployment, now=now)
    states = [await state_of_run(one) for one in (gone, alive)]
    assert [state.name for state in states] == ["Crashed", "Pending"]
    assert states[0].message == "its worker is gone; the next pass does its work"

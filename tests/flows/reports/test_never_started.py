"""A flow run that dies before its job is accepted shows on its commit, and never over what was asked for later."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from dead_runs import CRASHED, FAILED, NOT_DEAD, OTHERS, WORKER_DIED, accepted, asked, due, taken, worker
from flow_rig import Rig
from flow_runs import deployed, run, run_again, state_name_of
from prefect import get_client
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.actions import DeploymentUpdate
from prefect.states import Crashed, Failed, Pending, Running

from domain.jobs.job_states import JobState
from flows.docs_job import docs_job
from flows.reconcile_reports import reconcile_reports
from tasks.runs import never_started as module
from tasks.runs.job_runs import have_started


async def test_a_run_that_failed_before_its_job_was_accepted_shows_on_its_commit(rig: Rig, deployment: UUID) -> None:
    await asked(rig, deployment, Running(), Failed())
    done = await run(reconcile_reports)
    assert rig.held() == [FAILED]
    assert done.shows[2] == "delivered 1, undelivered 0"
    await run(reconcile_reports)
    assert rig.held() == [FAILED]


async def test_the_job_of_a_run_that_never_started_has_the_options_that_were_asked_for(
    rig: Rig, deployment: UUID
) -> None:
    await asked(rig, deployment, Running(), Failed(), options={"processes": "3"})
    await run(reconcile_reports)
    assert (await rig.job()).options == {"processes": 3, "builder": "html", "nitpicky": False}


async def test_a_run_whose_process_died_while_it_started_shows_on_its_commit(rig: Rig, deployment: UUID) -> None:
    await asked(rig, deployment, Pending(), Crashed())
    await run(reconcile_reports)
    assert rig.held() == [CRASHED]


async def test_a_dead_run_never_covers_what_was_accepted_after_it_was_asked_for(rig: Rig, deployment: UUID) -> None:
    await asked(rig, deployment, Running(), Failed())
    rig.skipped += timedelta(seconds=5)
    await accepted(rig, await asked(rig, deployment, Running()), JobState.SUCCEEDED)
    rig.skipped -= timedelta(seconds=5)
    await run(reconcile_reports)
    assert rig.states() == ["success"]
    assert ("error", "superseded") in [(state, phase.value) for state, phase in await rig.phases()]


async def test_a_dead_run_covers_what_was_accepted_before_it_was_asked_for(rig: Rig, deployment: UUID) -> None:
    rig.skipped -= timedelta(seconds=10)
    await accepted(rig, uuid4(), JobState.SUCCEEDED)
    rig.skipped += timedelta(seconds=10)
    await run(reconcile_reports)
    await asked(rig, deployment, Running(), Failed())
    await run(reconcile_reports)
    assert rig.held()[-1] == FAILED
    assert rig.states() == ["success", "error"]


async def test_a_dead_run_covers_what_was_accepted_before_it_was_to_start(rig: Rig, deployment: UUID) -> None:
    later = await asked(rig, deployment, due(minutes=30))
    await accepted(rig, uuid4(), JobState.SUCCEEDED)
    await run(reconcile_reports)
    assert rig.states() == ["success"]
    async with get_client() as client:
        await client.set_flow_run_state(later, Failed(), force=True)
    await run(reconcile_reports)
    assert rig.states() == ["success", "error"]


@pytest.mark.usefixtures("is_long_ago")
async def test_what_is_not_dead_is_left_alone(rig: Rig, deployment: UUID) -> None:
    others, untagged = await deployed(docs_job, tags=[OTHERS]), await deployed(docs_job)
    for number, state in enumerate(NOT_DEAD):
        await asked(rig, deployment, Running(), state, target=rig.target(context=f"docs/{number}"))
    for another in (others, untagged):
        await asked(rig, another, Running(), Failed(), target=rig.target(context="docs/others"))
    async with get_client() as client:  # as `make deploy` for another ledger does
        await client.update_deployment(others, DeploymentUpdate(tags=(await client.read_deployment(deployment)).tags))
    at_work = await asked(rig, deployment, Running())
    await accepted(rig, at_work)
    await run(reconcile_reports)
    assert rig.states() == ["pending"]


async def test_a_run_that_may_still_start_is_left_alone(rig: Rig, deployment: UUID) -> None:
    await taken(await asked(rig, deployment, Pending()), {"prefect.worker.name": "gone"})
    await taken(await asked(rig, deployment, Running()), await worker("alive"))
    await run(reconcile_reports)
    assert rig.states() == []


async def test_a_run_whose_worker_died_shows_on_its_commit(
    rig: Rig, deployment: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("domain.operations.job_runs.NO_HEARTBEAT", timedelta(seconds=-60))
    alive = await worker("alive")
    await taken(await asked(rig, deployment, Pending(), target=rig.target(context="docs/b")), alive)
    dead = await taken(await asked(rig, deployment, Pending()), {**alive, "prefect.worker.name": "dead"})
    await run(reconcile_reports)
    assert rig.held() == [WORKER_DIED]
    assert await state_name_of(dead) == "Crashed"


@pytest.mark.usefixtures("is_long_ago")
async def test_a_run_that_hangs_before_its_job_is_accepted_shows_on_its_commit(rig: Rig, deployment: UUID) -> None:
    await taken(await asked(rig, deployment, Running()), await worker("alive"))
    await run(reconcile_reports)
    assert rig.held() == [("error", "could not start: its job was not accepted within 10 minutes")]


async def test_a_run_that_starts_after_all_has_its_own_outcome(rig: Rig, deployment: UUID) -> None:
    died = await asked(rig, deployment, Running(), Failed())
    await run(reconcile_reports)
    assert rig.held() == [FAILED]
    await run_again(docs_job, died)
    assert rig.states() == ["error", "pending", "success"]
    await run(reconcile_reports)
    assert rig.states() == ["error", "pending", "success"]


async def test_a_run_that_was_accepted_meanwhile_is_not_recorded(
    rig: Rig, deployment: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    died = await asked(rig, deployment, Running(), Failed())

    async def meanwhile(client: PrefectClient, run_ids: Sequence[UUID]) -> set[UUID]:
        await accepted(rig, died)
        return await have_started(client, run_ids)

    monkeypatch.setattr(module, "have_started", meanwhile)
    await run(reconcile_reports)
    assert rig.states() == ["pending"]

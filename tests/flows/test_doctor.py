"""`reportback doctor` against a Prefect server: what it reads there is what there is."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from flow_rig import Rig
from flow_runs import run
from prefect import Flow, get_client
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.actions import DeploymentScheduleCreate, WorkPoolUpdate
from prefect.client.schemas.schedules import IntervalSchedule
from prefect.settings import PREFECT_API_URL
from prefect.states import Scheduled

from console.checks import ledger, prefect, tokens
from console.checks.deployments import Expected
from console.checks.finding import Finding
from flows import docs_job as module
from flows.docs_job import docs_job
from flows.reconcile_reports import reconcile_reports
from flows.retry_reports import retry_reports
from local.work_pools import JOBS, POOLS, RECONCILE, close_pool
from settings import Settings

MINUTE = timedelta(minutes=1)
FLOWS: Mapping[Flow[..., Any], str] = {docs_job: JOBS, reconcile_reports: RECONCILE, retry_reports: RECONCILE}


@pytest.fixture
async def named(rig: Rig) -> UUID:  # noqa: ARG001  # its settings come first
    """A ledger, and the pools, a worker in each and the deployments for that ledger, as `make deploy` makes them."""
    _, facts = await ledger.check(Settings())
    assert facts
    async with get_client() as client:
        for name in POOLS:
            await close_pool(client, name)
            await client.update_work_pool(name, WorkPoolUpdate(is_paused=False))
            await client.send_worker_heartbeat(name, f"worker of {name}", 30)
        for flow, pool in FLOWS.items():
            schedules = [DeploymentScheduleCreate(schedule=IntervalSchedule(interval=MINUTE))]
            await client.create_deployment(
                await client.create_flow(flow), flow.name, work_pool_name=pool, tags=[f"ledger:{facts.ledger}"],
                parameter_openapi_schema={"definitions": {"JobName": {"enum": sorted(rig_job_types())}}},
                schedules=schedules if flow is reconcile_reports else [],
            )  # fmt: skip
        await planned(client, timedelta(seconds=30))
    return facts.ledger


def rig_job_types() -> set[str]:
    return set(module.JOB_TYPES)  # type: ignore[attr-defined]  # the rig's own


async def planned(client: PrefectClient, ahead: timedelta) -> None:
    """A pass that is scheduled, as Prefect's scheduler makes it."""
    made = await client.read_deployment_by_name("reconcile-reports/reconcile-reports")
    for old in await client.read_flow_runs():
        if old.deployment_id == made.id:
            await client.delete_flow_run(old.id)
    at = datetime.now(UTC) + ahead
    await client.create_flow_run_from_deployment(made.id, state=Scheduled(scheduled_time=at))


async def wrong(ledger_id: UUID) -> list[Finding]:
    checked = await prefect.check(Settings(), Expected(ledger_id, rig_job_types(), MINUTE))
    return [finding for finding in checked.findings if not finding.ok and finding.what != "Prefect's password"]


async def test_an_installation_in_order_has_no_problem(named: UUID) -> None:
    assert await wrong(named) == []
    checked = await prefect.check(Settings(), Expected(named, rig_job_types(), MINUTE))
    assert checked.online == {f"worker of {name}" for name in POOLS}


async def test_another_ledger_and_other_job_types_are_named(named: UUID) -> None:
    other = uuid4()
    checked = await prefect.check(Settings(), Expected(other, {"new"}, MINUTE))
    words = {one.what: one.words for one in checked.findings if not one.ok}
    assert all(str(named) in words[f"deployment {name}"] for name in ("reconcile-reports", "retry-reports"))
    checked = await prefect.check(Settings(), Expected(named, {"new"}, MINUTE))
    words = {one.what: one.words for one in checked.findings if not one.ok}
    assert words["deployment docs-job"].startswith("lacks new and still has ")


async def do(words: str) -> None:
    """Run the first command that *words* name, in a shell, against the test's server and ledger."""
    command = words.split("`")[1]
    bin_folder = Path(sys.executable).parent
    env = {**os.environ, "PATH": f"{bin_folder}:{os.environ['PATH']}", "PREFECT_API_URL": PREFECT_API_URL.value() or ""}
    done = await asyncio.to_thread(
        subprocess.run, ("/bin/sh", "-c", command), env=env, check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


async def pause_pool(client: PrefectClient) -> None:
    await client.update_work_pool(JOBS, WorkPoolUpdate(is_paused=True))


async def use_up_the_limit(client: PrefectClient) -> None:
    await client.update_work_pool(JOBS, WorkPoolUpdate(concurrency_limit=0))


async def pause_queue(client: PrefectClient) -> None:
    (queue,) = await client.read_work_queues(work_pool_name=JOBS)
    await client.update_work_queue(queue.id, is_paused=True)


async def pause_deployment(client: PrefectClient) -> None:
    await client.pause_deployment((await client.read_deployment_by_name("docs-job/docs-job")).id)


@pytest.mark.parametrize("stop", [pause_pool, use_up_the_limit, pause_queue, pause_deployment])
async def test_what_keeps_jobs_from_starting_is_named_and_ended_by_the_command_that_it_names(
    named: UUID, stop: Callable[[PrefectClient], Awaitable[None]]
) -> None:
    async with get_client() as client:
        await stop(client)
    (finding,) = await wrong(named)
    await do(finding.words)
    assert await wrong(named) == []


async def test_a_late_pass_is_named(named: UUID) -> None:
    async with get_client() as client:
        await planned(client, -5 * MINUTE)
    assert [one.what for one in await wrong(named)] == ["next pass"]


async def test_a_pass_notes_the_tokens_of_its_worker(named: UUID, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECT__WORKER_NAME", f"worker of {RECONCILE}")
    await run(reconcile_reports)
    _, facts = await ledger.check(Settings())
    assert facts
    assert facts.ledger == named
    found = await tokens.check(Settings(), facts, {f"worker of {RECONCILE}"})
    assert [(one.what, one.ok) for one in found] == [
        (f"worker worker of {RECONCILE}", True),
        (f"env:REPORTBACK_GITHUB_TOKEN of worker worker of {RECONCILE}", True),
    ]


async def test_a_job_notes_the_tokens_of_its_worker(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECT__WORKER_NAME", "docs-1")
    await rig.run_job()
    _, facts = await ledger.check(Settings())
    assert facts
    assert {one.worker for one in facts.notes} == {"docs-1"}

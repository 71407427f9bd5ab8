"""Each reconciliation run renews the status page; an error there does not fail the run."""

import asyncio
from datetime import timedelta

import httpx
import pytest
from flow_rig import Rig
from flow_runs import log_of, run
from ledger_jobs import order, run_job
from prefect import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey
from prefect.client.schemas.objects import Artifact
from waiting import soon

from domain.operations.status_page import KEY
from fake_github.faults import Kind
from flows.reconcile_reports import reconcile_reports


async def versions() -> list[Artifact]:
    """All that Prefect has of the page."""
    async with get_client() as client:
        return await client.read_artifacts(artifact_filter=ArtifactFilter(key=ArtifactFilterKey(any_=[KEY])))


async def test_there_is_one_page_and_each_run_renews_it(rig: Rig) -> None:
    rig.fault(Kind.ARCHIVED, times=0)
    async with rig.ledger() as ledger:
        await run_job(ledger, order("docs/refused", sha=rig.sha))
    await run(reconcile_reports)
    (before,) = await versions()
    assert "**1 rejected**" in (before.description or "")
    assert "## Rejected, `archived`: 1" in str(before.data)
    assert f"(<http://github.test/acme/site/commit/{rig.sha}>)" in str(before.data)
    assert before.flow_run_id is None
    rig.github.script.clear()
    async with rig.ledger() as ledger:
        await run_job(ledger, order("docs/refused", sha=rig.sha))
    await run(reconcile_reports)
    (after,) = await versions()
    assert (after.id, after.description) == (before.id, "Nothing is undelivered, nothing is rejected.")
    assert "## Rejected" not in str(after.data)


async def test_a_prefect_that_refuses_the_page_is_logged_and_the_run_succeeds(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*_: object) -> None:
        raise httpx.ConnectError("connection refused")

    monkeypatch.setattr("tasks.operations.status_page._put", refuse)
    async with rig.ledger() as ledger:
        await run_job(ledger, order("docs/a", sha=rig.sha))
    done = await run(reconcile_reports)
    assert done.shows[0] == "COMPLETED"
    assert rig.states() == ["success"]
    await log_of(done.id, "the status page is not up to date: ConnectError", "delivered 1, undelivered 0")


async def test_a_prefect_that_never_answers_delays_no_run(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    async def hang(*_: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr("tasks.operations.status_page._put", hang)
    monkeypatch.setattr("tasks.operations.status_page.TIMEOUT", timedelta(seconds=0.1))
    async with rig.ledger() as ledger:
        await run_job(ledger, order("docs/a", sha=rig.sha))
    done = await soon(run(reconcile_reports), "the end of the flow run")
    assert (done.shows[0], rig.states()) == ("COMPLETED", ["success"])

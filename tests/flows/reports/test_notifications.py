"""Log lines and Prefect events of a flow run on a real server; neither delays the run."""

import asyncio
from datetime import timedelta
from logging import ERROR, INFO, WARNING
from typing import Any
from uuid import UUID

import httpx
import pytest
from flow_rig import TOKEN, Rig
from flow_runs import log_of, run
from ledger_jobs import order, run_job
from prefect import get_client
from prefect.client.schemas.filters import LogFilter, LogFilterFlowRunId
from waiting import soon, until

from domain.delivery.report import Phase
from fake_github.faults import Kind
from flows.reconcile_reports import reconcile_reports
from tasks.operations import publish_events


async def lines_of(run_id: UUID) -> list[tuple[int, str]]:
    """Level and words of our lines in the log of a flow run that has ended."""
    await log_of(run_id, "outcome=")
    async with get_client() as client:
        found = await client.read_logs(LogFilter(flow_run_id=LogFilterFlowRunId(any_=[run_id])))
    return [(one.level, one.message) for one in found if " outcome=" in one.message or one.level > WARNING]


async def events_of(run_id: UUID, count: int) -> list[dict[str, Any]]:
    """Our events that are related to a flow run, once there are so many, the oldest first."""
    found: list[dict[str, Any]] = []
    wanted = {"event": {"prefix": ["reportback."]}, "related": {"id": [f"prefect.flow-run.{run_id}"]}}

    async def are_there() -> bool:
        async with get_client() as client:
            answer = await client.request("POST", "/events/filter", json={"filter": {**wanted, "order": "ASC"}})
        found[:] = answer.json()["events"]
        return len(found) >= count

    await until(are_there, what=lambda: f"{count} events; there are {found}")
    return found


async def test_a_run_that_recovers_logs_each_move_once_and_no_error(rig: Rig) -> None:
    rig.fault(Kind.CLOSE, where="after", state="success")
    done = await rig.run_job()
    assert rig.states() == ["pending", "success"]
    lines = await lines_of(done.id)
    assert [(level, words.partition(":")[0]) for level, words in lines] == [
        (INFO, "sending to GitHub"),
        (INFO, "on GitHub"),
        (INFO, "sending to GitHub"),
        (WARNING, "perhaps on GitHub"),
        (INFO, "on GitHub"),
    ]
    pending, outcome = await events_of(done.id, 2)
    assert [(one["event"], one["payload"]["outcome"]) for one in (pending, outcome)] == [
        ("reportback.report.delivered", "delivered"),
        ("reportback.report.delivered", "found"),
    ]
    assert TOKEN not in str(lines) + str(outcome)


async def test_a_run_logs_an_event_of_a_job_and_relates_it_to_both_flow_runs(rig: Rig) -> None:
    rig.fault(Kind.ARCHIVED)
    async with rig.ledger() as ledger:
        execution = await run_job(ledger, order(sha=rig.sha))
    done = await run(reconcile_reports)
    assert [level for level, _ in await lines_of(done.id)] == [INFO, ERROR]
    (by_job,), (by_pass,) = await events_of(execution.job_id, 1), await events_of(done.id, 1)
    assert by_job == by_pass
    assert by_job["event"] == "reportback.report.rejected"
    assert by_job["resource"]["reportback.reason"] == "archived"


@pytest.mark.parametrize("trouble", ["connection refused", "it never answers"])
async def test_a_prefect_that_takes_no_events_is_a_line_in_the_log(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, trouble: str
) -> None:
    async def send(_: object) -> None:
        if trouble == "connection refused":
            raise httpx.ConnectError(trouble)
        await asyncio.Event().wait()

    monkeypatch.setattr(publish_events, "_send", send)
    monkeypatch.setattr(publish_events, "TIMEOUT", timedelta(seconds=0.2))
    rig.job_is("exit 0", after_pending=False)
    done = await soon(rig.run_job(), "the end of the flow run")
    assert done.shows[0] == "COMPLETED"
    assert (await rig.phases())[-1] == ("success", Phase.DELIVERED)
    await log_of(done.id, "events could not be sent to Prefect: ")

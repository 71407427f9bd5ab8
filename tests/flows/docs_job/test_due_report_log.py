"""A report that stays due is one line in its flow run's log: the reconciliation goes on with it."""

import logging
from uuid import UUID

import pytest
from flow_rig import Rig
from flow_runs import log_of
from prefect import get_client
from prefect.client.schemas.filters import LogFilter, LogFilterFlowRunId
from prefect.client.schemas.objects import Log

from fake_github.faults import Kind


async def failures(run_id: UUID) -> list[Log]:
    """What the log says above INFO of the tasks that deliver."""
    await log_of(run_id, "Finished in state Failed")
    async with get_client() as client:
        found = await client.read_logs(LogFilter(flow_run_id=LogFilterFlowRunId(any_=[run_id])))
    return [one for one in found if one.level > logging.INFO and one.name == "prefect.task_runs"]


@pytest.mark.parametrize(
    ("kind", "words"),
    [(Kind.CLOSE, "Undelivered: "), (Kind.ARCHIVED, "Undelivered: rejected: archived")],
    ids=["retries-used-up", "no-retry-helps"],
)
async def test_a_report_that_is_not_delivered_is_one_warning_without_a_traceback(
    rig: Rig, kind: Kind, words: str
) -> None:
    rig.fault(kind, times=99)
    done = await rig.run_job()
    assert done.state.is_completed()
    lines = [one for one in await failures(done.id) if "report_status" in one.message or words in one.message]
    assert {one.level for one in lines} == {logging.WARNING}
    assert all("Finished in state Failed" in one.message for one in lines)
    assert len(lines) <= 2  # `pending`, which GitHub refuses as well, has one of its own
    log = await log_of(done.id)
    assert "Traceback" not in log
    assert "Retries are exhausted" not in log


async def test_an_error_of_ours_in_delivering_keeps_its_traceback(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr("tasks.report_status.deliver", broken)
    rig.job_is("echo built", after_pending=False)
    done = await rig.run_job()
    log = await log_of(done.id, "Traceback", "ZeroDivisionError: a bug")
    assert "Traceback" in log
    assert logging.ERROR in {one.level for one in await failures(done.id)}

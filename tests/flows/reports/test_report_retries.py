"""The report task's retries under Prefect: when, how often, and what the commit shows then."""

from datetime import timedelta

import httpx
import pytest
from flow_rig import Rig
from flow_runs import run, task_runs
from ledger_jobs import order, run_job
from prefect import flow
from prefect.client.schemas.objects import TaskRun
from transactions import at

from domain.delivery.report import Phase, Rank, RecordedReport
from fake_github.faults import Kind
from flows import docs_job as module
from settings import Settings
from storage.delivery import leases
from storage.delivery.leases import Lease
from tasks.delivery.open_reporter import open_reporter
from tasks.report_status import RETRY_WINDOW, report_status

SUCCESS = RecordedReport(2, 1, Rank.OWN_OUTCOME)  # a job's second report


@flow(name="report", persist_result=False)
async def report() -> None:
    """Deliver the outcome of the only job, as docs_job does."""
    async with open_reporter(Settings(), "job") as reporter:
        await module._report(SUCCESS, reporter)


async def reported(rig: Rig) -> TaskRun:
    """A job has ended, and the task delivers its outcome: the task's run."""
    async with rig.ledger() as ledger:
        await run_job(ledger, order(sha=rig.sha))
    return await delivered()


async def delivered() -> TaskRun:
    return (await task_runs((await run(report)).id, 1))["report_status"]


async def phase(rig: Rig) -> Phase:
    return (await rig.phases())[-1][1]


def test_the_retries_are_five_after_1_2_4_8_and_16_seconds() -> None:
    assert report_status.retries == 5
    assert report_status.retry_delay_seconds == [1, 2, 4, 8, 16]
    assert timedelta(seconds=31) == RETRY_WINDOW


async def test_prefect_itself_waits_a_second_before_the_first_retry(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flows.docs_job.report_status", report_status)
    rig.fault(Kind.CLOSE, where="after")
    ended = await reported(rig)
    assert (ended.state_name, ended.run_count) == ("Completed", 2)
    first, second = (seen.at for seen in rig.github.requests.seen)
    assert second - first >= timedelta(seconds=1)


async def test_a_network_down_for_two_attempts_ends_in_one_status(rig: Rig) -> None:
    refusals = [httpx.ConnectError("refused"), httpx.ConnectTimeout("no answer")]

    async def refuse(name: str) -> None:
        if name == "POST" and refusals:
            raise refusals.pop()

    rig.step = refuse
    ended = await reported(rig)
    assert (ended.state_name, ended.run_count) == ("Completed", 3)
    assert rig.states() == ["success"]
    assert rig.posts() == 1


async def test_a_lost_reply_is_found_by_the_next_try_and_not_sent_again(rig: Rig) -> None:
    rig.fault(Kind.CLOSE, where="after")
    ended = await reported(rig)
    assert (ended.state_name, ended.run_count) == ("Completed", 2)
    assert rig.states() == ["success"]
    assert rig.posts() == 1


async def test_a_lost_request_is_sent_again_by_the_last_try_which_comes_after_the_doubt(rig: Rig) -> None:
    rig.fault(Kind.SERVER_ERROR)
    ended = await reported(rig)
    assert (ended.state_name, ended.run_count) == ("Completed", 6)
    assert rig.states() == ["success"]
    assert rig.posts() == 2


async def test_a_github_that_stays_unavailable_ends_the_task_and_leaves_the_report_due(rig: Rig) -> None:
    rig.fault(Kind.SERVER_ERROR, method="*", times=0)
    ended = await reported(rig)
    assert (ended.state_name, ended.run_count) == ("Failed", 6)
    assert await phase(rig) is Phase.DUE
    assert rig.states() == []


@pytest.mark.parametrize("kind", [Kind.FORBIDDEN, Kind.NO_SUCH_COMMIT, Kind.BAD_CREDENTIALS])
async def test_a_failure_that_a_retry_cannot_mend_is_not_retried(rig: Rig, kind: Kind) -> None:
    rig.fault(kind, times=0)
    ended = await reported(rig)
    assert (ended.state_name, ended.run_count) == ("Failed", 1)
    assert rig.posts() == 1


@pytest.mark.parametrize(("seconds", "tries", "states"), [(3, 3, ["success"]), (33, 1, [])])
async def test_a_pause_is_waited_out_if_it_ends_within_the_retries(
    rig: Rig, seconds: int, tries: int, states: list[str]
) -> None:
    rig.fault(Kind.SECONDARY_LIMIT, seconds=seconds)
    ended = await reported(rig)
    assert ended.run_count == tries
    assert rig.states() == states


async def test_a_missing_token_is_named_and_retried(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TOKEN")
    ended = await reported(rig)
    assert (ended.state_name, ended.run_count) == ("Failed", 6)
    assert "The environment variable TOKEN holds no token" in str(ended.state and ended.state.message)
    assert rig.posts() == 0


async def test_a_sender_that_died_after_its_request_is_waited_for_and_its_status_found(rig: Rig) -> None:
    async with open_reporter(Settings(), actor="another") as other:
        await run_job(other.ledger, order(sha=rig.sha))
        with other.ledger.transaction() as tx:
            lease = leases.claim(at(tx, actor="another", now=rig.now()), 1, only_if_due=False, policy=other.policy)
        assert isinstance(lease, Lease)
        await other.surface.create(lease.report, "a-token")
    ended = await delivered()
    assert (ended.state_name, ended.run_count) == ("Completed", 6)
    assert rig.states() == ["success"]
    assert rig.posts() == 1

"""The task that reports an outcome, without Prefect: what it needs from one attempt."""

import asyncio
from collections.abc import AsyncIterator
from functools import partial

import pytest
from ledger_jobs import CREDENTIAL, accept, begin, end, order, recorded
from prefect.client.schemas.objects import State, StateType

from domain.delivery.report import Phase
from fake_github.app import FakeGitHub
from fake_github.in_process import InProcessTransport
from github_api.commit_statuses import CommitStatuses
from settings import Settings
from storage.ledger import Ledger
from tasks.delivery.open_reporter import open_reporter
from tasks.delivery.reporter import Reporter
from tasks.report_status import report_status


@pytest.fixture
def github(ledger_url: str, monkeypatch: pytest.MonkeyPatch) -> FakeGitHub:
    """What the task reports to, by settings that allow one request an hour to all but the outcome of a job."""
    made = FakeGitHub()
    monkeypatch.setenv("REPORTBACK_DATABASE_URL", ledger_url)
    monkeypatch.setenv("REPORTBACK_GITHUB_API_URL", "http://github.test")
    monkeypatch.setenv("REPORTBACK_ALLOW_HTTP", "true")
    monkeypatch.setenv("REPORTBACK_WRITE_BUDGET", "80/min,1/h")
    monkeypatch.setenv(CREDENTIAL.removeprefix("env:"), "a-longer-token")
    monkeypatch.setattr(
        "tasks.delivery.open_reporter.CommitStatuses", partial(CommitStatuses, transport=InProcessTransport(made))
    )
    return made


@pytest.fixture
async def reporter(github: FakeGitHub) -> AsyncIterator[Reporter]:  # noqa: ARG001  # it sets the settings
    """The reporter of a flow run, by the ledger's own clock."""
    async with open_reporter(Settings(), "job") as opened:
        yield opened


@pytest.fixture
def ledger(reporter: Reporter) -> Ledger:
    return reporter.ledger


@pytest.mark.parametrize("database", ["sqlite"])
async def test_the_outcome_of_a_job_that_ends_now_does_not_wait_for_the_hour_of_the_budget(
    github: FakeGitHub, ledger: Ledger, reporter: Reporter
) -> None:
    for context in ("docs/a", "docs/b"):
        execution = await accept(ledger, order(context))
        await begin(ledger, execution)
        outcome = recorded(await end(ledger, execution))
        assert await report_status.fn(outcome, lambda: reporter) is Phase.DELIVERED
    assert [status.state for status in github.store.held()] == ["success"] * 2


@pytest.mark.parametrize("database", ["sqlite"])
async def test_of_nine_jobs_that_begin_at_once_none_has_a_failed_task(
    github: FakeGitHub, ledger: Ledger, reporter: Reporter
) -> None:
    """As after a push that starts all job types; the budget allows one `pending`."""
    begun = [await accept(ledger, order(f"docs/{number}")) for number in range(9)]
    told = await asyncio.gather(*(report_status.fn(recorded(one.report), lambda: reporter) for one in begun))
    left = [one for one in told if one is not Phase.DELIVERED]
    assert (len(left), len(github.store.held())) == (8, 1)
    for state in left:
        assert isinstance(state, State)
        assert (state.type, state.name) == (StateType.COMPLETED, "LeftToReconciliation")
        assert str(state.message).startswith("left to the reconciliation")

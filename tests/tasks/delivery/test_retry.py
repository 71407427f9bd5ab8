"""An operator's retry: which reports it selects, which it reopens, and which it leaves alone."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from ledger_jobs import CREDENTIAL, accept, order, recorded, run_job
from world import World

from domain.delivery.outcome import Reason
from domain.delivery.report import Phase
from domain.delivery.target import StatusState
from domain.jobs.execution import Execution
from domain.jobs.job_states import JobState
from fake_github.faults import Kind
from github_api.credentials import DEFAULT_CREDENTIAL, NoCredential
from settings import Settings
from tasks.delivery.retry import Selection, reopen_report, retry_report, undelivered
from tasks.report_status import Undelivered

A, B = "docs/a", "docs/b"


@pytest.fixture
def settings(world: World) -> Settings:
    """The settings name another credential than the jobs had."""
    world.tokens = {CREDENTIAL: "a-token", DEFAULT_CREDENTIAL: "a-token"}
    return Settings(credentials={})


async def refused(world: World, context: str, kind: Kind = Kind.ARCHIVED) -> Execution:
    execution = await run_job(world.ledger, order(context))
    world.fault(kind, context=context)
    await world.deliver(context)
    assert (await world.phases(context))["success"] is Phase.REJECTED
    return execution


async def newest(world: World, context: str) -> int:
    return (await world.target(context)).newest_id or 0


SELECTIONS: dict[str, Callable[[int, Execution], Selection]] = {
    "its number": lambda report_id, _: Selection(report_ids=(report_id,)),
    "its job": lambda _, execution: Selection(job_id=execution.job_id),
    "its reason": lambda _, __: Selection(reason=Reason.GONE),
}


@pytest.mark.parametrize("by", SELECTIONS)
async def test_a_report_is_selected_by(world: World, by: str) -> None:
    await refused(world, A)
    execution = await refused(world, B, Kind.GONE)
    wanted = await newest(world, B)
    assert await undelivered(world.reporter, SELECTIONS[by](wanted, execution)) == [wanted]


async def test_since_selects_reports_recorded_then_or_later(world: World) -> None:
    await refused(world, A)
    world.clock.advance(60)
    await refused(world, B)
    now = world.clock.now
    assert await undelivered(world.reporter, Selection(since=now)) == [await newest(world, B)]
    assert await undelivered(world.reporter, Selection(since=now + timedelta(seconds=1))) == []
    assert await undelivered(world.reporter, Selection(until=now, since=now)) == [await newest(world, B)]
    assert await undelivered(world.reporter, Selection(until=now - timedelta(days=9))) == []
    assert await undelivered(world.reporter, Selection(since=now, state=StatusState.SUCCESS)) == [
        await newest(world, B)
    ]
    assert await undelivered(world.reporter, Selection(since=now, state=StatusState.FAILURE)) == []


async def test_a_repository_is_selected_whatever_its_letter_case_and_no_other(world: World) -> None:
    await refused(world, A)
    assert await undelivered(world.reporter, Selection(repository="Acme/Site")) == [await newest(world, A)]
    assert await undelivered(world.reporter, Selection(repository="acme/site2")) == []


async def test_a_selection_means_all_that_it_gives(world: World) -> None:
    await refused(world, A)
    assert await undelivered(world.reporter, Selection(repository="acme/site", reason=Reason.GONE)) == []


async def test_due_reports_are_selected_and_delivered_or_superseded_ones_are_not(world: World) -> None:
    await refused(world, A)
    await run_job(world.ledger, order(A))
    await run_job(world.ledger, order(B))
    await world.deliver(B)
    assert await undelivered(world.reporter, Selection(repository="acme/site")) == [await newest(world, A)]


async def test_a_refused_report_is_reopened_with_the_credential_that_the_settings_name_now(
    world: World, settings: Settings
) -> None:
    await refused(world, A)
    assert await retry_report(world.reporter, await newest(world, A), settings) is Phase.DELIVERED
    assert world.held(A) == ["success"]
    assert (await world.target(A)).credential == DEFAULT_CREDENTIAL


async def test_a_report_that_is_due_later_is_tried_at_once(world: World, settings: Settings) -> None:
    execution = await accept(world.ledger, order(A))
    token = world.tokens.pop(CREDENTIAL)
    await world.deliver(A)
    world.tokens[CREDENTIAL] = token
    assert await retry_report(world.reporter, recorded(execution.report).id, settings) is Phase.DELIVERED


async def test_a_report_that_is_refused_again_says_so_in_githubs_words(world: World, settings: Settings) -> None:
    await refused(world, A)
    world.fault(Kind.ARCHIVED)
    with pytest.raises(Undelivered, match="Repository was archived") as left:
        await retry_report(world.reporter, await newest(world, A), settings)
    assert not left.value.may_help


async def test_a_rejected_report_with_a_newer_current_one_is_not_reopened(world: World, settings: Settings) -> None:
    await refused(world, A)
    old = await newest(world, A)
    await run_job(world.ledger, order(A), JobState.FAILED)
    assert not await reopen_report(world.reporter, old, settings)
    await world.deliver(A)
    assert await retry_report(world.reporter, old, settings) is Phase.SUPERSEDED
    assert world.held(A) == ["failure"]


async def test_a_delivered_report_is_not_sent_again(world: World, settings: Settings) -> None:
    await run_job(world.ledger, order(A))
    await world.deliver(A)
    assert not await reopen_report(world.reporter, await newest(world, A), settings)
    assert await retry_report(world.reporter, await newest(world, A), settings) is Phase.DELIVERED
    assert world.posts() == 1


async def test_a_repository_without_a_credential_stays_closed_and_is_named(world: World) -> None:
    await refused(world, A)
    settings = Settings(credentials={"others/*": "env:OTHERS"})
    with pytest.raises(Undelivered, match="no credential for acme/site"):
        await retry_report(world.reporter, await newest(world, A), settings)
    with pytest.raises(NoCredential, match="no credential for acme/site"):
        await reopen_report(world.reporter, await newest(world, A), settings)
    assert (await world.phases(A))["success"] is Phase.REJECTED

"""Check runs: one per execution, created and then concluded with all its annotations, each shown once."""

from datetime import timedelta

import pytest
from check_promise import assert_shown_once
from check_worlds import finish, run_checked, runs, shown, start
from ledger_jobs import order, run_job
from world import World

from domain.delivery.report import Phase
from domain.jobs.job_states import JobState
from fake_github.faults import Kind
from storage.delivery.availability import Settled


async def test_a_job_is_in_progress_and_then_concluded_with_its_annotations(world: World) -> None:
    execution = await start(world)
    result = await world.deliver()
    assert isinstance(result, Settled)
    assert (result.phase, shown(world)) == (Phase.DELIVERED, [("in_progress", 0)])
    world.clock.advance(60)
    await finish(world, execution)
    await world.deliver()
    assert shown(world) == [("success", 3)]
    assert await world.phases() == {"pending": Phase.DELIVERED, "success": Phase.DELIVERED}
    (run,) = runs(world)
    assert run.completed_at == (run.started_at or world.clock.now) + timedelta(seconds=60)
    assert (run.title, run.summary) == ("41 pages", "3 warnings")
    assert (world.posts(), world.asked("PATCH"), world.asked("GET")) == (1, 1, 0)


async def test_one_try_creates_and_concludes_it(world: World) -> None:
    await run_checked(world, JobState.FAILED)
    result = await world.deliver()
    assert isinstance(result, Settled)
    assert (result.phase, shown(world)) == (Phase.DELIVERED, [("failure", 3)])
    assert (await world.target()).due_at is None


@pytest.mark.parametrize(
    ("state", "conclusion"),
    [
        (JobState.SUCCEEDED, "success"),
        (JobState.FAILED, "failure"),
        (JobState.TIMED_OUT, "timed_out"),
        (JobState.CANCELLED, "cancelled"),
        (JobState.CRASHED, "failure"),
        (JobState.LOST, "failure"),
    ],
)
async def test_each_end_has_its_conclusion(world: World, state: JobState, conclusion: str) -> None:
    await run_checked(world, state)
    await world.deliver()
    assert shown(world) == [(conclusion, 3)]


@pytest.mark.parametrize("method", ["POST", "PATCH"])
@pytest.mark.parametrize("kind", [Kind.CLOSE, Kind.SERVER_ERROR, Kind.HTML])
@pytest.mark.parametrize("where", ["before", "after"])
async def test_a_lost_reply_shows_each_line_once(world: World, method: str, kind: Kind, where: str) -> None:
    world.fault(kind, where=where, method=method)
    await run_checked(world)
    await world.deliver()
    await world.reconcile()
    assert shown(world) == [("success", 3)]
    assert (await world.target()).due_at is None


async def test_an_older_open_run_is_closed_before_the_newer_is_created(world: World) -> None:
    await start(world)
    await world.deliver()
    world.clock.advance(10)
    await run_checked(world)
    await world.deliver()
    assert shown(world) == [("cancelled", 0), ("success", 3)]
    older, newer = runs(world)
    assert older.completed_at and newer.started_at and older.completed_at < newer.started_at


async def test_an_execution_thought_lost_that_comes_back_amends_its_run(world: World) -> None:
    execution = await start(world)
    await finish(world, execution, JobState.LOST, warnings=0)
    await world.deliver()
    assert shown(world) == [("failure", 0)]
    await finish(world, execution)
    await world.deliver()
    assert shown(world) == [("success", 0)]
    assert runs(world)[0].summary == "3 warnings, in a table"


async def test_refused_annotations_stand_in_the_summary(world: World) -> None:
    world.fault(Kind.TOO_MANY, method="PATCH")
    await run_checked(world)
    await world.deliver()
    assert shown(world) == [("success", 0)]
    assert runs(world)[0].summary == "3 warnings, in a table"


async def test_a_refused_close_counts_as_closed(world: World) -> None:
    await start(world)
    await world.deliver()
    world.github.change_check_run(runs(world)[0].id, app_id=4711)
    await run_checked(world)
    await world.reconcile()
    assert shown(world) == [("in_progress", 0), ("success", 3)]


async def test_a_run_that_is_listed_is_not_made_again_though_its_page_is_denied(world: World) -> None:
    execution = await start(world)
    await world.deliver()
    await finish(world, execution)
    for method in ("PATCH", "GET"):
        world.fault(Kind.NOT_FOUND, method=method, endpoint="check_run", times=3)
    await world.reconcile(passes=12, every=40)
    assert shown(world) == [("success", 3)]


@pytest.mark.parametrize("answered", ["create", "update"])
async def test_an_answer_about_another_run_is_no_answer(world: World, answered: str) -> None:
    world.fault(Kind.FOREIGN, method="POST" if answered == "create" else "PATCH", where="after")
    await run_checked(world)
    await world.reconcile()
    await assert_shown_once(world)


async def test_a_status_is_closed_by_no_request_but_an_open_run_is_before_one(world: World) -> None:
    """The repository's reports have become statuses meanwhile."""
    await start(world)
    await world.deliver()
    await run_job(world.ledger, order())
    await world.deliver()
    assert (shown(world), world.held()) == ([("cancelled", 0)], ["success"])

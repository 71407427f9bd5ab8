"""Check runs at the edges: letter case, refusals that a person reopens, renamed repositories, jobs that never start."""

from dataclasses import replace
from datetime import timedelta

from check_promise import assert_shown_once
from check_worlds import checked, finish, run_checked, runs, shown, start
from ledger_jobs import CREDENTIAL, order
from pruning import long_after, pruned
from world import World

from domain.delivery.report import Phase
from domain.jobs.job_states import JobState
from fake_github.faults import Kind
from storage.jobs import never_started


async def test_contexts_that_differ_by_case_share_the_first_spelling(world: World) -> None:
    await start(world, "docs/Sphinx")
    await world.deliver("docs/Sphinx")
    world.clock.advance(5)
    await finish(world, await start(world, "DOCS/sphinx"))
    await world.deliver("docs/Sphinx")
    assert shown(world, "docs/Sphinx") == [("cancelled", 0), ("success", 3)]
    assert shown(world, "DOCS/sphinx") == []


async def test_a_rejected_conclusion_is_sent_once_it_is_reopened(world: World) -> None:
    execution = await start(world)
    await world.deliver()
    await finish(world, execution)
    world.fault(Kind.ARCHIVED, method="PATCH")
    await world.deliver()
    assert (await world.phases())["success"] is Phase.REJECTED
    assert await world.reopen()
    await world.deliver()
    await assert_shown_once(world)


async def test_a_renamed_repository_is_followed_by_each_request(world: World) -> None:
    for method in ("POST", "PATCH", "GET"):
        world.fault(Kind.REDIRECT, method=method, times=3)
    await run_checked(world)
    world.fault(Kind.CLOSE, method="PATCH", where="after")
    await world.deliver()
    await world.reconcile()
    await assert_shown_once(world)


async def test_a_job_that_never_started_fails_there_and_closes_what_is_open(world: World) -> None:
    await start(world)
    await world.deliver()
    world.clock.advance(60)
    asked = checked(order())
    at = world.clock.now - timedelta(seconds=1)
    assert await world.ledger.write(never_started.record, asked, asked_at=at, words="could not start: no worker")
    await world.deliver()
    assert shown(world) == [("cancelled", 0), ("failure", 0)]
    assert runs(world)[-1].title == "could not start: no worker"


async def test_a_request_that_died_before_a_newer_one_shows_nothing(world: World) -> None:
    asked, at = checked(order()), world.clock.now
    world.clock.advance(5)
    await run_checked(world)
    await world.ledger.write(never_started.record, asked, asked_at=at, words="could not start")
    await world.reconcile()
    await assert_shown_once(world)
    assert len(runs(world)) == 1


async def test_a_week_without_an_answer_gives_the_end_up_and_a_person_has_it_sent(world: World) -> None:
    await run_checked(world)
    world.fault(Kind.SERVER_ERROR, method="PATCH", times=0)
    for _ in range(9):
        await world.reconcile(passes=2, every=40)
        world.clock.advance(24 * 60 * 60)
    assert (await world.phases())["success"] is Phase.REJECTED
    world.github.script.clear()
    await world.reopen()
    await world.reconcile()
    await assert_shown_once(world)


async def test_a_close_that_never_gets_through_is_given_up_after_a_week(world: World) -> None:
    await start(world)
    await world.deliver()
    world.fault(Kind.SERVER_ERROR, method="PATCH", times=0, state="cancelled")
    await run_checked(world)
    for _ in range(9):
        await world.reconcile(passes=2, every=40)
        world.clock.advance(24 * 60 * 60)
    assert shown(world) == [("in_progress", 0), ("success", 3)]
    assert (await world.target()).due_at is None


async def test_pruning_forgets_no_job_whose_run_is_open(world: World) -> None:
    await start(world, "docs/old")
    await world.deliver("docs/old")
    await long_after(world)
    assert await pruned(world) == 0


async def test_more_older_runs_than_one_try_closes(world: World) -> None:
    for _ in range(14):
        await start(world)
        world.fault(Kind.CLOSE, method="PATCH", where="before")
        world.fault(Kind.CLOSE, method="POST", where="after")
        await world.deliver()
    world.github.script.clear()
    await run_checked(world)
    await world.reconcile(passes=10)
    await assert_shown_once(world)


async def test_many_runs_of_one_name_are_read_to_the_end(world: World) -> None:
    await run_checked(world)
    world.fault(Kind.CLOSE, method="POST", where="after")
    await world.deliver()
    (mine,) = runs(world)
    for number in range(120):
        world.github.add_check_run(replace(mine, id=mine.id + 1 + number, external_id=f"other-{number}", app_id=7))
    await world.reconcile()
    assert [run.conclusion for run in runs(world) if run.app_id == mine.app_id] == ["success"]


async def test_a_credential_that_was_refused_says_so_and_the_run_waits(world: World) -> None:
    token = world.tokens.pop(CREDENTIAL)
    await run_checked(world)
    await world.deliver()
    assert shown(world) == []
    world.tokens[CREDENTIAL] = token
    await world.reconcile()
    await assert_shown_once(world)


async def test_a_retry_of_a_failed_job_is_a_run_of_its_own(world: World) -> None:
    execution = await run_checked(world, JobState.FAILED)
    await world.deliver()
    world.clock.advance(5)
    await finish(world, await start(world, flow_run_id=execution.job_id))
    await world.deliver()
    assert shown(world) == [("failure", 3), ("success", 3)]

"""Jobs whose flow run died before they were accepted: recorded once, in the order in which they were asked for."""

from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import uuid4

from ledger_jobs import accept, end, order, run_job
from pruning import long_after, pruned, rows, settled
from racing import RACES, Race
from sqlmodel import col, select
from world import World

from domain.delivery.notifications import NeverStarted, Notification
from domain.delivery.report import Phase
from domain.delivery.target import StatusState
from domain.jobs.execution import Order
from domain.jobs.job_states import JobState
from storage.jobs import never_started
from storage.jobs.never_started import examined, examined_until
from storage.ledger import open_ledger
from storage.models import Job, StatusReport, StatusTarget
from storage.operations.ended_jobs import JobSelection, ended_jobs
from storage.operations.job_runs import never_started as listed

IS_NEWEST = col(StatusTarget.newest_id) == col(StatusReport.id)
WORDS = "could not start: its process died"


async def record(world: World, asked: Order, *, asked_at: datetime | None = None) -> bool:
    at = asked_at or world.clock.now
    return await world.ledger.write(never_started.record, asked, asked_at=at, words=WORDS)


async def test_a_dead_run_is_an_execution_that_was_lost(world: World) -> None:
    asked = order()
    assert await record(world, asked)
    await world.reconcile()
    assert world.held() == ["error"]
    job = await world.ledger.read(lambda tx: tx.session.get_one(Job, 1))
    assert (job.id, job.state, job.execution, job.summary) == (asked.flow_run_id, JobState.LOST, 1, WORDS)


async def test_recorded_twice_it_is_recorded_once(world: World) -> None:
    asked = order()
    assert [await record(world, asked), await record(world, asked)] == [True, False]
    await world.reconcile()
    assert world.held() == ["error"]


async def test_a_job_that_was_accepted_is_left_alone(world: World) -> None:
    asked = order()
    await run_job(world.ledger, asked)
    assert not await record(world, asked)
    await world.reconcile()
    assert world.held() == ["success"]


async def test_it_never_covers_what_was_accepted_since_it_was_asked_for(world: World) -> None:
    asked_at = world.clock.now
    world.clock.advance(5)
    await accept(world.ledger, order())
    world.clock.advance(60)
    assert await record(world, order(), asked_at=asked_at)
    await world.reconcile()
    assert world.held() == ["pending"]
    assert (await world.phases())["error"] is Phase.SUPERSEDED


async def test_it_covers_what_was_accepted_before_however_late_that_ends(world: World) -> None:
    execution = await accept(world.ledger, order())
    world.clock.advance(5)
    assert await record(world, order())
    await end(world.ledger, execution)
    await world.reconcile()
    assert world.held() == ["error"]


async def test_of_two_dead_runs_the_one_asked_for_later_shows_in_whichever_order_they_are_found(world: World) -> None:
    first_at = world.clock.now
    world.clock.advance(5)
    later = replace(order(), url="https://later.example")
    assert await record(world, later)
    world.clock.advance(600)
    assert await record(world, order(), asked_at=first_at)
    await world.reconcile()
    assert world.held() == ["error"]
    assert (world.github.store.held()[-1].target_url or "").startswith("https://later.example")


async def test_what_was_asked_for_first_but_found_later_does_not_hide_the_newer(world: World) -> None:
    first_at = world.clock.now
    world.clock.advance(5)
    assert await record(world, order(), asked_at=first_at)
    world.clock.advance(5)
    assert await record(world, replace(order(), url="https://later.example"))
    await world.reconcile()
    assert (world.github.store.held()[-1].target_url or "").startswith("https://later.example")


async def test_started_after_all_it_is_the_next_execution_and_its_own_outcome_shows(world: World) -> None:
    asked = order()
    await record(world, asked)
    await world.reconcile()
    execution = await run_job(world.ledger, asked)
    assert execution.number == 2
    await world.reconcile()
    assert world.held() == ["error", "success"]


async def test_started_after_all_for_another_context_its_outcome_shows_there(world: World) -> None:
    asked = order("docs/guessed")
    await record(world, asked)
    await run_job(world.ledger, order("docs/real", flow_run_id=asked.flow_run_id))
    await world.reconcile()
    held = [(one.context, one.state) for one in world.github.store.held()]
    assert sorted(held) == [("docs/guessed", "error"), ("docs/real", "success")]


async def test_where_it_was_recorded_first_is_kept_as_long_as_its_reports(world: World) -> None:
    asked = order("docs/guessed")
    await settled(world, "docs/guessed")
    world.clock.advance(5)
    await record(world, asked)
    await run_job(world.ledger, order("docs/real", flow_run_id=asked.flow_run_id))
    await world.reconcile()
    world.clock.advance(-4)
    await long_after(world)
    assert await pruned(world) == 1
    world.clock.advance(10)
    assert await pruned(world) == 1
    assert rows(world) == {}


async def test_what_it_must_not_cover_stays_the_latest_of_its_commit(world: World) -> None:
    asked_at = world.clock.now
    latest = order()
    await run_job(world.ledger, latest, JobState.FAILED)
    await record(world, order(), asked_at=asked_at)
    found = await world.ledger.read(ended_jobs, JobSelection())
    assert [one.id for one in found if one.is_latest] == [latest.flow_run_id]


async def test_a_job_without_a_target_is_recorded_and_reports_nothing(world: World) -> None:
    asked = replace(order(), target=None, url=None, credential="")
    assert await record(world, asked)
    (found,) = await world.ledger.read(lambda tx: listed(tx, limit=10))
    assert (found.id, found.target, found.words) == (asked.flow_run_id, None, WORDS)


async def test_each_is_published_once(world: World) -> None:
    heard: list[Notification] = []
    ledger = replace(world.ledger, publish=heard.append)
    asked, run_id = order(), uuid4()
    for _ in range(2):
        await ledger.write(never_started.record, asked, asked_at=world.clock.now, words=WORDS)
        await ledger.write(examined, None, world.clock.now, [(run_id, "unreadable")])
    assert [one for one in heard if isinstance(one, NeverStarted)] == [
        NeverStarted(asked.flow_run_id, WORDS), NeverStarted(run_id, "unreadable"),
    ]  # fmt: skip


async def test_of_two_passes_that_examined_the_same_time_one_counts(world: World) -> None:
    now = world.clock.now
    assert await world.ledger.read(examined_until) is None
    assert await world.ledger.write(examined, None, now, [])
    assert not await world.ledger.write(examined, None, now + timedelta(hours=1), [])
    assert await world.ledger.read(examined_until) == now


@RACES
async def test_a_run_that_starts_while_passes_find_it_dead_shows_what_it_does(ledger_url: str, race: Race) -> None:
    results = Counter(await race("starts_or_is_dead", ledger_url, str(uuid4())))
    assert results["True"] <= 1
    assert results["Execution"] == 1
    async with open_ledger(ledger_url) as ledger:
        newest = await ledger.read(lambda tx: tx.session.exec(select(StatusReport).join(StatusTarget, IS_NEWEST)).one())
    assert (newest.state, newest.execution) == (StatusState.PENDING, 1 + results["True"])

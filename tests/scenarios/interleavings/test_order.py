"""(turn, rank) alone decides which report of a target is current, not the order of arrival.

See also tests/storage/delivery/test_reports.py (order of recording, also in two concurrent transactions; reopening) and
tests/scenarios/crashes/test_crashes.py (`pending` after its outcome, wherever its sender dies).
"""

from uuid import UUID

import pytest
from actors import Actor
from exactly_once import assert_exactly_once
from full import SQLITE_OR_ALL
from ledger_jobs import CREDENTIAL, accept, begin, end, order, run_job
from transactions import at
from world import World

from domain.delivery.report import Phase
from domain.jobs.execution import Execution
from domain.jobs.job_states import JobState
from fake_github.faults import Kind
from storage.delivery import reports
from tasks.delivery.deliver import deliver
from tasks.delivery.reporter import Reporter

OLD, NEW = UUID(int=1), UUID(int=2)

pytestmark = pytest.mark.parametrize("database", SQLITE_OR_ALL)


async def send(world: World, reporter: Reporter) -> None:
    await deliver(reporter, await world.target_id())


async def in_flight(world: World) -> Actor:
    """A sender that waits before its request."""
    sender = await Actor.on(world, send)
    await sender.go_to("POST")
    return sender


async def test_a_retry_of_an_older_job_supersedes_the_newer_one(world: World) -> None:
    old, new = order(flow_run_id=OLD), order(flow_run_id=NEW)
    await run_job(world.ledger, old, JobState.FAILED)
    await run_job(world.ledger, new, JobState.CRASHED)
    await world.deliver()
    await run_job(world.ledger, old)
    await assert_exactly_once(world)
    assert world.held() == ["error", "success"]


async def test_the_outcome_of_the_newer_job_does_not_cover_the_retry_of_the_older(world: World) -> None:
    old = order(flow_run_id=OLD)
    await run_job(world.ledger, old, JobState.FAILED)
    new = await accept(world.ledger, order(flow_run_id=NEW))
    await begin(world.ledger, new)
    await run_job(world.ledger, old)
    await world.deliver()
    await end(world.ledger, new, JobState.CRASHED)
    await assert_exactly_once(world)
    assert world.held() == ["success"]


@pytest.mark.parametrize("told", [False, True], ids=["before its error is sent", "after its error was sent"])
@pytest.mark.parametrize("state", [JobState.SUCCEEDED, JobState.FAILED])
async def test_the_outcome_of_a_job_thought_lost_supersedes_its_error(
    world: World, state: JobState, *, told: bool
) -> None:
    execution = await accept(world.ledger, order())
    await begin(world.ledger, execution)
    await end(world.ledger, execution, JobState.LOST)
    if told:
        await world.deliver()
    await end(world.ledger, execution, state)
    await assert_exactly_once(world)
    outcome = "success" if state is JobState.SUCCEEDED else "failure"
    assert world.held() == (["error", outcome] if told else [outcome])


async def test_an_error_after_the_error_of_a_lost_job_makes_one_status(world: World) -> None:
    execution = await accept(world.ledger, order())
    await begin(world.ledger, execution)
    await end(world.ledger, execution, JobState.LOST, "no sign of life")
    await world.deliver()
    await end(world.ledger, execution, JobState.CRASHED, "out of memory")
    await assert_exactly_once(world)
    assert [one.description for one in world.github.store.held()] == ["no sign of life"]


@pytest.mark.parametrize("lost", [None, "before", "after"], ids=["answered", "request lost", "reply lost"])
async def test_a_report_that_is_superseded_in_flight_is_covered_and_never_sent_again(
    world: World, lost: str | None
) -> None:
    await run_job(world.ledger, order(), JobState.FAILED)
    sender = await in_flight(world)
    await run_job(world.ledger, order())
    if lost:
        world.fault(Kind.CLOSE, where=lost)
    await sender.finish()
    await assert_exactly_once(world)
    assert world.held() == (["success"] if lost == "before" else ["failure", "success"])
    assert world.posts() == 2
    assert (await world.phases())["failure"] is (Phase.SUPERSEDED if lost else Phase.DELIVERED)


async def test_a_report_that_is_superseded_in_doubt_cannot_come_late_on_top(world: World) -> None:
    await run_job(world.ledger, order(), JobState.FAILED)
    world.fault(Kind.CLOSE, stored_after=19)
    await world.deliver()
    await run_job(world.ledger, order())
    await assert_exactly_once(world)
    assert world.held() == ["failure", "success"]


async def test_the_outcome_of_a_pending_whose_sender_died_waits_for_its_doubt(world: World) -> None:
    execution = await accept(world.ledger, order())
    await begin(world.ledger, execution)
    sender = await in_flight(world)
    world.fault(Kind.CLOSE, stored_after=45)  # its last moment: at the end of its lease, and 15 s on its way
    await sender.go()
    await sender.die()
    await end(world.ledger, execution)
    for _ in range(12):
        await world.deliver()
        world.clock.advance(5)
    assert world.held() == ["pending", "success"]


@pytest.mark.parametrize("lost", [None, "after"], ids=["sent", "in doubt"])
async def test_reopening_what_is_no_longer_newest_does_nothing_and_says_so(world: World, lost: str | None) -> None:
    await run_job(world.ledger, order(flow_run_id=OLD), JobState.FAILED)
    world.fault(Kind.ARCHIVED)
    await world.deliver()
    rejected = (await world.target()).newest_id or 0
    await run_job(world.ledger, order(flow_run_id=NEW))
    if lost:
        world.fault(Kind.CLOSE, where=lost)
    await world.deliver()
    before = await world.target()
    with world.ledger.transaction() as tx:
        now = world.clock.now
        assert not reports.reopen(at(tx, actor="ann", now=now), rejected, credential=CREDENTIAL)
    assert await world.target() == before
    await assert_exactly_once(world)
    assert world.held() == ["success"]


async def test_executions_that_never_ended_leave_the_later_one_on_top(world: World) -> None:
    """Of two that are under way the later has said `pending`; the older's outcome is history."""
    executions = [await accept(world.ledger, order(flow_run_id=flow_run)) for flow_run in (OLD, NEW)]
    await world.deliver()
    for execution in executions:
        await begin(world.ledger, execution)
    await end(world.ledger, Execution(OLD, 1, None), JobState.FAILED)
    await assert_exactly_once(world)
    assert world.held() == ["pending"]

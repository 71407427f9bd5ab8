"""A job's history: all its reports, what blocks each, and the events of the latest."""

from datetime import timedelta

from ledger_jobs import ACTOR, accept, begin, end, order, recorded, run_job
from sqlmodel import update
from world import World

from domain.delivery.outcome import Exchange
from domain.delivery.report import EventKind, Phase
from domain.delivery.target import StatusState, Target
from domain.jobs.execution import Order
from domain.jobs.job_states import JobState
from domain.operations.job_history import JobHistory
from fake_github.faults import Kind
from storage.delivery import events
from storage.models import Credential
from storage.operations import job_history


async def history_of(world: World, asked: Order) -> JobHistory:
    found = await world.ledger.write(job_history.of_job, asked.flow_run_id)
    assert found is not None
    return found


async def test_a_delivered_job_has_its_history_from_acceptance_on(world: World) -> None:
    asked = order()
    await run_job(world.ledger, asked)
    await world.deliver()
    job = await history_of(world, asked)
    assert (job.type, job.target, job.execution, job.state) == (
        "sphinx", Target("acme/site", asked.target.sha if asked.target else "", "docs/sphinx"), 1, JobState.SUCCEEDED,
    )  # fmt: skip
    assert (job.summary, job.ended_at) == ("41 pages", world.clock.now)
    pending, success = job.reports
    assert (pending.state, pending.phase) == (StatusState.PENDING, Phase.SUPERSEDED)
    assert (success.state, success.phase) == (StatusState.SUCCESS, Phase.DELIVERED)
    assert success.status_id == world.github.store.held()[-1].id
    assert [event.kind.value for event in success.events] == ["recorded", "claimed", "posted", "delivered"]
    assert (success.events[-1].http_status, success.events[-1].actor) == (201, ACTOR)
    assert success.events[-1].request_id


async def test_a_report_that_waits_says_for_what(world: World) -> None:
    asked = order()
    await run_job(world.ledger, asked)
    world.fault(Kind.CLOSE)
    await world.deliver()
    until = world.clock.now + timedelta(minutes=5)
    with world.ledger.transaction() as tx:
        tx.session.exec(update(Credential).values(paused_until=until, pause_reason="bad_credentials"))
    blockers = (await history_of(world, asked)).reports[-1].blockers
    assert blockers.due_at is not None
    assert blockers.due_at > world.clock.now
    assert blockers.doubt_until == world.clock.now + world.policy.settle_after
    assert (blockers.paused_until, blockers.pause_reason, blockers.lease_until) == (until, "bad_credentials", None)


async def test_a_job_without_a_target_and_one_that_is_not_there(world: World) -> None:
    asked = order()
    bare = Order(asked.flow_run_id, "sphinx", {"processes": 2}, None, None, None, "")
    await accept(world.ledger, bare)
    job = await history_of(world, bare)
    assert (job.target, job.options, job.reports, job.state) == (None, {"processes": 2}, (), JobState.WAITING)
    with world.ledger.transaction() as tx:
        assert job_history.of_job(tx, order().flow_run_id) is None


async def test_earlier_executions_are_named_and_only_the_last_events_of_the_latest_are_listed(world: World) -> None:
    asked = order()
    await run_job(world.ledger, asked, JobState.FAILED)
    again = await accept(world.ledger, asked)
    await begin(world.ledger, again)
    outcome = recorded(await end(world.ledger, again))
    with world.ledger.transaction() as tx:
        for number in range(job_history.MOST_EVENTS):
            events.append(tx, outcome.id, EventKind.UNKNOWN, exchange=Exchange(500 + number))
    job = await history_of(world, asked)
    assert [(one.execution, bool(one.events)) for one in job.reports] == [(1, False), (1, False), (2, True), (2, True)]
    assert job.reports[-1].left_out == 1
    assert [event.http_status for event in job.reports[-1].events] == [500 + n for n in range(job_history.MOST_EVENTS)]

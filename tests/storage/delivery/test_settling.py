"""Settling: what each outcome of a request leaves in the ledger, if its sender still holds the lease."""

from dataclasses import replace
from datetime import timedelta

import pytest
from leasing import POLICY, change, claim, held, settled, stands
from ledger_jobs import order, run_job
from world import World

from domain.delivery.outcome import Delivered, NotSent, Outcome, Reason, Rejected, Throttled, Unknown
from domain.delivery.report import Phase
from domain.jobs.job_states import JobState
from storage.delivery.availability import Settled

DOUBT = POLICY.settle_after
DELIVERED, REJECTED = Delivered(7), Rejected(Reason.NOT_FOUND, "Not Found")


@pytest.mark.parametrize("outcome", [DELIVERED, REJECTED])
async def test_a_settled_target_is_not_claimed_again(world: World, outcome: Outcome) -> None:
    await run_job(world.ledger, order())
    phase = await settled(world, await held(world), outcome)
    assert await claim(world) is None
    assert await stands(world) == Settled(phase or Phase.DUE, (await world.newest()).id)


@pytest.mark.parametrize(
    ("outcome", "phase", "doubt", "due_in"),
    [
        (DELIVERED, Phase.DELIVERED, None, None),
        (REJECTED, Phase.REJECTED, None, None),
        (replace(REJECTED, may_heal=True), Phase.DUE, None, POLICY.first_delay),
        (Unknown("HTTP 502"), Phase.DUE, DOUBT, POLICY.first_delay),
        (NotSent("refused"), Phase.DUE, None, POLICY.first_delay),
        (Throttled(Reason.RATE_LIMITED, "wait"), Phase.DUE, None, timedelta(0)),
    ],
    ids=lambda value: type(value).__name__,
)
async def test_each_outcome_leaves_its_facts(
    world: World, outcome: Outcome, phase: Phase, doubt: timedelta | None, due_in: timedelta | None
) -> None:
    await run_job(world.ledger, order())
    now = world.clock.now
    assert await settled(world, await held(world), outcome) is phase
    target = await world.target()
    assert (target.lease, target.sending_id, target.lease_expires_at) == (None, None, None)
    assert target.doubt_until == (None if doubt is None else now + doubt)
    assert target.due_at == (None if due_in is None else now + due_in)
    assert (await held(world)).read_back is isinstance(outcome, Unknown) if due_in == POLICY.first_delay else True


@pytest.mark.parametrize("outcome", [DELIVERED, REJECTED, Unknown("HTTP 502"), NotSent("refused")])
async def test_a_late_settle_only_adds_an_event_and_requests_a_verification(world: World, outcome: Outcome) -> None:
    await run_job(world.ledger, order())
    lost = await held(world)
    world.clock.now = lost.expires_at
    await held(world)
    await change(world, verify_at=None)
    before = (await world.target()).model_dump(exclude={"verify_at"})
    phases = await world.phases()
    assert await settled(world, lost, outcome) is None
    assert (await world.target()).model_dump(exclude={"verify_at"}) == before
    assert await world.phases() == phases
    assert (await world.target()).verify_at is not None
    assert (await world.events())[-1] == "late"


@pytest.mark.parametrize(
    "outcome",
    [DELIVERED, REJECTED, replace(REJECTED, may_heal=True), NotSent("refused"), Unknown("HTTP 502")],
)
async def test_a_newer_report_is_due_at_once_whatever_the_olders_state(world: World, outcome: Outcome) -> None:
    await run_job(world.ledger, order())
    lease = await held(world)
    await run_job(world.ledger, order(), JobState.FAILED)
    world.clock.advance(5)
    await settled(world, lease, outcome)
    target = await world.target()
    assert target.due_at == world.clock.now
    assert (target.refused_since, target.last_error) == (None, None)
    assert (target.doubt_until is not None) is isinstance(outcome, Unknown)

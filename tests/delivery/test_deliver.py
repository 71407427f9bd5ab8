"""Delivery to a stand-in GitHub that misbehaves, judged by the statuses it holds at the end."""

from dataclasses import replace
from datetime import timedelta

import pytest
from full import DATABASES
from ledger_jobs import CREDENTIAL, accept, begin, end, order, run_job
from world import Clock, World, world_on

from domain.delivery.policy import Policy
from domain.delivery.report import Phase
from domain.jobs.job_states import JobState
from fake_github.faults import Kind
from storage.delivery.availability import Busy, Settled
from storage.ledger import Ledger
from tasks.report_status import deliver_report

pytestmark = pytest.mark.parametrize("database", DATABASES)
DAY = 24 * 60 * 60


async def test_an_outcome_gets_onto_its_commit(world: World) -> None:
    await run_job(world.ledger, order())
    settled = await world.deliver()
    assert isinstance(settled, Settled)
    assert settled.phase is Phase.DELIVERED
    assert world.held() == ["success"]
    assert await world.events() == ["recorded", "claimed", "posted", "delivered"]


async def test_pending_comes_before_its_outcome(world: World) -> None:
    execution = await accept(world.ledger, order())
    await world.deliver()
    await begin(world.ledger, execution)
    await end(world.ledger, execution)
    await world.deliver()
    assert world.held() == ["pending", "success"]


async def test_a_pending_that_its_outcome_overtook_is_never_sent(world: World) -> None:
    await run_job(world.ledger, order())
    await world.reconcile()
    assert world.held() == ["success"]
    assert await world.phases() == {"pending": Phase.SUPERSEDED, "success": Phase.DELIVERED}


async def test_a_delivered_report_is_not_sent_again(world: World) -> None:
    await run_job(world.ledger, order())
    for _ in range(3):
        assert isinstance(await world.deliver(), Settled)
    assert world.posts() == 1


@pytest.mark.parametrize("state", [JobState.FAILED, JobState.TIMED_OUT, JobState.CANCELLED, JobState.CRASHED])
async def test_each_outcome_is_shown_as_what_it_is(world: World, state: JobState) -> None:
    await run_job(world.ledger, order(), state)
    await world.deliver()
    assert world.held() == ["failure" if state is JobState.FAILED else "error"]


async def test_a_lost_reply_makes_one_status(world: World) -> None:
    world.fault(Kind.CLOSE, where="after")
    await run_job(world.ledger, order())
    await world.deliver()
    await world.deliver()
    assert world.held() == ["success"]
    assert world.posts() == 1


async def test_a_request_that_was_dropped_is_sent_again_only_after_its_doubt(world: World) -> None:
    world.fault(Kind.CLOSE, where="before")
    await run_job(world.ledger, order())
    await world.deliver()
    world.clock.advance(19)
    assert isinstance(await world.deliver(), Busy)
    assert world.posts() == 1
    world.clock.advance(1)
    await world.deliver()
    assert world.held() == ["success"]


async def test_a_request_that_is_stored_after_we_gave_up_is_found_and_not_repeated(world: World) -> None:
    world.fault(Kind.CLOSE, stored_after=10)
    await run_job(world.ledger, order())
    await world.deliver()
    await world.reconcile(passes=10, every=5)
    assert world.held() == ["success"]
    assert world.posts() == 1


async def test_a_credential_without_a_token_leaves_its_report_due_and_says_so(world: World) -> None:
    token = world.tokens.pop(CREDENTIAL)
    await run_job(world.ledger, order())
    await world.deliver()
    assert (await world.target()).last_error == f"{CREDENTIAL} has no token"
    assert await world.phases() == {"pending": Phase.SUPERSEDED, "success": Phase.DUE}
    assert world.posts() == 0
    world.tokens[CREDENTIAL] = token
    await world.reconcile()
    assert world.held() == ["success"]
    assert (await world.target()).last_error is None


@pytest.mark.parametrize(("minutes", "phase"), [(59, Phase.DUE), (60, Phase.REJECTED)])
async def test_a_commit_that_is_missing_has_an_hour_to_arrive(world: World, minutes: int, phase: Phase) -> None:
    world.fault(Kind.NO_SUCH_COMMIT, times=2)
    await run_job(world.ledger, order())
    await world.deliver()
    world.clock.advance(minutes * 60)
    await world.deliver()
    assert (await world.phases())["success"] is phase
    await world.reconcile(passes=2, every=DAY)
    assert world.held() == (["success"] if phase is Phase.DUE else [])


async def test_another_answer_starts_the_hour_of_a_missing_commit_anew(world: World) -> None:
    await run_job(world.ledger, order())
    world.fault(Kind.NO_SUCH_COMMIT)
    await world.deliver()
    world.clock.advance(50 * 60)
    world.fault(Kind.PRIMARY_LIMIT, seconds=60)
    await world.deliver()
    world.clock.advance(20 * 60)
    world.fault(Kind.NO_SUCH_COMMIT)
    await world.deliver()
    assert (await world.phases())["success"] is Phase.DUE


async def test_an_attempt_with_too_little_of_its_lease_left_does_not_send(world: World) -> None:
    async def stall(name: str) -> None:
        if name == "committed" and world.posts() == 0:
            world.clock.advance(15.5)

    await run_job(world.ledger, order())
    assert isinstance(await world.deliver(by=await world.sender(stall)), Busy)
    assert world.posts() == 0
    await world.reconcile()
    assert world.held() == ["success"]


async def test_a_lease_check_that_took_too_long_lets_no_request_go(world: World) -> None:
    """As when the reply to its commit is lost for a while: what it saw was true when it was seen."""
    seconds = iter((0, 15.5))
    await run_job(world.ledger, order())
    slow = replace(await world.sender(), time=lambda: next(seconds))
    assert isinstance(await world.deliver(by=slow), Busy)
    assert world.posts() == 0
    await world.reconcile()
    assert world.held() == ["success"]


async def test_an_answer_after_its_lease_settles_nothing_and_requests_a_verification(world: World) -> None:
    world.fault(Kind.HANG, seconds=31, where="after")
    await run_job(world.ledger, order())

    async def another_takes_over(name: str) -> None:
        if name == "POST answered":
            await world.deliver()

    await world.deliver(by=await world.sender(another_takes_over))
    assert "late" in await world.events()
    assert (await world.target()).verify_at is not None
    await world.reconcile()
    assert world.held() == ["success"]
    assert world.posts() == 1


async def test_the_policy_of_a_world_is_its_senders_policy(ledger: Ledger, clock: Clock) -> None:
    policy = replace(Policy(), settle_after=timedelta(minutes=5))
    async with world_on(ledger, clock, policy=policy) as world:
        world.fault(Kind.CLOSE)
        await run_job(ledger, order())
        await world.deliver()
        clock.advance(299)
        assert isinstance(await world.deliver(), Busy)


async def test_a_report_takes_three_transactions_and_one_request(world: World) -> None:
    """Claim, a look at the lease, settle: each transaction that holds up a job's end waits for the disk."""
    await run_job(world.ledger, order())
    steps: list[str] = []

    async def note(step: str) -> None:
        steps.append(step)

    sender = await world.sender(note)
    assert await deliver_report(sender, await world.newest(), job_ends_now=True) is Phase.DELIVERED
    transaction, request = ["commit", "committed"], ["POST", "POST answered"]
    assert steps == [*transaction, *transaction, *request, *transaction]

"""A pause belongs to the credential: it holds for every sender, survives restarts, and ends with a probe."""

from dataclasses import replace
from datetime import timedelta

import pytest
from leasing import SECOND, claim, held, settled
from ledger_jobs import CREDENTIAL, accept, order
from racing import MANY, from_connections
from sqlmodel import select, update
from transactions import at
from world import Clock, World, world_on

from domain.delivery.outcome import Delivered, Exchange, NotSent, Outcome, RateLimit, Reason, Throttled, Unknown
from domain.delivery.report import EventKind
from storage.delivery import settling
from storage.delivery.leases import Lease
from storage.ledger import open_ledger
from storage.models import Credential

MINUTE = timedelta(minutes=1)
LIMITED = Throttled(Reason.RATE_LIMITED, "wait")


async def is_probe(world: World, context: str) -> bool:
    """Whether a claim goes through, as the probe."""
    return (await held(world, context)).probe_until is not None


async def answered(
    world: World, lease: Lease, outcome: Outcome, *, http_status: int | None = 403, rate: RateLimit | None = None
) -> None:
    await settled(world, lease, outcome, Exchange(http_status, None, rate))


async def credential(world: World) -> Credential:
    with world.ledger.transaction() as tx:
        return tx.session.exec(select(Credential)).one()


async def pause(world: World) -> timedelta | None:
    """How long the credential still pauses."""
    until = (await credential(world)).paused_until
    return None if until is None else until - world.clock.now


@pytest.fixture
async def senders(world: World) -> list[Lease]:
    """Three senders of one credential that were under way before anything was said about it; a fourth target waits."""
    for context in "abcd":
        await accept(world.ledger, order(context))
    return [await held(world, context) for context in "abc"]


async def test_a_limit_pauses_every_target_of_its_credential_and_of_no_other(
    world: World, senders: list[Lease]
) -> None:
    await answered(world, senders[0], LIMITED)
    assert await pause(world) == MINUTE
    assert await claim(world, "d") is None
    await accept(world.ledger, replace(order("e"), credential="env:OTHER"))
    assert await claim(world, "e") is not None


async def test_a_pause_survives_the_reopening_of_the_ledger(
    world: World, senders: list[Lease], ledger_url: str, clock: Clock
) -> None:
    await answered(world, senders[0], LIMITED)
    async with open_ledger(ledger_url, clock=clock.of_ledger) as again, world_on(again, clock) as other:
        clock.advance(59)
        assert await claim(other, "d") is None
        clock.advance(1)
        assert await claim(other, "d") is not None


async def test_github_s_own_time_is_obeyed(world: World, senders: list[Lease]) -> None:
    await answered(world, senders[0], Throttled(Reason.RATE_LIMITED, "wait", world.clock.now + 7 * MINUTE))
    assert await pause(world) == 7 * MINUTE
    assert (await credential(world)).pause_reason == Reason.RATE_LIMITED


async def test_a_time_beyond_all_measure_pauses_for_an_hour(world: World, senders: list[Lease]) -> None:
    for lease in senders:
        await answered(world, lease, Throttled(Reason.RATE_LIMITED, "wait", world.clock.now + timedelta(days=1)))
        assert await pause(world) == 60 * MINUTE


async def test_after_a_pause_one_probe_goes_through(world: World, senders: list[Lease]) -> None:
    await answered(world, senders[0], LIMITED)
    world.clock.advance(60)
    probe = await held(world, "d")
    assert probe.probe_until == probe.expires_at
    assert await claim(world, "a") is None
    await answered(world, probe, Delivered(7), http_status=201)
    assert await pause(world) is None
    assert not await is_probe(world, "a")


async def test_of_twenty_that_could_be_the_probe_one_is(ledger_url: str) -> None:
    async with open_ledger(ledger_url) as ledger:
        for number in range(MANY):
            await accept(ledger, order(f"docs/{number}"))
        with ledger.transaction() as tx:
            tx.session.exec(update(Credential).values(paused_until=tx.now, pause_seconds=60))
    results = await from_connections("probes", ledger_url, *map(str, range(1, MANY + 1)))
    assert sorted(results) == ["lost"] * (MANY - 1) + ["won"]


async def test_a_pause_doubles_once_with_each_probe_that_is_refused(world: World, senders: list[Lease]) -> None:
    await answered(world, senders[0], LIMITED)
    for minutes in (2, 4, 8, 16, 32, 60, 60):
        world.clock.now = (await credential(world)).paused_until or world.clock.now
        await answered(world, await held(world, "d"), LIMITED)
        assert await pause(world) == minutes * MINUTE


async def test_answers_to_earlier_requests_neither_double_a_pause_nor_end_it(
    world: World, senders: list[Lease]
) -> None:
    await answered(world, senders[0], LIMITED)
    await answered(world, senders[1], LIMITED)
    await answered(world, senders[2], Delivered(7), http_status=201)
    assert await pause(world) == MINUTE


async def test_answers_to_earlier_requests_lengthen_a_pause(world: World, senders: list[Lease]) -> None:
    await answered(world, senders[0], LIMITED)
    await answered(world, senders[1], Throttled(Reason.SECONDARY_LIMIT, "wait", world.clock.now + 30 * SECOND))
    assert await pause(world) == MINUTE
    await answered(world, senders[2], Throttled(Reason.SECONDARY_LIMIT, "wait", world.clock.now + 3 * MINUTE))
    assert await pause(world) == 3 * MINUTE


async def test_an_earlier_request_that_is_answered_after_the_pause_does_not_double_it(
    world: World, senders: list[Lease]
) -> None:
    await answered(world, senders[0], Throttled(Reason.SECONDARY_LIMIT, "wait", world.clock.now + 5 * SECOND))
    world.clock.advance(10)
    await answered(world, senders[1], LIMITED)
    assert await is_probe(world, "d")


async def test_a_probe_that_dies_lets_another_through_after_its_lease(world: World, senders: list[Lease]) -> None:
    await answered(world, senders[0], LIMITED)
    world.clock.advance(60)
    await held(world, "d")
    world.clock.advance(29)
    assert await claim(world, "a") is None
    world.clock.advance(1)
    assert await is_probe(world, "a")


@pytest.mark.parametrize("outcome", [NotSent("refused"), Unknown("timeout")])
async def test_an_unanswered_probe_lets_another_through_at_once(
    world: World, senders: list[Lease], outcome: Outcome
) -> None:
    await answered(world, senders[0], LIMITED)
    world.clock.advance(60)
    await answered(world, await held(world, "d"), outcome, http_status=None)
    assert await is_probe(world, "a")


async def test_a_probe_that_was_given_back_lets_another_through_at_once(world: World, senders: list[Lease]) -> None:
    await answered(world, senders[0], LIMITED)
    world.clock.advance(60)
    lease, now = await held(world, "d"), world.clock.now
    with world.ledger.transaction() as tx:
        settling.release(at(tx, now=now), lease, EventKind.NOT_SENT, due_at=now, note="")
    assert await is_probe(world, "a")


@pytest.mark.parametrize("outcome", [NotSent("refused"), Delivered(7), LIMITED])
async def test_a_probe_whose_lease_was_taken_over_changes_no_pause(
    world: World, senders: list[Lease], outcome: Outcome
) -> None:
    await answered(world, senders[0], LIMITED)
    world.clock.advance(60)
    lost = await held(world, "d")
    world.clock.advance(30)
    await answered(world, await held(world, "d"), LIMITED)
    assert await pause(world) == 2 * MINUTE
    await answered(world, lost, outcome, http_status=None)
    assert await pause(world) == 2 * MINUTE


@pytest.mark.parametrize("outcome", [Delivered(7), LIMITED])
async def test_a_probe_past_its_lease_changes_no_pause_though_no_other_was_let_through(
    world: World, senders: list[Lease], outcome: Outcome
) -> None:
    await answered(world, senders[0], LIMITED)
    world.clock.advance(60)
    lost = await held(world, "d")
    await accept(world.ledger, order("d"))  # what is newer waits for the end of the doubt
    world.clock.advance(30)
    assert await claim(world, "d") is None
    before = await credential(world)
    await answered(world, lost, outcome)
    assert await credential(world) == before
    assert await is_probe(world, "a")


async def test_the_hourly_account_is_noted(world: World, senders: list[Lease]) -> None:
    rate = RateLimit(5000, 4711, world.clock.now + 10 * MINUTE)
    await answered(world, senders[0], Delivered(7), http_status=201, rate=rate)
    row = await credential(world)
    assert (row.name, row.rate_limit, row.rate_remaining) == (CREDENTIAL, 5000, 4711)
    assert row.rate_reset_at == rate.reset_at

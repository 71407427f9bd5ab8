"""A 401 pauses the senders that use the refused secret, and no sender with another one."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest
from ledger_jobs import CREDENTIAL, order, run_job
from sqlmodel import col, select, update
from world import Clock, World, world_on

from domain.delivery.report import Phase
from fake_github.app import FakeGitHub
from fake_github.faults import Kind
from fake_github.surfaces.surface import Rules
from github_api.credentials import secret_behind
from storage.delivery.availability import Busy, Settled
from storage.ledger import Ledger
from storage.models import Credential, LedgerIdentity, RefusedSecret, StatusTarget
from tasks.delivery.reporter import Reporter
from tasks.delivery.verify import to_verify, verify_target

OLD, NEW, WORSE = "an-old-token", "a-new-token", "another-old-token"
MINUTE = 60
SQLITE = pytest.mark.parametrize("database", ["sqlite"])


@pytest.fixture
async def world(ledger: Ledger, clock: Clock) -> AsyncIterator[World]:
    """GitHub refuses two tokens; the reporter has one of them."""
    github = FakeGitHub(Rules(bad_tokens=frozenset({OLD, WORSE})), clock=clock, sleep=clock.sleep)
    async with world_on(ledger, clock, github=github) as made:
        made.tokens[CREDENTIAL] = OLD
        yield made


def with_token(world: World, token: str) -> Reporter:
    """A sender on another host, where the credential has the secret *token*."""

    async def token_of(_: str) -> str:
        return token

    return replace(world.reporter, secret_of=token_of)


async def jobs(world: World, count: int) -> list[str]:
    """The contexts of so many outcomes that are due."""
    contexts = [f"docs/{number}" for number in range(count)]
    for context in contexts:
        await run_job(world.ledger, order(context))
    return contexts


def refused(world: World) -> int:
    """How many requests GitHub has answered with 401."""
    return sum(seen.answered == 401 for seen in world.github.requests.seen)


async def refusals(world: World) -> list[RefusedSecret]:
    with world.ledger.transaction() as tx:
        return list(tx.session.exec(select(RefusedSecret)))


async def credential(world: World) -> Credential:
    with world.ledger.transaction() as tx:
        return tx.session.exec(select(Credential)).one()


@pytest.mark.parametrize("minutes", [1, 40, 200])
async def test_a_renewed_token_goes_on_with_the_next_pass(world: World, minutes: int) -> None:
    contexts = await jobs(world, 3)
    await world.reconcile(passes=2, every=minutes * MINUTE / 2)
    await world.reconcile(passes=1, every=0)  # the last probe: a pause has just begun
    assert refused(world) <= 3
    assert ((await credential(world)).paused_until or world.clock.now) > world.clock.now
    world.tokens[CREDENTIAL] = NEW
    await world.reconcile(passes=1)
    assert [world.held(context) for context in contexts] == [["success"]] * 3
    assert (await credential(world)).paused_until is None


@SQLITE
async def test_the_refused_secret_waits_twice_as_long_each_time_up_to_an_hour(world: World) -> None:
    await jobs(world, 1)
    assert isinstance(await world.deliver("docs/0"), Settled)
    for minutes in (1, 2, 4, 8, 16, 32, 60, 60):
        world.clock.advance(minutes * MINUTE - 1)
        assert isinstance(await world.deliver("docs/0"), Busy)
        world.clock.advance(1)
        assert isinstance(await world.deliver("docs/0"), Settled)
    assert refused(world) == 9


@SQLITE
async def test_a_host_with_the_refused_secret_neither_pauses_another_nor_asks_more_often(world: World) -> None:
    """They take turns for eight minutes: one has a new job every minute, the other always the same."""
    new = with_token(world, NEW)
    await run_job(world.ledger, order("docs/old"))
    for minute in range(8):
        await world.deliver("docs/old")
        context = f"docs/{minute}"
        await run_job(world.ledger, order(context))
        assert isinstance(await world.deliver(context, by=new), Settled)
        assert world.held(context) == ["success"]
        world.clock.advance(MINUTE)
    assert refused(world) == 4


async def test_of_three_secrets_each_waits_for_its_own_refusal(world: World) -> None:
    await jobs(world, 2)
    await world.deliver("docs/0")
    world.clock.advance(30)
    assert isinstance(await world.deliver("docs/1", by=with_token(world, WORSE)), Settled)
    assert refused(world) == 2
    world.clock.advance(30)
    assert isinstance(await world.deliver("docs/1", by=with_token(world, WORSE)), Busy)
    assert isinstance(await world.deliver("docs/0"), Settled)
    assert refused(world) == 3
    await world.deliver("docs/0", by=with_token(world, NEW))
    assert world.held("docs/0") == ["success"]


async def test_while_a_refused_secret_is_probed_no_other_sender_uses_it(world: World) -> None:
    await jobs(world, 3)
    await world.deliver("docs/0")
    world.clock.advance(MINUTE)
    meanwhile: list[type] = []

    async def step(name: str) -> None:
        if name == "POST":
            meanwhile.append(type(await world.deliver("docs/1")))
            meanwhile.append(type(await world.deliver("docs/2", by=with_token(world, NEW))))

    await world.deliver("docs/0", by=await world.sender(step))
    assert meanwhile == [Busy, Settled]
    assert (refused(world), world.held("docs/2")) == (2, ["success"])


async def test_a_secret_that_is_refused_after_a_claim_lets_no_request_go(world: World) -> None:
    await jobs(world, 2)

    async def step(name: str) -> None:
        if name == "committed" and not refused(world):
            await world.deliver("docs/0")

    assert isinstance(await world.deliver("docs/1", by=await world.sender(step)), Busy)
    assert refused(world) == 1


async def test_a_token_that_is_too_new_for_github_goes_on_after_a_minute(world: World) -> None:
    world.tokens[CREDENTIAL] = NEW
    world.fault(Kind.BAD_CREDENTIALS)
    await jobs(world, 1)
    await world.reconcile(passes=2, every=MINUTE)
    assert world.held("docs/0") == ["success"]
    assert await refusals(world) == []


async def test_a_rate_limit_pauses_every_sender_whatever_secret_was_refused(world: World) -> None:
    await jobs(world, 2)
    world.fault(Kind.SECONDARY_LIMIT, seconds=300)
    await world.deliver("docs/0", by=with_token(world, NEW))
    world.clock.advance(301)
    await world.deliver("docs/0")  # the limit's probe, with the refused secret
    assert refused(world) == 1
    assert isinstance(await world.deliver("docs/0"), Busy)
    world.fault(Kind.SECONDARY_LIMIT)
    await world.deliver("docs/0", by=with_token(world, NEW))
    assert ((await credential(world)).paused_until or world.clock.now) - world.clock.now == timedelta(minutes=10)
    assert isinstance(await world.deliver("docs/1", by=with_token(world, NEW)), Busy)
    world.clock.advance(600)
    await world.deliver("docs/1", by=with_token(world, NEW))
    assert world.held("docs/1") == ["success"]


async def test_a_probe_of_a_refused_secret_that_meets_a_limit_is_made_again(world: World) -> None:
    await jobs(world, 1)
    await world.deliver("docs/0")
    world.clock.advance(MINUTE)
    world.fault(Kind.SECONDARY_LIMIT, seconds=5)
    await world.deliver("docs/0")
    world.clock.advance(5)
    assert isinstance(await world.deliver("docs/0"), Settled)
    assert refused(world) == 2


async def test_a_missing_token_waits_for_itself_and_for_no_refusal(world: World) -> None:
    await jobs(world, 1)
    await world.deliver("docs/0")
    del world.tokens[CREDENTIAL]
    assert isinstance(await world.deliver("docs/0"), Settled)
    assert (await world.target("docs/0")).last_error == f"{CREDENTIAL} has no token"
    assert (await world.phases("docs/0"))["success"] is Phase.DUE


async def test_a_verification_uses_a_new_secret_and_no_refused_one(world: World) -> None:
    new = with_token(world, NEW)
    await jobs(world, 1)
    await world.deliver("docs/0", by=new)
    await run_job(world.ledger, order("docs/1"))
    await world.deliver("docs/1")
    assert refused(world) == 1
    asked = update(StatusTarget).where(col(StatusTarget.context) == "docs/0")
    for sender, reads in ((world.reporter, 0), (new, 1)):
        with world.ledger.transaction() as tx:
            tx.session.exec(asked.values(verify_at=world.clock.now))
        (target_id,) = await to_verify(sender)
        await verify_target(sender, target_id)
        assert world.asked("GET") == reads


async def test_a_refusal_is_forgotten_an_hour_after_its_pause(world: World) -> None:
    """The old secret has been gone since; what had it may get it back, and is asked for nothing."""
    await jobs(world, 2)
    await world.deliver("docs/0")
    world.clock.advance(40 * MINUTE)
    await world.deliver("docs/1", by=with_token(world, WORSE))
    world.clock.advance(22 * MINUTE)
    await world.deliver("docs/1")
    again = max(await refusals(world), key=lambda one: one.paused_until)
    assert (again.pause_seconds, again.paused_until - world.clock.now) == (60, timedelta(minutes=1))


async def test_neither_a_secret_nor_a_hash_that_another_ledger_would_have_is_stored(world: World) -> None:
    await jobs(world, 1)
    await world.deliver("docs/0")
    (stored,) = await refusals(world)
    assert OLD not in repr(stored)
    assert stored.fingerprint not in secret_behind(OLD)
    with world.ledger.transaction() as tx:
        tx.session.exec(update(LedgerIdentity).values(id=uuid4()))
    assert isinstance(await world.deliver("docs/0"), Settled)
    assert len({one.fingerprint for one in await refusals(world)}) == 2

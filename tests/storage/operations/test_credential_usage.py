"""Pause, budget and refused secrets of each credential."""

from dataclasses import replace
from datetime import timedelta

from ledger_jobs import CREDENTIAL, order, run_job
from sqlmodel import update
from world import World

from storage.models import Credential
from storage.operations.credential_usage import CredentialUsage, usages

OTHER = "env:OTHER"


async def found(world: World) -> list[CredentialUsage]:
    return await world.ledger.write(usages)


async def test_a_ledger_without_a_report_knows_no_credential(world: World) -> None:
    assert await found(world) == []


async def test_requests_of_the_last_minute_and_hour_and_what_waits_are_counted_for_each(world: World) -> None:
    await run_job(world.ledger, replace(order("docs/other"), credential=OTHER))
    for context in ("docs/a", "docs/b"):
        await run_job(world.ledger, order(context))
        await world.deliver(context)
        world.clock.advance(90)
    await run_job(world.ledger, order("docs/c"))
    await world.deliver("docs/c")
    await run_job(world.ledger, order("docs/waits"))
    other, mine = await found(world)
    assert (other.name, other.posts_last_minute, other.posts_last_hour, other.undelivered) == (OTHER, 0, 0, 1)
    assert (mine.name, mine.posts_last_minute, mine.posts_last_hour, mine.undelivered) == (CREDENTIAL, 1, 3, 1)
    world.clock.advance(3600)
    assert [one.posts_last_hour for one in await found(world)] == [0, 0]


async def test_a_pause_has_its_reason_and_the_rate_limit_is_githubs(world: World) -> None:
    await run_job(world.ledger, order())
    until = world.clock.now + timedelta(minutes=5)
    rate = {"rate_limit": 5000, "rate_remaining": 17, "rate_reset_at": until}
    with world.ledger.transaction() as tx:
        tx.session.exec(update(Credential).values(paused_until=until, pause_reason="rate_limited", **rate))
    assert await found(world) == [CredentialUsage(CREDENTIAL, until, "rate_limited", 5000, 17, until, undelivered=1)]

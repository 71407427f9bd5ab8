"""Requests of a GitHub App that fail, are limited, or whose token GitHub has revoked."""

from dataclasses import replace
from datetime import timedelta

import pytest
from app_senders import AS_APP, answered, as_app, credential, due, minted, outcome_of, world_with_app
from github_apps import an_app, installation
from world import Clock, World

from domain.delivery.outcome import Reason, StaleToken, Throttled
from domain.delivery.report import Phase
from fake_github.faults import Kind
from storage.delivery.availability import Busy
from storage.ledger import Ledger
from tasks.delivery.verify import verify_target

HOUR = timedelta(hours=1)

FAULTS = {
    "closed": {"kind": Kind.CLOSE}, "reset": {"kind": Kind.RESET}, "cut": {"kind": Kind.TRUNCATE},
    "server error": {"kind": Kind.SERVER_ERROR}, "html": {"kind": Kind.HTML},
    "a proxy": {"kind": Kind.INTERMEDIARY}, "a proxy's 401": {"kind": Kind.INTERMEDIARY, "status": 401},
    "a proxy's 404": {"kind": Kind.INTERMEDIARY, "status": 404},
    "hourly limit": {"kind": Kind.PRIMARY_LIMIT}, "a limit": {"kind": Kind.SECONDARY_LIMIT, "seconds": 60},
    "odd success": {"kind": Kind.ODD_SUCCESS}, "no token": {"kind": Kind.ANSWER, "status": 201, "body": {}},
}  # fmt: skip


@pytest.mark.parametrize("where", ["before", "after"])
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize(("endpoint", "method"), [("installation", "GET"), ("access_tokens", "POST")])
async def test_a_fault_of_an_apps_request_delays_a_report_and_no_more(
    world: World, endpoint: str, method: str, fault: str, where: str
) -> None:
    world.fault(**FAULTS[fault], endpoint=endpoint, method=method, where=where)  # type: ignore[arg-type]  # checked by it
    await due(world)
    await world.deliver()
    assert (await world.phases())["success"] in (Phase.DUE, Phase.DELIVERED)
    await world.reconcile(passes=3, every=HOUR.total_seconds() / 2)
    assert world.held() == ["success"]


async def test_a_limit_of_the_app_pauses_its_credential_for_all(world: World) -> None:
    world.fault(Kind.PRIMARY_LIMIT, seconds=600, **AS_APP)
    await due(world, "docs/sphinx", "docs/other")
    assert isinstance(outcome_of(await world.deliver()), Throttled)
    assert (await credential(world)).pause_reason == Reason.RATE_LIMITED
    assert isinstance(await world.deliver("docs/other", by=await as_app(world)), Busy)


async def test_a_stale_token_does_not_end_the_pause_of_a_limit(world: World) -> None:
    await due(world, "docs/first", "docs/sphinx")
    await world.deliver("docs/first")
    world.fault(Kind.SECONDARY_LIMIT, seconds=60)
    await world.deliver()
    world.clock.advance(60)
    world.github.apps.revoke()
    assert isinstance(outcome_of(await world.deliver()), StaleToken)
    assert (await credential(world)).pause_reason == Reason.SECONDARY_LIMIT
    await world.deliver()
    assert (world.held(), (await credential(world)).pause_reason) == (["success"], None)


async def test_while_github_makes_no_new_token_the_old_one_serves_to_its_end(world: World) -> None:
    await due(world, "docs/first", "docs/sphinx")
    await world.deliver("docs/first")
    world.clock.advance(55 * 60)
    world.fault(Kind.SERVER_ERROR, times=0, **AS_APP)
    await world.deliver()
    assert (world.held(), minted(world)) == (["success"], 1)


async def test_reading_back_and_verifying_replace_a_revoked_token_as_well(world: World) -> None:
    world.fault(Kind.CLOSE, where="after")
    await due(world)
    await world.deliver()
    world.github.apps.revoke()
    world.clock.advance(60)
    assert isinstance(outcome_of(await world.deliver()), StaleToken)
    await world.deliver()
    assert (world.held(), (await world.phases())["success"]) == (["success"], Phase.DELIVERED)
    world.github.apps.revoke()
    world.clock.advance(120)
    await verify_target(world.reporter, await world.target_id())
    assert (await world.target()).verify_at is not None
    assert (answered(world, 401, method="GET"), (await credential(world)).paused_until) == (2, None)


async def test_an_installation_elsewhere_is_not_held_up_by_one_that_is_suspended(ledger: Ledger, clock: Clock) -> None:
    two = an_app(installation(7, "acme"), replace(installation(8, "other"), suspended=True))
    async with world_with_app(ledger, clock, two) as world:
        await due(world)
        await world.deliver()
        assert world.held() == ["success"]

"""A report is given up after a week with attempts on several days, or after five requests that GitHub never shows."""

from collections.abc import Iterable

import httpx
import pytest
from ledger_jobs import CREDENTIAL, order, run_job
from world import Clock, World, world_on

from domain.delivery.outcome import Reason
from domain.delivery.policy import Policy
from domain.delivery.report import Phase
from fake_github.faults import Kind
from storage.ledger import Ledger

DAY = 24 * 60 * 60


async def no_network(name: str) -> None:
    if name in ("GET", "POST"):
        raise httpx.ConnectError("Network is unreachable")


async def try_on(world: World, days: Iterable[float], *, sent: bool) -> None:
    """Tries so many days after now, none of which succeeds. *sent*: their requests leave, and get no answer."""
    start = world.clock.now
    cut_off = await world.sender(no_network)
    for day in days:
        world.clock.now = start
        world.clock.advance(day * DAY)
        if sent:
            world.fault(Kind.CLOSE, where="before")
        await world.deliver(by=world.reporter if sent else cut_off)


@pytest.mark.parametrize("sent", [False, True])
@pytest.mark.parametrize(
    ("days", "phase"),
    [
        ((0, 8), Phase.DUE),
        ((0, 7.1, 7.2, 7.3, 7.4), Phase.DUE),  # on two days
        ((0, 0.1, 1, 2, 8), Phase.DUE),  # on four
        ((0, 1, 2, 3, 4, 5, 6, 6.9), Phase.DUE),
        ((0, 1, 2, 3, 7.1), Phase.REJECTED),
    ],
)
async def test_it_is_given_up_after_a_week_with_tries_on_five_days(
    ledger: Ledger, clock: Clock, days: tuple[float, ...], phase: Phase, *, sent: bool
) -> None:
    async with world_on(ledger, clock, policy=Policy()) as world:
        await run_job(ledger, order())
        await try_on(world, days, sent=sent)
        assert (await world.phases())["success"] is phase
        if phase is Phase.REJECTED:
            assert str((await world.target()).last_error).startswith(f"{Reason.EXPIRED}: nothing got through for 7")
        else:
            world.github.script.clear()
            await world.reconcile(passes=3, every=3600)
            assert world.held() == ["success"]


async def test_a_machine_that_was_off_for_a_week_and_boots_without_a_network_gives_nothing_up(world: World) -> None:
    contexts = [f"docs/{number}" for number in range(3)]
    cut_off = await world.sender(no_network)
    for context in contexts:
        await run_job(world.ledger, order(context))
        await world.deliver(context, by=cut_off)
    world.clock.advance(8 * DAY)
    for context in contexts:
        await world.deliver(context, by=cut_off, only_if_due=True)
    await world.reconcile(passes=3, every=3600)
    assert [world.held(context) for context in contexts] == [["success"]] * 3


async def test_a_missing_token_gives_nothing_up_and_its_days_do_not_count(world: World) -> None:
    token = world.tokens.pop(CREDENTIAL)
    await run_job(world.ledger, order())
    await try_on(world, range(0, 30, 3), sent=False)
    world.tokens[CREDENTIAL] = token
    await try_on(world, range(4), sent=False)
    assert (await world.phases())["success"] is Phase.DUE
    del world.tokens[CREDENTIAL]
    await try_on(world, range(0, 30, 3), sent=False)
    assert (await world.phases())["success"] is Phase.DUE
    world.tokens[CREDENTIAL] = token
    await world.reconcile(passes=3, every=3600)
    assert world.held() == ["success"]


async def try_often(world: World) -> None:
    for _ in range(8):
        await world.deliver()
        world.clock.advance(60)


async def test_five_requests_that_github_accepts_and_never_shows_are_enough(world: World) -> None:
    world.fault(Kind.ODD_SUCCESS, times=0)
    await run_job(world.ledger, order())
    await try_often(world)
    assert world.posts() == 5
    assert str((await world.target()).last_error).startswith(Reason.UNVERIFIABLE)


async def test_a_fifth_request_that_is_shown_is_delivered(world: World) -> None:
    world.fault(Kind.ODD_SUCCESS, times=4)
    world.fault(Kind.ODD_SUCCESS, where="after")
    await run_job(world.ledger, order())
    await try_often(world)
    assert (world.held(), world.posts()) == (["success"], 5)


async def test_other_failures_do_not_count_as_accepted(world: World) -> None:
    world.fault(Kind.SERVER_ERROR, times=6)
    await run_job(world.ledger, order())
    await try_often(world)
    assert (world.held(), world.posts()) == (["success"], 7)


async def test_once_reopened_it_has_five_requests_again(world: World) -> None:
    world.fault(Kind.ODD_SUCCESS, times=9)
    await run_job(world.ledger, order())
    await try_often(world)
    assert await world.reopen()
    await try_often(world)
    assert (world.held(), world.posts()) == (["success"], 10)

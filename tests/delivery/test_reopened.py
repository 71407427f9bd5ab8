"""A reopened report keeps its doubt, and is sent with a credential that still exists."""

from datetime import timedelta

import httpx
import pytest
from ledger_jobs import order, run_job
from sqlmodel import select
from world import World

from fake_github.faults import Kind
from storage.delivery.availability import Busy
from storage.models import StatusReport

DAY = timedelta(days=1).total_seconds()


async def outcome(world: World) -> StatusReport:
    with world.ledger.transaction() as tx:
        return tx.session.exec(select(StatusReport).where(StatusReport.rank > 0)).one()


async def given_up_in_doubt(world: World) -> None:
    """Give a report up after a week of failures; its last request was stored, and the reply lost."""

    async def no_network(name: str) -> None:
        if name == "POST":
            raise httpx.ConnectError("Network is unreachable")

    cut_off = await world.sender(no_network)
    await run_job(world.ledger, order())
    for _ in range(7):
        await world.deliver(by=cut_off)
        world.clock.advance(DAY)
    world.fault(Kind.CLOSE, where="after")
    await world.deliver()


async def test_a_report_given_up_in_doubt_is_searched_for_once_reopened(world: World) -> None:
    await given_up_in_doubt(world)
    assert await world.reopen()
    world.clock.advance(60)
    await world.deliver()
    assert world.held() == ["success"]


async def test_a_newer_report_waits_for_the_doubt_of_one_given_up(world: World) -> None:
    await given_up_in_doubt(world)
    await run_job(world.ledger, order())
    assert isinstance(await world.deliver(), Busy)
    world.clock.advance(60)
    await world.deliver()
    assert world.held() == ["success", "success"]
    assert world.posts() == 2


@pytest.mark.parametrize("new", ["env:NEW"])
async def test_a_retry_takes_the_credential_that_the_settings_name_now(world: World, new: str) -> None:
    world.tokens = {new: "a-better-token"}
    await run_job(world.ledger, order())
    await world.deliver()
    assert not await world.reopen(credential=new)  # it was merely due
    await world.deliver()
    assert world.held() == ["success"]
    assert (await outcome(world)).delivered_at is not None

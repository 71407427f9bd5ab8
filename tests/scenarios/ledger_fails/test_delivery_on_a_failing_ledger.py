"""The ledger fails at any one effect of a delivery: nothing is lost or duplicated."""

from contextlib import AsyncExitStack, suppress
from itertools import count

import pytest
from failing import Failure, FullDisk, Locked, PostgreSQL
from ledger_jobs import order, run_job
from relay import Fate, Relay
from steps import AtEffect
from world import World

from fake_github.faults import Kind
from storage import engines
from storage.ledger import Ledger, LedgerUnavailable

LEASE = 30
SETTLE_AFTER = 20
ON_SQLITE = pytest.mark.parametrize("database", ["sqlite"])
ON_POSTGRESQL = pytest.mark.parametrize("database", ["postgresql"])

EVERY_EFFECT = ("commit", "committed", "GET", "GET answered", "POST", "POST answered")
EVERY_COMMIT = ("commit",)


async def every_failure(world: World, failure: Failure, effects: tuple[str, ...], ledger: Ledger | None = None) -> int:
    """Deliver one context after another by two tries, *failure* striking one effect later each time.

    The first try's request gets lost, so that the second reads back and sends. In the end each has been tried again,
    and GitHub holds one status of each. How many *failure* stopped.
    """
    contexts, stopped = [], 0
    for number in count():
        context = f"docs/{number}"
        contexts.append(context)
        await run_job(world.ledger, order(context))
        world.fault(Kind.CLOSE, context=context)
        step = AtEffect(number, lambda _: failure.strike(), effects)
        sender = await world.sender(step, ledger=ledger)
        try:
            await world.deliver(context, by=sender)
            world.clock.advance(SETTLE_AFTER)
            await world.deliver(context, by=sender)
        except LedgerUnavailable:
            stopped += 1
        finally:
            failure.mend()
        world.github.script.clear()
        if len(step.names) <= number:
            break
    world.clock.advance(LEASE)
    await world.reconcile()
    assert {context: world.held(context) for context in contexts} == {context: ["success"] for context in contexts}
    return stopped


@ON_SQLITE
async def test_a_disk_that_fills_up_anywhere_still_ends_in_one_status(world: World, full_disk: FullDisk) -> None:
    assert await every_failure(world, full_disk, EVERY_EFFECT) >= 10


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLite waits for a lock as long as nothing."""
    monkeypatch.setattr(engines, "LOCK_WAIT", 0.02)


@pytest.mark.usefixtures("impatient")
@ON_SQLITE
async def test_a_ledger_that_is_locked_for_long_anywhere_still_ends_in_one_status(world: World, locked: Locked) -> None:
    assert await every_failure(world, locked, EVERY_EFFECT) >= 8


@ON_POSTGRESQL
async def test_a_connection_that_the_server_ends_anywhere_still_ends_in_one_status(
    world: World, server: PostgreSQL
) -> None:
    assert await every_failure(world, server, EVERY_COMMIT) >= 6


class LostCommit:
    """The next commit through a relay is lost: before the server has it, or its reply."""

    def __init__(self, relay: Relay, fate: Fate) -> None:
        self._relay = relay
        self._fate = fate

    async def strike(self) -> None:
        self._relay.lose_next(b"COMMIT", self._fate)

    def mend(self) -> None:
        self._relay.lose_next(b"sent by no client", Fate.PASS)


@ON_POSTGRESQL
@pytest.mark.parametrize("fate", [Fate.LOST, Fate.UNANSWERED])
async def test_a_connection_lost_within_any_commit_still_ends_in_one_status(
    world: World, fate: Fate, relay: tuple[Ledger, Relay]
) -> None:
    ledger, between = relay
    stopped = await every_failure(world, LostCommit(between, fate), EVERY_COMMIT, ledger)
    assert stopped == between.lost >= 6


@ON_POSTGRESQL
async def test_a_201_that_could_not_be_stored_is_found_by_reading_back(world: World, server: PostgreSQL) -> None:
    """The server stops after GitHub's answer, before it is stored, and comes back."""
    await run_job(world.ledger, order())
    async with AsyncExitStack() as down:

        async def stop(name: str) -> None:
            if name == "POST answered":
                await down.enter_async_context(server.stopped())

        with pytest.raises(LedgerUnavailable, match="the ledger is unavailable: "):
            await world.deliver(by=await world.sender(stop))
        with pytest.raises(LedgerUnavailable):
            await world.deliver()
    world.clock.advance(LEASE)
    await world.deliver()
    assert (world.held(), world.posts(), world.asked("GET")) == (["success"], 1, 1)
    assert (await world.events())[-3:] == ["recovered", "claimed", "found"]


@ON_SQLITE
async def test_a_201_that_found_the_disk_full_is_found_by_reading_back(world: World, full_disk: FullDisk) -> None:
    async def fill(name: str) -> None:
        if name == "POST answered":
            await full_disk.strike()

    await run_job(world.ledger, order())
    sender = await world.sender(fill)
    try:
        for _ in range(3):
            with suppress(LedgerUnavailable):
                await world.deliver(by=sender)
    finally:
        full_disk.mend()
    world.clock.advance(LEASE)
    await world.deliver()
    assert (world.held(), world.posts(), world.asked("GET")) == (["success"], 1, 1)

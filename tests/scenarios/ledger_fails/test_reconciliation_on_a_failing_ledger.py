"""The ledger fails within a reconciliation run: the run reports it, and the next one finishes the work."""

from contextlib import suppress
from datetime import timedelta
from itertools import count
from uuid import uuid4

import pytest
from full import FULL
from ledger_jobs import order, run_job
from relay import Fate, Relay
from world import World

from storage.ledger import Ledger, LedgerUnavailable
from tasks.delivery.deliver_due import deliver_due
from tasks.delivery.reporter import Reporter

CONTEXTS = ("docs/a", "docs/b")


async def one_pass(reporter: Reporter) -> None:
    with suppress(LedgerUnavailable):
        await deliver_due(reporter, uuid4(), budget=timedelta(seconds=10), senders=1)


@pytest.mark.parametrize("database", ["postgresql"])
async def test_a_lost_commit_reply_anywhere_in_a_run_lets_the_rest_go_on(
    world: World, relay: tuple[Ledger, Relay], monkeypatch: pytest.MonkeyPatch, logged: list[str]
) -> None:
    monkeypatch.setattr("tasks.delivery.senders.COOLDOWN", timedelta(0))
    ledger, between = relay
    sender = await world.sender(ledger=ledger)
    for rounds, number in enumerate(count(step=1 if FULL else 3)):
        for context in CONTEXTS:
            await run_job(world.ledger, order(context))
        between.lose_next(b"COMMIT", Fate.UNANSWERED, skip=number)
        await one_pass(sender)
        world.clock.advance(30)  # a lease
        for _ in range(2):
            await one_pass(sender)
            world.clock.advance(20)  # a doubt
        if between.lost == rounds:
            break
    assert [world.held(context) for context in CONTEXTS] == [["success"] * (rounds + 1)] * 2
    assert between.lost > (8 if FULL else 3)
    assert any("could not be tried: LedgerUnavailable('the ledger is unavailable: " in one for one in logged)

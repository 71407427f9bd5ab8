"""A host that freezes or vanishes within a PostgreSQL transaction: others go on, and so does it once it is back."""

import json
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from time import monotonic

import pytest
from full import FULL
from ledger_jobs import order, run_job
from relay import Relay, to_postgresql
from sender_process import Later, job, life, sender
from sending import held_by_context, process_that, reconcile
from steps import AtEffect
from waiting import until
from world import World

from fake_github.faults import Kind
from fake_github.process import running
from storage import engines
from storage.ledger import LedgerUnavailable, open_ledger
from tasks.delivery.reporter import Reporter

ON_POSTGRESQL = pytest.mark.parametrize("database", ["postgresql"])
PLACES = 16
"""More than there are transactions in which a process can be frozen."""

EVERY = 1 if FULL else 2
"""The distance of the transactions within which a host vanishes, from the first on, and freezes from the second on."""

SOON = 15
"""Seconds within which others deliver."""


@ON_POSTGRESQL
async def test_a_process_frozen_within_any_transaction_blocks_no_sender_and_leaves_one_status(ledger_url: str) -> None:
    """From accepting a job to its second attempt, whose first request was lost. Its ledger is then unavailable."""
    async with open_ledger(ledger_url), running() as stand_in:
        for number in range(PLACES):
            await stand_in.fault("close", where="before", context=f"docs/{number}")
        async with process_that("freezes", ledger_url, stand_in.url, EVERY - 1, EVERY) as process:
            printed, _ = await process.communicate()
        assert process.returncode == 0
        held_up = json.loads(printed)
        await stand_in.clear()
        time = Later()
        time.pass_by(60)
        async with sender(ledger_url, stand_in.url, time) as successor:
            for number in range(PLACES):
                await life(successor, job(number), time)
            await reconcile(successor, time)
        statuses = await held_by_context(stand_in)
        assert set(map(tuple, statuses.values())) == {("success",)}
        assert len(statuses) >= PLACES + 1 + len(held_up)
    assert 8 // EVERY < len(held_up) < PLACES
    assert max(held_up) < SOON


async def is_delivered(world: World, context: str, sender: Reporter) -> bool:
    """Whether *sender*, whose network is back, could deliver. Each check comes after a lease and a doubt have ended.

    A slow connection ends an attempt; on a slow machine, also one that has its lease.
    """
    world.clock.advance(60)
    with suppress(LedgerUnavailable):
        await world.deliver(context, by=sender)
    return world.held(context) == ["success"]


@dataclass
class Vanished:
    """A host that vanishes from the network.

    A neighbour with the same credential then delivers an outcome, directly; `seconds` says how long that took.
    """

    relay: Relay
    neighbour: World
    context: str
    seconds: float | None = None

    async def vanish(self, _: str) -> None:
        self.relay.cut()
        began = monotonic()
        await run_job(self.neighbour.ledger, order(self.context))
        await self.neighbour.deliver(self.context)
        self.seconds = monotonic() - began


@ON_POSTGRESQL
async def test_a_host_that_vanishes_within_any_transaction_blocks_no_sender_and_leaves_one_status(
    world: World, ledger_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its own statements end, too, and once the network is back it delivers by the same ledger."""
    for name, seconds in (("IDLE_WAIT", 0.3), ("STATEMENT_WAIT", 1.0)):
        monkeypatch.setattr(engines, name, seconds)
    contexts, held_up = list[str](), list[float]()
    async with (
        to_postgresql(ledger_url, tmp_path) as (url, relay),
        open_ledger(url, clock=world.clock.of_ledger) as ledger,
    ):
        while True:
            context = f"docs/{len(contexts)}"
            contexts.append(context)
            await run_job(world.ledger, order(context))
            world.fault(Kind.CLOSE, context=context)
            host = Vanished(relay, world, f"neighbour/{len(contexts)}")
            step = AtEffect(EVERY * len(held_up), host.vanish, ("commit",))
            sender = await world.sender(step, ledger=ledger)
            try:
                await world.deliver(context, by=sender)
                world.clock.advance(20)
                await world.deliver(context, by=sender)
            except LedgerUnavailable:
                if host.seconds is not None:  # else the machine is slow
                    held_up.append(host.seconds)
            else:
                break
            finally:
                relay.mend()
                world.github.script.clear()
            await until(partial(is_delivered, world, context, await world.sender(ledger=ledger)))
    await world.reconcile()
    assert {context: world.held(context) for context in contexts} == {context: ["success"] for context in contexts}
    assert len(held_up) >= 6 // EVERY
    assert max(held_up) < SOON

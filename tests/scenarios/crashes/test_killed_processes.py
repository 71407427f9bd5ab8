"""Real processes ended by SIGKILL at each effect and in the middle of a request still make one status."""

import pytest
from full import FULL, SQLITE_OR_ALL
from ledger_jobs import order, run_job
from sender_process import WARM_UP, Later, sender
from sending import held_by_context, killed_anywhere, process_that, reconcile, target_of
from waiting import until

from fake_github.process import running
from storage.ledger import open_ledger

QUICK = [("sqlite", "request", 0), ("postgresql", "reply", 1)]
ALL = [(database, lost, 0) for database in SQLITE_OR_ALL for lost in ("request", "reply")]
EVERY = 1 if FULL else 2
"""The distance of the places; the two of `QUICK` take turns."""

PLACES = 40
"""More than there are at which a process can be killed."""


@pytest.mark.parametrize(("database", "lost", "first"), ALL if FULL else QUICK)
async def test_a_process_killed_at_any_of_its_effects_leaves_one_status(ledger_url: str, lost: str, first: int) -> None:
    """From accepting a job to its second try, after its first request or the reply to that was lost.

    With the request lost, the second try reads back and sends again; with the reply lost, it reads back and finds.
    """
    async with open_ledger(ledger_url), running() as stand_in:
        for number in range(PLACES):
            await stand_in.fault("close", where="before" if lost == "request" else "after", context=f"docs/{number}")
        lived = await killed_anywhere(ledger_url, stand_in, first, EVERY)
        jobs = (*range(first, lived + 1, EVERY), WARM_UP)
        assert await held_by_context(stand_in) == {f"docs/{number}": ["success"] for number in jobs}
    assert 20 < lived < PLACES


@pytest.mark.parametrize("database", SQLITE_OR_ALL)
async def test_a_process_killed_in_the_middle_of_its_request_leaves_one_status(ledger_url: str) -> None:
    """Its request is never stored, stored before it was killed, or stored after that."""
    late = 1.0
    faults: dict[str, dict[str, object]] = {"never": {}, "before": {"where": "after"}, "later": {"stored_after": late}}
    async with open_ledger(ledger_url) as ledger, running() as stand_in:
        for context, fault in faults.items():
            await stand_in.fault("hang", context=context, **fault)
            await run_job(ledger, order(context))

        async def all_are_waited_for() -> bool:
            return len(await stand_in.requests()) == len(faults)

        ids = [await target_of(ledger, name) for name in faults]
        async with process_that("sends", ledger_url, stand_in.url, *ids):
            await until(all_are_waited_for)

        async def is_stored() -> bool:
            return len(await stand_in.statuses()) == len(faults) - 1

        await until(is_stored)
        time = Later()
        async with sender(ledger_url, stand_in.url, time) as successor:
            await reconcile(successor, time)
        assert await held_by_context(stand_in) == {context: ["success"] for context in faults}

"""Lists reports: filters, order and columns."""

from datetime import timedelta
from uuid import uuid4

import pytest
from ledger_jobs import CREDENTIAL, SHA, order, run_job
from world import World

from domain.delivery.report import Phase
from domain.delivery.target import StatusState, Target
from domain.operations.job_history import Blockers
from domain.operations.overview import Listed
from fake_github.faults import Kind
from storage.delivery.reports import Selection
from storage.operations.listing import Wanted, listing

DELIVERED, REFUSED, BROKEN, FRESH = "docs/delivered", "docs/refused", "docs/broken", "docs/fresh"
EVERYTHING = Selection()
UNDELIVERED, REJECTED = (Wanted.UNDELIVERED,), (Wanted.REJECTED,)


async def listed(
    world: World, selection: Selection = EVERYTHING, wanted: tuple[Wanted, ...] = (), limit: int = 100
) -> list[Listed]:
    with world.ledger.transaction() as tx:
        return listing(tx, selection, wanted, limit=limit)[0]


async def contexts(world: World, selection: Selection = EVERYTHING, wanted: tuple[Wanted, ...] = ()) -> list[str]:
    return [one.target.context for one in await listed(world, selection, wanted)]


@pytest.fixture
async def some(world: World) -> World:
    """One report of each kind beside its `pending`, which is superseded."""
    for context, kind in ((DELIVERED, None), (REFUSED, Kind.ARCHIVED), (BROKEN, Kind.CLOSE)):
        await run_job(world.ledger, order(context))
        if kind:
            world.fault(kind, context=context)
        await world.deliver(context)
        world.clock.advance(60)
    await run_job(world.ledger, order(FRESH))
    return world


async def test_all_are_listed_the_newest_first(some: World) -> None:
    assert await contexts(some) == [FRESH, FRESH, BROKEN, BROKEN, REFUSED, REFUSED, DELIVERED, DELIVERED]


async def test_undelivered_are_those_that_are_due_the_oldest_first(some: World) -> None:
    assert await contexts(some, wanted=UNDELIVERED) == [BROKEN, FRESH]


async def test_a_report_being_sent_is_undelivered(some: World) -> None:
    found: list[Phase] = []

    async def look(effect: str) -> None:
        if effect == "POST":
            found.extend(one.phase for one in await listed(some, wanted=UNDELIVERED))

    await some.deliver(FRESH, by=await some.sender(look))
    assert found == [Phase.DUE, Phase.SENDING]


async def test_rejected_are_those_that_github_refused(some: World) -> None:
    assert await contexts(some, wanted=REJECTED) == [REFUSED]


async def test_asked_for_both_both_are_listed(some: World) -> None:
    assert await contexts(some, wanted=(*REJECTED, *UNDELIVERED)) == [REFUSED, BROKEN, FRESH]


async def test_a_superseded_rejected_report_is_not_listed_as_rejected(some: World) -> None:
    await run_job(some.ledger, order(REFUSED))
    await some.deliver(REFUSED)
    assert await contexts(some, wanted=REJECTED) == []


async def test_a_selection_holds_beside_what_is_wanted(some: World) -> None:
    refused = (await listed(some, wanted=REJECTED))[0]
    for selection in (
        Selection(report_ids=(refused.id,)),
        Selection(job_id=refused.job_id),
        Selection(reason="archived"),
        Selection(repository="ACME/site"),
        Selection(since=refused.recorded_at),
    ):
        assert await contexts(some, selection, REJECTED) == [REFUSED]
    for selection in (
        Selection(report_ids=(refused.id + 1,)),
        Selection(job_id=uuid4()),
        Selection(reason="gone"),
        Selection(repository="acme/other"),
        Selection(since=refused.recorded_at + timedelta(seconds=1)),
    ):
        assert await contexts(some, selection, REJECTED) == []


@pytest.mark.parametrize(("limit", "count", "more"), [(1, 1, True), (2, 2, False), (3, 2, False)])
async def test_no_more_than_asked_for_are_listed_and_whether_there_are_more_is_said(
    some: World, *, limit: int, count: int, more: bool
) -> None:
    found, is_more = await some.ledger.write(listing, Selection(), UNDELIVERED, limit=limit)
    assert (len(found), is_more) == (count, more)


async def test_a_rejected_report_is_listed_with_its_reason_and_githubs_words(some: World) -> None:
    one = (await listed(some, wanted=REJECTED))[0]
    assert (one.target, one.state, one.execution) == (Target("acme/site", SHA, REFUSED), StatusState.SUCCESS, 1)
    assert (one.phase, one.rejection, one.blockers) == (Phase.REJECTED, "archived", Blockers())
    assert one.last_error is not None
    assert one.last_error.startswith("archived: ")


async def test_a_due_report_is_listed_with_its_blockers(some: World) -> None:
    one = (await listed(some, wanted=UNDELIVERED))[0]
    assert (one.phase, one.credential) == (Phase.DUE, CREDENTIAL)
    assert one.blockers.due_at is not None
    assert one.blockers.doubt_until is not None
    assert one.last_error


async def test_a_settled_report_has_no_blockers(some: World) -> None:
    success, pending = await listed(some, Selection(job_id=(await listed(some))[-1].job_id))
    assert (success.phase, success.blockers, success.last_error) == (Phase.DELIVERED, Blockers(), None)
    assert (success.status_id, success.delivered_at) == (some.github.store.held()[0].id, success.recorded_at)
    assert (pending.phase, pending.blockers) == (Phase.SUPERSEDED, Blockers())

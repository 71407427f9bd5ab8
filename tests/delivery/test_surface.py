"""A delivery speaks to a surface, whatever that is: here one whose notes are kept in a list of the test."""

from collections.abc import AsyncIterator
from contextlib import nullcontext
from dataclasses import dataclass, field, replace

import pytest
from ledger_jobs import SHA, accept, order, run_job
from world import Clock, World, world_on

from domain.delivery.commit_status import COMMIT_STATUS
from domain.delivery.outcome import Delivered, Exchange, Page, Posted, Read, Sent, Unknown
from domain.delivery.read_back import Reading
from domain.delivery.report import Phase, Report
from domain.delivery.surface import AppendedKind, Ours, Shown
from domain.delivery.target import Target
from storage.delivery.availability import Busy, Settled
from storage.ledger import Ledger
from tasks.delivery.verify import verify_target

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


def is_marked(note: Posted, mark: str) -> bool:
    return note.target_url == f"note {mark}"


def is_at(note: Posted, target: Target) -> bool:
    return note.context == f"notes on {target.context}"


def shown(reading: Reading, target: Target, ours: Ours) -> Shown:
    """The lowest id is the newest: these ids count down."""
    notes = sorted((note for note in reading.posted if is_at(note, target)), key=lambda note: note.id)
    is_covered = bool(notes) and notes[0].id != ours.own
    return Shown(frozenset(), is_clear=True, is_covered=is_covered)


NOTES = replace(COMMIT_STATUS, name="note", carries=is_marked, is_at=is_at, shown=shown)


@dataclass
class Notes:
    """A surface that keeps what it creates. The reply to each request is lost while `loses_replies`."""

    clock: Clock
    held: list[Posted] = field(default_factory=list)
    loses_replies: bool = False
    kind: AppendedKind = NOTES

    async def create(self, report: Report, token: str | None) -> Sent:
        assert token
        number, place = 1000 - len(self.held), f"notes on {report.target.context}"
        self.held.insert(0, Posted(number, report.state, place, f"note {report.marker}", self.clock.now))
        if self.loses_replies:
            return Sent(Unknown("the reply was lost"), Exchange())
        return Sent(Delivered(number), Exchange(201, "note:1"))

    async def page(self, target: Target, token: str | None, page_url: str | None = None) -> Read:
        assert (target.sha, page_url, bool(token)) == (SHA, None, True)
        of_another = Posted(7, "success", target.context, "https://x.test/#report-abc", self.clock.now)
        return Read(Page((of_another, *self.held), None), Exchange(200, "note:2"))


@pytest.fixture
def notes(clock: Clock) -> Notes:
    return Notes(clock)


@pytest.fixture
async def world(ledger: Ledger, clock: Clock, notes: Notes) -> AsyncIterator[World]:
    async with world_on(ledger, clock, surface=lambda *_: nullcontext(notes)) as made:
        yield made


def states(notes: Notes) -> list[str]:
    """The states of the notes, oldest first."""
    return [note.state for note in notes.held[::-1]]


async def test_a_report_is_delivered_to_it_and_nowhere_else(world: World, notes: Notes) -> None:
    await accept(world.ledger, order())
    assert await world.deliver() == Settled(Phase.DELIVERED, (await world.newest()).id, Delivered(1000))
    await run_job(world.ledger, order())
    await world.deliver()
    assert (states(notes), world.posts()) == (["pending", "success"], 0)


async def test_through_a_lost_reply_it_gets_the_report_once(world: World, notes: Notes) -> None:
    notes.loses_replies = True
    await run_job(world.ledger, order())
    assert isinstance(await world.deliver(), Settled)
    assert (await world.phases())["success"] is Phase.DUE
    world.clock.advance(21)
    assert await world.deliver() == Settled(Phase.DELIVERED, (await world.newest()).id, Delivered(1000))
    assert states(notes) == ["success"]


async def test_a_request_that_it_lost_is_made_again_once_the_doubt_has_ended(world: World, notes: Notes) -> None:
    notes.loses_replies = True
    await run_job(world.ledger, order())
    await world.deliver()
    notes.held.clear()
    notes.loses_replies = False
    assert isinstance(await world.deliver(), Busy)
    await world.reconcile()
    assert states(notes) == ["success"]


async def test_what_covers_a_report_is_for_the_surface_to_say(world: World, notes: Notes) -> None:
    notes.loses_replies = True
    await run_job(world.ledger, order())
    await world.reconcile()
    notes.loses_replies = False
    older = replace(notes.held[0], id=1, target_url="note of another edition")
    notes.held.append(older)
    assert await verify_target(world.reporter, await world.target_id())
    notes.held.remove(older)
    await world.reconcile()
    assert states(notes) == ["success", "success"]
    assert not await verify_target(world.reporter, await world.target_id())

"""The events of a transaction are published after its commit, and only then."""

from contextlib import suppress
from dataclasses import replace

import pytest
from ledger_jobs import CREDENTIAL, accept, order, run_job
from world import World

from domain.delivery.notifications import Lost, Move, Notification, Paused, ReportName
from domain.delivery.report import EventKind
from domain.delivery.target import StatusState
from fake_github.faults import Kind
from storage import after_commit
from storage.delivery import events
from storage.jobs import liveness
from storage.ledger import Ledger, LedgerUnavailable
from storage.transaction import Transaction


@pytest.fixture
def published() -> list[Notification]:
    return []


@pytest.fixture
def publishing(ledger: Ledger, published: list[Notification]) -> Ledger:
    """The ledger with a listener."""
    return replace(ledger, publish=published.append)


async def test_a_move_is_published_with_the_name_of_its_report(
    world: World, publishing: Ledger, published: list[Notification]
) -> None:
    asked = order()
    execution = await run_job(world.ledger, asked)

    def append(tx: Transaction) -> None:
        events.append(tx, 2, EventKind.POSTED, credential=CREDENTIAL, attempt=3, note="why")
        assert published == []

    await replace(publishing, actor="ann").write(append)
    assert asked.target is not None
    name = ReportName(2, StatusState.SUCCESS, execution.job_id, 1, asked.target)
    posted = Move(name, None, EventKind.POSTED, world.clock.now, "ann", CREDENTIAL, attempt=3, note="why")
    assert published == [posted]


def fails(tx: Transaction) -> None:
    events.append(tx, 2, EventKind.POSTED)
    raise RuntimeError


async def test_a_rolled_back_transaction_publishes_nothing(
    world: World, publishing: Ledger, published: list[Notification]
) -> None:
    await run_job(world.ledger, order())
    with suppress(RuntimeError):
        await publishing.write(fails)
    await publishing.write(lambda _: None)
    assert published == []


async def test_an_error_while_collecting_events_rolls_back_and_publishes_nothing(
    world: World, publishing: Ledger, published: list[Notification], monkeypatch: pytest.MonkeyPatch
) -> None:
    def out_of_reach(*_: object) -> None:
        raise ConnectionError

    await run_job(world.ledger, order())
    before = await world.events()
    monkeypatch.setattr(after_commit, "_known", out_of_reach)
    with pytest.raises(LedgerUnavailable):
        await publishing.write(events.append, 2, EventKind.POSTED)
    assert await world.events() == before
    assert published == []


async def test_a_newly_recorded_report_is_not_published(publishing: Ledger, published: list[Notification]) -> None:
    await accept(publishing, order())
    assert published == []


async def test_an_overtaken_pending_is_published_as_superseded(
    publishing: Ledger, published: list[Notification]
) -> None:
    await run_job(publishing, order())
    (superseded,) = published
    assert isinstance(superseded, Move)
    assert (superseded.kind, superseded.report.state) == (EventKind.SUPERSEDED, StatusState.PENDING)


async def test_a_pause_is_published_once_however_many_senders_wait(
    world: World, publishing: Ledger, published: list[Notification]
) -> None:
    world.fault(Kind.PRIMARY_LIMIT, times=2, seconds=300)
    for context in ("docs/a", "docs/b"):
        await run_job(world.ledger, order(context))
    by = replace(world.reporter, ledger=publishing)

    async def another_goes_first(name: str) -> None:
        if name == "POST":
            await world.deliver("docs/b", by=by)

    first = await world.sender(another_goes_first)
    await world.deliver("docs/a", by=replace(by, surface=first.surface))
    kinds = [one.kind for one in published if isinstance(one, Move)]
    assert kinds.count(EventKind.THROTTLED) == 2
    (paused,) = (one for one in published if isinstance(one, Paused))
    assert (paused.credential, paused.reason) == (CREDENTIAL, "rate_limited")
    assert (paused.until - world.clock.now).total_seconds() == pytest.approx(300, abs=1)


async def test_a_lost_job_is_published_once(world: World, publishing: Ledger, published: list[Notification]) -> None:
    await accept(world.ledger, order())
    for _ in range(2):
        for one in await publishing.read(liveness.at_work):
            assert await publishing.write(liveness.lose, one, "its process died")
    (ended,) = (one for one in published if isinstance(one, Lost))
    assert ended.words == "its process died"

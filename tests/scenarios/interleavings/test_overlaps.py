"""A live task, reconciliations, an operator's retry and a sender past its lease, all on one target."""

import asyncio
from contextlib import AsyncExitStack, suppress
from datetime import timedelta
from uuid import uuid4

import pytest
from actors import Actor
from exactly_once import assert_exactly_once
from full import SQLITE_OR_ALL
from ledger_jobs import CREDENTIAL, order, run_job
from log_lines import nothing_logged
from sqlmodel import col, select
from world import Clock, World

from domain.delivery.report import EventKind
from fake_github.faults import Kind
from settings import Settings
from storage.delivery.availability import Busy
from storage.ledger import open_ledger
from storage.models import Credential, Job, ReportEvent, StatusReport, StatusTarget
from tasks.delivery.deliver import deliver
from tasks.delivery.deliver_due import deliver_due
from tasks.delivery.reporter import Reporter
from tasks.delivery.retry import retry_report
from tasks.report_status import Undelivered, deliver_report

NO_TIME = timedelta(seconds=1)


async def send(world: World, reporter: Reporter) -> object:
    return await deliver(reporter, await world.target_id(), job_ends_now=True)


async def task(world: World, by: Reporter) -> None:
    with suppress(Undelivered):
        await deliver_report(by, await world.newest(), job_ends_now=True)


async def reconciliation(_: World, by: Reporter) -> None:
    with nothing_logged():
        await deliver_due(by, uuid4(), budget=NO_TIME, senders=2)


async def person(world: World, by: Reporter) -> None:
    with suppress(Undelivered):
        await retry_report(by, (await world.target()).newest_id or 0, Settings(credentials={"*": CREDENTIAL}))


async def test_reconciliations_and_a_retry_that_overlap_a_live_task_leave_its_report_to_it(world: World) -> None:
    await run_job(world.ledger, order())
    live = await Actor.on(world, send)
    while live.before is not None:
        await live.go()
        for other in (reconciliation, person, reconciliation):
            await other(world, world.reporter)
    assert (world.held(), world.posts()) == (["success"], 1)
    assert (await world.events()).count("claimed") == 1
    await assert_exactly_once(world)


@pytest.mark.parametrize("lost", [None, "before", "after"], ids=["answered", "request lost", "reply lost"])
async def test_tasks_reconciliations_and_persons_all_at_once_make_one_status(
    world: World, clock: Clock, ledger_url: str, lost: str | None
) -> None:
    await run_job(world.ledger, order())
    if lost:
        world.fault(Kind.CLOSE, where=lost)
    async with AsyncExitStack() as openings:
        ledgers = [await openings.enter_async_context(open_ledger(ledger_url, clock=clock.of_ledger)) for _ in range(6)]
        works = (task, reconciliation, person) * 2
        senders = [await world.sender(ledger=ledger) for ledger in ledgers]
        await asyncio.gather(*(work(world, sender) for work, sender in zip(works, senders, strict=True)))
    await assert_exactly_once(world)
    assert world.held() == ["success"]
    assert world.posts() == (2 if lost == "before" else 1)


FACTS = (Job, StatusTarget, StatusReport, Credential)
ACCOUNT = {"rate_limit", "rate_remaining", "rate_reset_at", "github_time"}
ANSWERS = {
    "stored": {"kind": Kind.HANG, "where": "after", "seconds": 0},
    "unknown": {"kind": Kind.SERVER_ERROR},
    "refused": {"kind": Kind.ARCHIVED},
}


async def facts(world: World) -> list[dict[str, object]]:
    """Every row but the events, without what every answer says beside its outcome."""
    with world.ledger.transaction() as tx:
        rows = [row for table in FACTS for row in tx.session.exec(select(table)).all()]
        return [row.model_dump(exclude=ACCOUNT) for row in rows]


@pytest.mark.parametrize("database", SQLITE_OR_ALL)
@pytest.mark.parametrize("now", ["in doubt", "another's", "settled"])
@pytest.mark.parametrize("answer", ANSWERS)
async def test_a_sender_without_its_lease_changes_only_its_event_and_the_next_verification(
    world: World, answer: str, now: str
) -> None:
    await run_job(world.ledger, order())
    late = await Actor.on(world, send)
    await late.go_to("POST")
    world.fault(**ANSWERS[answer])  # type: ignore[arg-type]  # the fields of a fault, checked by it
    await late.go()
    world.clock.advance(31 if now == "in doubt" else 60)
    other = await Actor.on(world, send)
    if now == "another's":
        await other.go_to("GET")
    else:
        world.fault(Kind.LAG, seconds=40)
        await other.finish()
    world.clock.advance(1)
    before = await facts(world)
    assert isinstance(await late.finish(), Busy)
    look_at = world.clock.now + timedelta(minutes=1)
    assert await facts(world) == [row | {"verify_at": look_at} if "verify_at" in row else row for row in before]
    with world.ledger.transaction() as tx:
        events = tx.session.exec(select(ReportEvent.kind).order_by(col(ReportEvent.id)))
        assert events.all()[-1] is EventKind.LATE
    await other.finish()
    await assert_exactly_once(world)
    assert world.held() == ["success"]

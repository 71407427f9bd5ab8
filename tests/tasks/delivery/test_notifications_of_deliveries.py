"""Events of deliveries, whatever goes wrong: each move published once, and no secret in it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from logging import ERROR, WARNING
from uuid import UUID, uuid4

import pytest
from ledger_jobs import CREDENTIAL, SHA, order, run_job
from log_lines import nothing_logged
from sqlmodel import select, update
from world import World

from domain.delivery.notifications import Move, Notification, Overdue, ignore
from domain.operations.notification_lines import level_of, line_of
from fake_github.faults import Kind
from fake_github.store import Draft
from storage.models import StatusReport, StatusTarget
from tasks.delivery.deliver_due import OVERDUE, deliver_due
from tasks.delivery.reporter import Reporter
from tasks.delivery.verify import verify_target
from tasks.operations.prefect_events import event_of

TOKEN = "ghp_" + "0nlyACanary" * 4
NO_TIME = timedelta(seconds=1)


@pytest.fixture
def database() -> str:
    return "sqlite"


@pytest.fixture
def published() -> list[Notification]:
    return []


@pytest.fixture
def publishing(world: World, published: list[Notification]) -> Reporter:
    """A sender whose moves are published."""
    world.tokens[CREDENTIAL] = TOKEN
    return replace(world.reporter, ledger=replace(world.ledger, publish=published.append))


def moves(published: list[Notification]) -> list[str]:
    return [one.kind.value for one in published if isinstance(one, Move)]


async def one_pass(by: Reporter) -> None:
    with nothing_logged():
        await deliver_due(by, uuid4(), budget=NO_TIME, senders=1)


@pytest.mark.parametrize(
    ("kind", "where", "expected"),
    [
        (None, "before", ["posted", "delivered"]),
        (Kind.CLOSE, "after", ["posted", "unknown", "found"]),
        (Kind.SERVER_ERROR, "before", ["posted", "unknown", "absent", "absent", "posted", "delivered"]),
        (Kind.SECONDARY_LIMIT, "before", ["posted", "throttled", "posted", "delivered"]),
        (Kind.NO_SUCH_COMMIT, "before", ["posted", "rejected", "posted", "delivered"]),
    ],
)
async def test_a_failure_that_recovers_is_published_once_and_is_no_error(
    world: World,
    publishing: Reporter,
    published: list[Notification],
    *,
    kind: Kind | None,
    where: str,
    expected: list[str],
) -> None:
    await run_job(world.ledger, order())
    if kind is not None:
        world.fault(kind, where=where)
    for _ in range(3):
        await world.deliver(by=publishing)
        world.clock.advance(60 if kind is Kind.SECONDARY_LIMIT else 10)
    assert world.held() == ["success"]
    assert moves(published) == expected
    assert max(map(level_of, published)) <= WARNING


async def test_a_recovered_lease_and_its_late_sender_are_published(
    world: World, publishing: Reporter, published: list[Notification]
) -> None:
    await run_job(world.ledger, order())

    async def another_takes_over(name: str) -> None:
        if name == "POST answered":
            world.clock.advance(31)
            await world.deliver(by=publishing)

    slow = await world.sender(another_takes_over)
    await world.deliver(by=replace(publishing, surface=slow.surface))
    assert moves(published) == ["posted", "recovered", "found", "late"]


async def test_a_rejected_report_needs_an_operator(
    world: World, publishing: Reporter, published: list[Notification]
) -> None:
    world.fault(Kind.ARCHIVED)
    await run_job(world.ledger, order())
    await world.deliver(by=publishing)
    assert [level_of(one) for one in published][-1] == ERROR
    assert " reason=archived " in line_of(published[-1])


async def test_a_repair_is_published(world: World, publishing: Reporter, published: list[Notification]) -> None:
    await run_job(world.ledger, order())
    await world.deliver()
    with world.ledger.transaction() as tx:
        tx.session.exec(update(StatusTarget).values(verify_at=world.clock.now))
        pending = tx.session.exec(select(StatusReport).where(StatusReport.rank == 0)).one()
    late = Draft(
        repository="acme/site", sha=SHA, context="docs/sphinx", state="pending", description="",
        target_url=pending.target_url,
    )  # fmt: skip
    world.github.store.add(world.github.store.drafted(late))
    assert await verify_target(publishing, pending.target_id)
    assert moves(published) == ["repaired"]


async def test_an_overdue_report_is_announced_by_one_run(
    world: World, publishing: Reporter, published: list[Notification]
) -> None:
    world.tokens.clear()
    await run_job(world.ledger, order("docs/old"))
    world.clock.advance(60)
    await run_job(world.ledger, order("docs/newer"))
    by_pass: list[list[str]] = []
    for seconds in (OVERDUE.total_seconds() - 61, 1, 30, 30, 600):
        world.clock.advance(seconds)
        published.clear()
        await one_pass(publishing)
        by_pass.append([one.report.target.context for one in published if isinstance(one, Overdue)])
    assert by_pass == [[], ["docs/old"], [], ["docs/newer"], []]
    assert {one.last_error for one in published if isinstance(one, Overdue)} <= {f"{CREDENTIAL} has no token"}


async def test_a_report_delivered_in_time_or_rejected_is_not_overdue(
    world: World, publishing: Reporter, published: list[Notification]
) -> None:
    world.fault(Kind.ARCHIVED, context="docs/refused")
    for context in ("docs/refused", "docs/delivered"):
        await run_job(world.ledger, order(context))
    await one_pass(publishing)
    world.clock.advance(2 * OVERDUE.total_seconds())
    await one_pass(publishing)
    assert not [one for one in published if isinstance(one, Overdue)]


def echoes() -> dict[str, Callable[[World], None]]:
    """Ways for a token to come back in an answer."""
    words = f"upstream said no to Authorization: Bearer {TOKEN}"
    return {
        "a refusal": lambda world: world.fault(Kind.ANSWER, status=403, body={"message": words}),
        "a field": lambda world: world.fault(Kind.ANSWER, status=422, body={"message": "no", "errors": [words]}),
        "an outage": lambda world: world.fault(Kind.ANSWER, status=500, body={"message": words}),
        "a limit": lambda world: world.fault(Kind.ANSWER, status=429, body={"message": words}),
        "an odd success": lambda world: world.fault(Kind.ANSWER, status=202, body={"message": words}),
        "a place": lambda world: world.fault(Kind.REDIRECT, location=f"http://x:{TOKEN}@elsewhere.test/?token={TOKEN}"),
        "its id": lambda world: world.fault(Kind.SERVER_ERROR, headers={"x-github-request-id": TOKEN}),
    }


@pytest.mark.parametrize("echo", echoes())
async def test_no_line_and_no_event_holds_a_token(
    world: World, publishing: Reporter, published: list[Notification], echo: str
) -> None:
    echoes()[echo](world)
    await run_job(world.ledger, order())
    await world.deliver(by=publishing)
    events = [event.model_dump_json() for one in published if (event := event_of(one, UUID(int=1)))]
    assert len(published) >= 2
    assert not [text for text in (*map(line_of, published), *events) if "0nlyACanary" in text]


async def test_by_default_events_are_ignored(world: World) -> None:
    assert world.ledger.publish is ignore

"""Events of deliveries, whatever goes wrong: each move published once, and no secret in it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from logging import ERROR, WARNING
from uuid import UUID, uuid4

import pytest
from sqlmodel import select, update
from world import CREDENTIAL, SHA, World, order, run_job

from domain.delivery.notifications import Move, Notification, Overdue, ignore
from domain.operations.log_format import level_of, line_of
from fake_github.faults import Kind
from fake_github.store import Draft
from storage.models import StatusReport, StatusTarget
from tasks.delivery.deliver import Reporter
from tasks.delivery.deliver_due import OVERDUE, deliver_due
from tasks.delivery.verify import verify_target
from tasks.operations.prefect_events import event_of

TOKEN = "ghp_" + "0nlyACanary" * 4
NO_TIME = timedelta(seconds=1)


@pytest.fixture
def database() -> str:
    return "sqlite"


@pytest.fixture
def told() -> list[Notification]:
    return []


@pytest.fixture
def telling(world: World, told: list[Notification]) -> Reporter:
    """A sender of whose moves somebody hears."""
    world.tokens[CREDENTIAL] = TOKEN
    return replace(world.reporter, ledger=replace(world.ledger, publish=told.append))


def moves(told: list[Notification]) -> list[str]:
    return [one.kind.value for one in told if isinstance(one, Move)]


async def one_pass(by: Reporter) -> None:
    await deliver_due(by, uuid4(), budget=NO_TIME, senders=1, warn=pytest.fail)


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
    world: World, telling: Reporter, told: list[Notification], *, kind: Kind | None, where: str, expected: list[str]
) -> None:
    await run_job(world.ledger, order())
    if kind is not None:
        world.fault(kind, where=where)
    for _ in range(3):
        await world.deliver(by=telling)
        world.clock.advance(60 if kind is Kind.SECONDARY_LIMIT else 10)
    assert world.held() == ["success"]
    assert moves(told) == expected
    assert max(map(level_of, told)) <= WARNING


async def test_a_recovered_lease_and_its_late_sender_are_published(
    world: World, telling: Reporter, told: list[Notification]
) -> None:
    await run_job(world.ledger, order())

    async def another_takes_over(name: str) -> None:
        if name == "POST answered":
            world.clock.advance(31)
            await world.deliver(by=telling)

    slow = await world.sender(another_takes_over)
    await world.deliver(by=replace(telling, github=slow.github))
    assert moves(told) == ["posted", "recovered", "found", "late"]


async def test_what_is_refused_needs_a_person(world: World, telling: Reporter, told: list[Notification]) -> None:
    world.fault(Kind.ARCHIVED)
    await run_job(world.ledger, order())
    await world.deliver(by=telling)
    assert [level_of(one) for one in told][-1] == ERROR
    assert " reason=archived " in line_of(told[-1])


async def test_a_repair_is_published(world: World, telling: Reporter, told: list[Notification]) -> None:
    await run_job(world.ledger, order())
    await world.deliver()
    async with world.ledger.transaction() as session:
        await session.exec(update(StatusTarget).values(verify_at=world.clock.now))
        pending = (await session.exec(select(StatusReport).where(StatusReport.rank == 0))).one()
    late = Draft(
        repository="acme/site", sha=SHA, context="docs/sphinx", state="pending", description="",
        target_url=pending.target_url,
    )  # fmt: skip
    world.github.store.add(world.github.store.drafted(late))
    assert await verify_target(telling, pending.target_id)
    assert moves(told) == ["repaired"]


async def test_an_overdue_report_is_announced_by_one_run(
    world: World, telling: Reporter, told: list[Notification]
) -> None:
    world.tokens.clear()
    await run_job(world.ledger, order("docs/old"))
    world.clock.advance(60)
    await run_job(world.ledger, order("docs/newer"))
    by_pass: list[list[str]] = []
    for seconds in (OVERDUE.total_seconds() - 61, 1, 30, 30, 600):
        world.clock.advance(seconds)
        told.clear()
        await one_pass(telling)
        by_pass.append([one.report.target.context for one in told if isinstance(one, Overdue)])
    assert by_pass == [[], ["docs/old"], [], ["docs/newer"], []]
    assert {one.last_error for one in told if isinstance(one, Overdue)} <= {f"{CREDENTIAL} has no token"}


async def test_what_is_delivered_in_time_or_refused_is_not_undelivered(
    world: World, telling: Reporter, told: list[Notification]
) -> None:
    world.fault(Kind.ARCHIVED, context="docs/refused")
    for context in ("docs/refused", "docs/delivered"):
        await run_job(world.ledger, order(context))
    await one_pass(telling)
    world.clock.advance(2 * OVERDUE.total_seconds())
    await one_pass(telling)
    assert not [one for one in told if isinstance(one, Overdue)]


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
    world: World, telling: Reporter, told: list[Notification], echo: str
) -> None:
    echoes()[echo](world)
    await run_job(world.ledger, order())
    await world.deliver(by=telling)
    events = [event.model_dump_json() for one in told if (event := event_of(one, UUID(int=1)))]
    assert len(told) >= 2
    assert not [text for text in (*map(line_of, told), *events) if "0nlyACanary" in text]


async def test_by_default_events_are_ignored(world: World) -> None:
    assert world.ledger.publish is ignore

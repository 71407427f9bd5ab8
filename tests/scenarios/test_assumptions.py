"""An assumption about GitHub fails: what GitHub then holds, and how an operator sees it.

docs/guarantee.md lists the assumptions. Reads that lag longer than a doubt are in test_counterexamples.py.
"""

from datetime import timedelta

import pytest
from exactly_once import assert_counted_duplicate, verify_later
from full import SQLITE_OR_ALL
from ledger_jobs import SHA, order, run_job
from sqlmodel import col, select
from verifying import kinds, reports, request_verification, verify_targets
from world import World

from domain.delivery.report import EventKind, Phase
from domain.jobs.job_states import JobState
from fake_github.faults import Kind
from fake_github.store import Draft
from storage.models import ReportEvent
from tasks.delivery import find_marker as find_marker_module

DAY = 24 * 60 * 60

pytestmark = pytest.mark.parametrize("database", SQLITE_OR_ALL)


async def reopened(world: World) -> None:
    await world.reopen()


NOT_STORED: dict[str, dict[str, object]] = {
    "no such commit": {"kind": Kind.NO_SUCH_COMMIT},
    "not found": {"kind": Kind.NOT_FOUND},
    "secondary limit": {"kind": Kind.SECONDARY_LIMIT},
    "429": {"kind": Kind.SECONDARY_LIMIT, "status": 429, "seconds": 60},
    "hourly limit": {"kind": Kind.PRIMARY_LIMIT},
    "bad credentials": {"kind": Kind.BAD_CREDENTIALS},
    "forbidden": {"kind": Kind.FORBIDDEN},
}


@pytest.mark.parametrize("answer", NOT_STORED)
async def test_a_status_stored_despite_a_refusal_is_counted(world: World, answer: str) -> None:
    world.fault(where="after", **NOT_STORED[answer])  # type: ignore[arg-type]  # the fields of a fault
    await run_job(world.ledger, order())
    await world.deliver()
    await reopened(world)
    world.clock.advance(900)
    await assert_counted_duplicate(world)


async def test_a_status_stored_despite_a_final_refusal_is_listed_as_rejected(world: World) -> None:
    world.fault(Kind.FORBIDDEN, where="after")
    await run_job(world.ledger, order())
    await world.reconcile()
    assert (world.held(), world.posts()) == (["success"], 1)
    assert (await world.phases())["success"] is Phase.REJECTED


@pytest.mark.parametrize("answer", NOT_STORED)
async def test_a_refusal_requests_a_verification_after_the_later_delivery(world: World, answer: str) -> None:
    """A minute and an hour after the delivery, as after a doubt."""
    world.fault(**NOT_STORED[answer])  # type: ignore[arg-type]  # the fields of a fault
    await run_job(world.ledger, order())
    await world.deliver()
    await reopened(world)
    world.clock.advance(900)
    await world.deliver()
    assert (await world.target()).verify_at == world.clock.now + timedelta(minutes=1)


async def test_a_forged_confirmation_is_noticed_only_by_verification(world: World) -> None:
    """No verification is requested here, since the report counts as delivered."""
    world.fault(Kind.ANSWER, status=201, body={"id": 7, "context": "docs/sphinx"})
    await run_job(world.ledger, order())
    await world.deliver()
    assert (world.held(), (await world.phases())["success"]) == ([], Phase.DELIVERED)
    assert (await world.target()).verify_at is None
    await request_verification(world)
    world.clock.advance(DAY)
    assert await verify_targets(world) == 0
    assert EventKind.ABSENT in await kinds(world)


async def test_a_status_that_github_lists_under_another_id_is_counted_wrongly_and_never_repeated(world: World) -> None:
    """Than its answer named. Nothing is repaired, for the newest report's own status is not listed."""
    world.fault(Kind.ANSWER, where="after", status=201, body={"id": 7, "context": "docs/sphinx"})
    await run_job(world.ledger, order())
    await world.deliver()
    for _ in range(2):
        await request_verification(world)
        world.clock.advance(DAY)
        assert await verify_targets(world) == 0
    await world.reconcile()
    assert world.held() == ["success"]
    assert (await kinds(world))[-2:] == [EventKind.DOUBLED, EventKind.ABSENT]


async def test_a_list_that_is_not_githubs_but_bears_its_name_makes_a_second_status_which_is_counted(
    world: World,
) -> None:
    world.fault(Kind.CLOSE, where="after")
    world.fault(Kind.ANSWER, method="GET", status=200, body=[])
    await run_job(world.ledger, order())
    await world.deliver()
    world.clock.advance(20)
    await world.deliver()
    await assert_counted_duplicate(world)


async def test_a_time_of_githubs_that_is_wrong_by_minutes_may_make_a_second_status_which_is_counted(
    world: World,
) -> None:
    def ahead_by(minutes: int) -> None:
        world.github.store.clock = lambda: world.clock.now + timedelta(minutes=minutes)

    ahead_by(10)
    await run_job(world.ledger, order("docs/other", sha="0" * 40))
    await world.deliver("docs/other")
    ahead_by(0)
    await run_job(world.ledger, order())
    world.fault(Kind.CLOSE, where="after")
    await world.deliver()
    world.clock.advance(1)
    for number in range(120):
        draft = Draft(repository="acme/site", sha=SHA, context=f"ci/{number}", state="success")
        world.github.store.add(world.github.store.drafted(draft))
    world.clock.advance(20)
    ahead_by(10)
    await world.deliver()
    ahead_by(0)
    world.clock.advance(600)
    assert world.held() == ["success", "success"]
    await verify_later(world)
    assert "doubled" in await world.events()


async def test_a_report_beyond_the_pages_read_is_neither_sent_nor_rejected(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(find_marker_module, "MAX_PAGES", 1)
    await run_job(world.ledger, order())
    world.fault(Kind.CLOSE)
    await world.deliver()
    world.clock.advance(20)
    world.others_post(150)
    await world.deliver()
    assert (world.posts(), (await world.phases())["success"]) == (1, Phase.DUE)
    assert "do not end after 1 pages" in ((await world.target()).last_error or "")


def stored(world: World, draft: Draft) -> int:
    """Have GitHub store *draft*; the id that it gives it."""
    status = world.github.store.drafted(draft)
    world.github.store.add(status)
    return status.id


async def last_note(world: World) -> str:
    with world.ledger.transaction() as tx:
        return tx.session.exec(select(ReportEvent.note).order_by(col(ReportEvent.id).desc()).limit(1)).one() or ""


async def test_a_marker_github_does_not_keep_makes_a_second_status_that_is_logged_not_counted(
    world: World,
) -> None:
    await run_job(world.ledger, order())
    world.fault(Kind.CLOSE)
    await world.deliver()
    outcome = (await reports(world))[1]
    without = (outcome.target_url or "").partition("#")[0]
    draft = Draft(repository="acme/site", sha=SHA, context="docs/sphinx", state="success", target_url=without)
    world.github.store.add(world.github.store.drafted(draft))
    world.clock.advance(20)
    world.fault(Kind.ANSWER, status=201, body={"id": stored(world, draft), "context": "docs/sphinx"})
    await world.deliver()
    world.clock.advance(60)
    assert await verify_targets(world) == 0
    assert world.held() == ["success", "success"]
    assert "without the marker" in (await last_note(world))
    assert EventKind.DOUBLED not in await kinds(world)
    stored(world, draft)
    await request_verification(world)
    assert await verify_targets(world) == 0
    assert (await kinds(world))[-1] == EventKind.OVERRIDDEN


async def test_a_copied_link_of_an_unstored_status_counts_as_delivered_and_is_reported_a_day_later(
    world: World,
) -> None:
    await run_job(world.ledger, order())
    world.fault(Kind.CLOSE)
    await world.deliver()
    outcome = (await reports(world))[1]
    draft = Draft(repository="acme/site", sha=SHA, context="ci/x", state="success", target_url=outcome.target_url)
    world.github.store.add(world.github.store.drafted(draft))
    world.clock.advance(20)
    await world.deliver()
    assert (world.held(), (await world.phases())["success"]) == ([], Phase.DELIVERED)
    world.clock.advance(DAY)
    assert await verify_targets(world) == 0
    assert (await kinds(world))[-1] == EventKind.ABSENT


async def test_contexts_that_differ_by_case_share_the_first_spelling(world: World) -> None:
    """So that a GitHub with case-sensitive contexts would show the newest of both, once, under that spelling."""
    await run_job(world.ledger, order("docs/sphinx"), JobState.FAILED)
    await world.deliver()
    await run_job(world.ledger, order("DOCS/Sphinx"))
    await world.deliver()
    assert [(one.context, one.state) for one in world.github.store.held()] == [
        ("docs/sphinx", "failure"),
        ("docs/sphinx", "success"),
    ]


async def test_a_status_stored_after_the_last_verification_is_not_seen(world: World) -> None:
    await run_job(world.ledger, order(), JobState.FAILED)
    world.fault(Kind.CLOSE, stored_after=3 * 60 * 60)
    await world.deliver()
    world.clock.advance(20)
    await run_job(world.ledger, order())
    await world.deliver()
    for _ in range(2):
        await verify_later(world)
    assert world.held() == ["success", "failure"]
    assert (await world.target()).verify_at is None
    assert EventKind.REPAIRED not in await kinds(world)

"""Requests sent late, the limit of the promise: noticed, counted, and repaired where they cover the newest status."""

from datetime import timedelta
from uuid import uuid4

import pytest
from ledger_jobs import order, run_job
from sqlmodel import col, update
from verifying import (
    delivered,
    kinds,
    outcome_after_pending,
    reports,
    request_verification,
    send_late,
    verify,
    verify_a_minute_later,
    verify_targets,
)
from world import World

from domain.delivery.commit_status import COMMIT_STATUS
from domain.delivery.report import EventKind, Phase
from domain.jobs.job_states import JobState
from fake_github.faults import Kind
from storage.delivery import verification
from storage.models import StatusReport, StatusTarget
from tasks.delivery import verification_reads
from tasks.delivery.verify import verify_target


async def test_an_older_status_on_top_is_covered_again_by_a_new_edition(world: World) -> None:
    pending, _ = await delivered(world)
    send_late(world, pending)
    assert await verify_targets(world) == 1
    await world.deliver()
    assert world.held() == ["success", "pending", "success"]
    assert EventKind.REPAIRED in await kinds(world)
    assert [report.edition for report in await reports(world)] == [1, 2]


async def test_a_repair_of_a_report_reopened_in_bulk_does_not_wait_for_the_hour(world: World) -> None:
    pending, _ = await delivered(world)
    with world.ledger.transaction() as tx:
        tx.session.exec(update(StatusTarget).values(bulk_at=world.clock.now))
    send_late(world, pending)
    assert await verify_targets(world) == 1
    assert (await world.target()).bulk_at is None


async def test_an_edition_has_a_week_of_its_own(world: World) -> None:
    """What did not get through before it was delivered is forgotten."""
    world.fault(Kind.CLOSE, method="*", times=world.policy.expire_after_days_of_tries)
    pending, _ = await delivered(world)
    await world.reconcile(passes=world.policy.expire_after_days_of_tries + 1, every=24 * 3600)
    assert world.held() == ["success"]
    world.clock.advance(8 * 24 * 3600)
    send_late(world, pending)
    assert await verify_targets(world) == 1
    world.fault(Kind.CLOSE)
    await world.deliver()
    assert (await world.phases())["success"] is Phase.DUE
    await world.reconcile(passes=3, every=3600)
    assert world.held() == ["success", "pending", "success"]


async def test_a_doubled_status_is_counted_once_and_not_sent_again(world: World) -> None:
    _, outcome = await delivered(world)
    send_late(world, outcome)
    for _ in range(3):
        await verify_target(world.reporter, outcome.target_id)
    assert (await kinds(world)).count(EventKind.DOUBLED) == 1
    assert world.posts() == 1


async def test_a_doubled_status_below_a_rejected_report_is_counted_once_a_newer_one_is_delivered(world: World) -> None:
    _, outcome = await delivered(world)
    send_late(world, outcome)
    await run_job(world.ledger, order())
    world.fault(Kind.FORBIDDEN)
    await world.deliver()
    assert await verify_targets(world) == 0
    assert EventKind.DOUBLED not in await kinds(world)
    await run_job(world.ledger, order())
    await world.deliver()
    world.clock.advance(60)
    await verify_targets(world)
    assert (await kinds(world)).count(EventKind.DOUBLED) == 1


async def test_a_request_delayed_by_a_proxy_beyond_the_doubt_is_counted_and_covered_again(world: World) -> None:
    asked = order()
    await run_job(world.ledger, asked, JobState.FAILED)
    world.fault(Kind.CLOSE, stored_after=300)
    await world.deliver()
    world.clock.advance(20)
    await run_job(world.ledger, asked)
    await world.deliver()
    assert world.held() == ["success"]
    world.clock.advance(300)
    assert world.held() == ["success", "failure"]
    assert await verify_targets(world) == 1
    await world.deliver()
    assert world.held() == ["success", "failure", "success"]


async def test_a_verification_overtaken_by_a_newer_report_changes_nothing(world: World) -> None:
    pending, _ = await delivered(world)
    send_late(world, pending)

    async def overtake(name: str) -> None:
        if name == "GET answered":
            await run_job(world.ledger, order())

    slow = await world.sender(overtake)
    assert not await verify_target(slow, pending.target_id)
    assert [report.edition for report in await reports(world)] == [1, 1, 1, 1]


async def test_two_concurrent_verifications_make_one_edition(world: World) -> None:
    pending, _ = await delivered(world)
    send_late(world, pending)

    async def another(name: str) -> None:
        if name == "GET answered":
            assert await verify_target(world.reporter, pending.target_id)

    slow = await world.sender(another)
    assert not await verify_target(slow, pending.target_id)
    assert [report.edition for report in await reports(world)] == [1, 2]


async def test_a_second_status_of_the_newest_on_top_is_counted_and_covers_nothing(world: World) -> None:
    pending, outcome = await delivered(world)
    send_late(world, pending)
    send_late(world, outcome)
    assert not await verify(world)
    assert await kinds(world) == [*(await kinds(world))[:-1], EventKind.DOUBLED]


async def test_a_copy_is_counted_though_only_one_of_the_two_is_listed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GitHub said under which id it stored the other one."""
    monkeypatch.setattr(verification_reads, "MAX_PAGES", 1)
    await outcome_after_pending(world)
    pending, _ = await reports(world)
    world.others_post(150, age=timedelta(seconds=30))
    world.clock.advance(10)
    send_late(world, pending)
    assert await verify_targets(world) == 1
    assert EventKind.DOUBLED in await kinds(world)


async def test_an_earlier_edition_of_the_newest_on_top_is_no_reason_to_send_it_again(world: World) -> None:
    pending, outcome = await delivered(world)
    send_late(world, pending)
    assert await verify_targets(world) == 1
    await world.deliver()
    send_late(world, outcome)
    assert not await verify_a_minute_later(world)
    assert world.held() == ["success", "pending", "success", "success"]


async def test_an_earlier_edition_of_an_older_report_covers_as_its_last_one_does(world: World) -> None:
    asked = order()
    await run_job(world.ledger, asked, JobState.FAILED)
    await world.deliver()
    pending, failure = await reports(world)
    send_late(world, pending)
    await request_verification(world)
    assert await verify_targets(world) == 1  # the failure has two editions
    await world.deliver()
    await run_job(world.ledger, asked)
    await world.deliver()
    send_late(world, failure)
    assert await verify_a_minute_later(world)
    await world.deliver()
    assert world.held()[-3:] == ["success", "failure", "success"]


async def test_a_repair_is_not_repeated_once_the_newest_is_on_top_again(world: World) -> None:
    pending, _ = await delivered(world)
    send_late(world, pending)
    assert await verify_targets(world) == 1
    await world.deliver()
    for _ in range(5):
        assert not await verify_a_minute_later(world)
    assert world.held() == ["success", "pending", "success"]


async def test_repairs_end_where_they_do_not_help(world: World) -> None:
    """Where an older status comes late after each of them, or the list has an order of its own."""
    pending, _ = await delivered(world)
    for _ in range(12):
        send_late(world, pending)
        await verify_a_minute_later(world)
        await world.deliver()
    assert world.held().count("success") == verification.MOST_EDITIONS


@pytest.mark.parametrize("what", ["newest", "edition", "lease", "status"])
async def test_a_repair_names_what_it_read(world: World, what: str) -> None:
    await delivered(world)
    seen = await world.ledger.read(verification.take_snapshot, await world.target_id())
    assert seen is not None
    lease = {"lease": uuid4(), "lease_expires_at": world.clock.now, "sending_id": StatusTarget.newest_id}
    changed = {
        "newest": update(StatusTarget).values(newest_id=1),
        "edition": update(StatusReport).values(edition=StatusReport.edition + 1),
        "status": update(StatusReport).where(col(StatusReport.delivered_at).is_not(None)).values(github_status_id=7),
        "lease": update(StatusTarget).values(**lease),
    }
    with world.ledger.transaction() as tx:
        tx.session.exec(changed[what])
        assert not verification.is_unchanged(tx, seen)
        assert not verification.repair(tx, seen, COMMIT_STATUS)
    assert EventKind.REPAIRED not in await kinds(world)

"""Verification: repairs only a status that is clearly covered, and records overrides on top."""

from datetime import timedelta
from uuid import uuid4

import pytest
from sqlmodel import col, select, update
from verifying import delivered, kinds, reports, request_verification, send_late, verify_targets
from world import SHA, World, accept, begin, end, order, run_job

from domain.delivery.commit_status import COMMIT_STATUS
from domain.delivery.report import EventKind
from domain.jobs.job_states import JobState
from fake_github.faults import Kind
from fake_github.store import Draft
from storage.delivery import verification
from storage.models import ReportEvent, StatusReport, StatusTarget
from tasks.delivery import verify as verify_targets_module
from tasks.delivery.verify import verify_target


def override(world: World, context: str = "docs/sphinx", state: str = "failure") -> int:
    """Post another tool's status of the same context; return GitHub's id of it."""
    draft = Draft(repository="acme/site", sha=SHA, context=context, state=state, target_url="https://x.test")
    status = world.github.store.drafted(draft)
    world.github.store.add(status)
    return status.id


async def notes(world: World, kind: EventKind) -> list[str]:
    async with world.ledger.transaction() as session:
        found = select(ReportEvent.note).where(ReportEvent.kind == kind).order_by(col(ReportEvent.id))
        return [note or "" for note in await session.exec(found)]


async def verify(world: World) -> bool:
    return await verify_target(world.reporter, await world.target_id())


async def verify_a_minute_later(world: World) -> bool:
    """Run a requested verification a minute from now; return whether it repaired."""
    await request_verification(world)
    world.clock.advance(60)
    return await verify(world)


async def outcome_after_pending(world: World) -> None:
    """Deliver `pending` and the outcome, a minute apart, and request a verification."""
    execution = await accept(world.ledger, order())
    await world.deliver()
    world.clock.advance(60)
    await begin(world.ledger, execution)
    await end(world.ledger, execution)
    await world.deliver()
    await request_verification(world)


async def test_reads_that_lag_behind_the_newest_repair_nothing_and_are_repeated_later(world: World) -> None:
    await outcome_after_pending(world)
    world.clock.advance(10)
    world.fault(Kind.LAG, seconds=30)
    assert await verify_targets(world) == 0
    assert (await world.target()).verify_at == world.clock.now + timedelta(minutes=1)
    world.clock.advance(60)
    assert await verify_targets(world) == 0
    await world.reconcile()
    assert world.held() == ["pending", "success"]


async def test_a_covering_status_is_repaired_once_the_reads_no_longer_lag(world: World) -> None:
    await outcome_after_pending(world)
    pending, _ = await reports(world)
    world.clock.advance(10)
    send_late(world, pending)
    world.fault(Kind.LAG, seconds=30)
    assert await verify_targets(world) == 0
    world.clock.advance(60)
    assert await verify_targets(world) == 1
    await world.deliver()
    assert world.held() == ["pending", "success", "pending", "success"]


async def test_a_status_github_never_lists_is_searched_for_a_day_and_reported_missing(
    world: World,
) -> None:
    await outcome_after_pending(world)
    world.fault(Kind.LAG, seconds=30 * 24 * 3600, times=0)
    waits = []
    while (at := (await world.target()).verify_at) is not None:
        waits.append(at - world.clock.now)
        world.clock.now = at
        assert await verify_targets(world) == 0
    assert waits[1] == timedelta(minutes=1)
    assert waits[1:] == sorted(waits[1:])
    assert waits[-1] == timedelta(hours=1)
    assert len(waits) < 40
    newest = (await reports(world))[1].github_status_id
    assert [str(newest) in note for note in await notes(world, EventKind.ABSENT)] == [True]
    assert world.held() == ["pending", "success"]


async def test_a_status_posted_between_two_page_reads_doubles_nothing(world: World) -> None:
    world.others_post(30)
    await delivered(world)
    world.others_post(99)

    async def post_one(name: str) -> None:
        if name == "GET answered" and world.asked("GET") == 1:
            override(world, "ci/one-more")

    await verify_target(await world.sender(post_one), await world.target_id())
    assert world.asked("GET") == 2
    assert EventKind.DOUBLED not in await kinds(world)


async def test_statuses_that_push_more_than_a_page_between_two_reads_repair_nothing(world: World) -> None:
    """Page 1 is of a server that lags, and shows `pending` on top; page 2 shows the newest, which is on top of it."""
    await outcome_after_pending(world)
    world.clock.advance(80)
    for number in range(150):
        override(world, f"ci/{number}")
    world.clock.advance(20)
    world.others_post(120, age=timedelta(days=1))  # there is a second page, from wherever one looks
    world.fault(Kind.LAG, seconds=130)

    async def newest_appears(name: str) -> None:
        if name == "GET answered" and world.asked("GET") == 1:
            world.fault(Kind.LAG, seconds=10)

    assert not await verify_target(await world.sender(newest_appears), await world.target_id())
    assert (await world.target()).verify_at is not None


async def test_a_list_too_long_to_read_is_believed_as_far_as_it_was_read(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verify_targets_module, "MAX_PAGES", 1)
    world.others_post(150)
    pending, _ = await delivered(world)
    send_late(world, pending)
    assert await verify(world)


async def test_a_newest_beyond_the_pages_read_is_searched_for_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verify_targets_module, "MAX_PAGES", 1)
    pending, _ = await delivered(world)
    world.others_post(150)
    send_late(world, pending)
    assert not await verify(world)
    assert (await world.target()).verify_at == world.clock.now + timedelta(minutes=1)


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
    monkeypatch.setattr(verify_targets_module, "MAX_PAGES", 1)
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
    async with world.ledger.transaction() as session:
        seen = await verification.take_snapshot(session, await world.target_id())
    assert seen is not None
    lease = {"lease": uuid4(), "lease_expires_at": world.clock.now, "sending_id": StatusTarget.newest_id}
    changed = {
        "newest": update(StatusTarget).values(newest_id=1),
        "edition": update(StatusReport).values(edition=StatusReport.edition + 1),
        "status": update(StatusReport).where(col(StatusReport.delivered_at).is_not(None)).values(github_status_id=7),
        "lease": update(StatusTarget).values(**lease),
    }
    async with world.ledger.transaction() as session:
        await session.exec(changed[what])
        assert not await verification.is_unchanged(session, seen)
        assert not await verification.repair(session, seen, COMMIT_STATUS, actor="test", now=world.clock.now)
    assert EventKind.REPAIRED not in await kinds(world)


async def test_a_verification_requested_during_another_is_made(world: World) -> None:
    """The status of a sender that comes back late may be stored after the page was read."""
    pending, _ = await delivered(world)

    async def come_back_late(name: str) -> None:
        if name == "GET answered":
            send_late(world, pending)
            async with world.ledger.transaction() as session:
                await verification.schedule(session, await world.target_id(), now=world.clock.now)

    assert not await verify_target(await world.sender(come_back_late), await world.target_id())
    assert (await world.target()).verify_at == world.clock.now + timedelta(minutes=1)
    world.clock.advance(60)
    assert await verify_targets(world) == 1


async def test_an_override_is_recorded_once_for_each_status(world: World) -> None:
    await delivered(world)
    first = override(world)
    for _ in range(3):
        assert not await verify(world)
    second = override(world, "DOCS/Sphinx", "success")
    for _ in range(2):
        assert not await verify(world)
    told = await notes(world, EventKind.OVERRIDDEN)
    assert [note.split(",")[0] for note in told] == [
        f"status {first}: failure by octocat",
        f"status {second}: success by octocat",
    ]
    assert world.posts() == 1


async def test_a_status_of_another_tool_before_or_elsewhere_is_no_override(world: World) -> None:
    override(world)
    await delivered(world)
    override(world, "ci/other")
    assert not await verify(world)
    assert await notes(world, EventKind.OVERRIDDEN) == []


async def test_an_override_is_not_recorded_before_the_newest_is_listed(world: World) -> None:
    override(world)
    world.clock.advance(10)
    await delivered(world)
    world.fault(Kind.LAG, seconds=5)
    assert not await verify(world)
    assert await notes(world, EventKind.OVERRIDDEN) == []


async def test_an_override_on_top_of_an_older_report_is_left_there(world: World) -> None:
    """No report of ours is shown: sending the newest again would undo the override."""
    pending, _ = await delivered(world)
    send_late(world, pending)
    override(world)
    assert not await verify(world)
    await world.reconcile()
    assert world.held() == ["success", "pending", "failure"]


async def test_an_older_status_that_comes_after_an_override_is_covered_again(world: World) -> None:
    pending, _ = await delivered(world)
    override(world)
    send_late(world, pending)
    assert await verify(world)
    await world.deliver()
    assert world.held() == ["success", "failure", "pending", "success"]


async def test_a_report_found_by_reading_back_is_always_verified(world: World) -> None:
    """As after a restore: the only way by which everything that is read back is verified too."""
    await run_job(world.ledger, order())
    world.fault(Kind.CLOSE, where="after")
    await world.deliver()
    async with world.ledger.transaction() as session:
        target = (await session.exec(select(StatusTarget))).one()
        target.verify_at = None
        session.add(target)
    world.clock.advance(1)
    await world.deliver()
    override(world)
    world.clock.advance(60)
    await verify_targets(world)
    assert len(await notes(world, EventKind.OVERRIDDEN)) == 1

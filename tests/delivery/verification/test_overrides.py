"""Another tool's status on top of a report is recorded once, and left there."""

from ledger_jobs import order, run_job
from sqlmodel import select
from verifying import delivered, notes, override, send_late, verify, verify_targets
from world import World

from domain.delivery.report import EventKind
from fake_github.faults import Kind
from storage.models import StatusTarget


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
    with world.ledger.transaction() as tx:
        target = tx.session.exec(select(StatusTarget)).one()
        target.verify_at = None
        tx.session.add(target)
    world.clock.advance(1)
    await world.deliver()
    override(world)
    world.clock.advance(60)
    await verify_targets(world)
    assert len(await notes(world, EventKind.OVERRIDDEN)) == 1

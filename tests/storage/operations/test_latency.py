"""The latency of outcomes, from the end of their jobs to GitHub."""

import pytest
from figures import figures
from ledger_jobs import accept, end, order, run_job
from world import World

from domain.delivery.commit_status import COMMIT_STATUS
from domain.delivery.target import StatusState
from domain.operations.metrics import BUCKETS
from storage.delivery import verification


async def repaired(world: World) -> None:
    """Make the current report due again, as if an older status covered it."""
    target_id = await world.target_id()
    with world.ledger.transaction() as tx:
        seen = verification.take_snapshot(tx, target_id)
        assert seen is not None
        verification.note_doubled(tx, seen, seen.ours.newest)
        verification.note_doubled(tx, seen, seen.ours.newest)
    assert (await figures(world)).duplicates == 1
    await world.ledger.write(verification.repair, seen, COMMIT_STATUS)


@pytest.mark.parametrize("seconds", [0, 0.5, 0.501, 1, 30, 60, 60.001, 86400, 86401])
async def test_latency_runs_from_the_jobs_end_to_github_and_a_bound_is_included(world: World, seconds: float) -> None:
    await run_job(world.ledger, order())
    world.clock.advance(seconds)
    await world.deliver()
    latency = (await figures(world)).latency
    assert {le for le, count in latency.counts.items() if count} == {min(le for le in BUCKETS if seconds <= le)}
    assert latency.seconds == pytest.approx(seconds)


async def test_latency_is_of_outcomes_and_of_the_first_time_only(world: World) -> None:
    execution = await accept(world.ledger, order())
    await world.deliver()
    assert sum((await figures(world)).latency.counts.values()) == 0
    await end(world.ledger, execution)
    await world.deliver()
    await repaired(world)
    world.clock.advance(500)
    await world.deliver()
    shown = await figures(world)
    assert sum(shown.latency.counts.values()) == 1
    assert (shown.deliveries[StatusState.SUCCESS], shown.duplicates) == (2, 2)


@pytest.mark.parametrize("database", ["postgresql"])
async def test_a_millisecond_that_has_begun_counts_whole(world: World) -> None:
    """SQLite knows no shorter time."""
    await run_job(world.ledger, order())
    world.clock.advance(60.000001)
    await world.deliver()
    latency = (await figures(world)).latency
    assert latency.seconds == 60.001
    assert latency.counts[300] == 1


async def test_a_clock_that_is_set_back_takes_nothing_from_the_sum(world: World) -> None:
    await run_job(world.ledger, order("docs/a"))
    world.clock.advance(7)
    await world.deliver("docs/a")
    await run_job(world.ledger, order("docs/b"))
    world.clock.advance(-5)
    await world.deliver("docs/b")
    latency = (await figures(world)).latency
    assert (latency.seconds, latency.counts[0.5]) == (7, 1)

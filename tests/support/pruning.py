"""A job that is old enough to be pruned, and its pruning."""

from datetime import timedelta

from figures import fold
from ledger_jobs import order, run_job
from sqlalchemy import func
from sqlmodel import SQLModel, col, select, update
from world import World

from domain.jobs.execution import Execution
from domain.jobs.job_states import JobState
from storage.ledger import Ledger
from storage.models import Job, ReportEvent, StatusReport, StatusTarget
from storage.operations.retention import prune_jobs

KEEP = timedelta(days=30)
LONG = KEEP.total_seconds() + 1
TODAY: dict[type[SQLModel], int] = {Job: 1, StatusTarget: 1, StatusReport: 2, ReportEvent: 6}
"""The rows of a job that was delivered at once."""


async def settled(world: World, context: str = "docs/old", state: JobState = JobState.SUCCEEDED) -> Execution:
    """Run a job and deliver its outcome."""
    execution = await run_job(world.ledger, order(context), state)
    await world.deliver(context)
    return execution


async def long_after(world: World) -> None:
    """Much later, and a job of that day: its rows have the highest ids."""
    world.clock.advance(LONG)
    await settled(world, "docs/today")


async def change(world: World, **values: object) -> None:
    """Change the old target's row."""
    with world.ledger.transaction() as tx:
        tx.session.exec(update(StatusTarget).where(col(StatusTarget.context) == "docs/old").values(**values))


async def pruned(world: World) -> int:
    """Fold what is old enough, then forget; how many jobs."""
    await fold(world)
    return await forgotten(world)


async def forgotten(world: World, ledger: Ledger | None = None) -> int:
    count, place, before = 0, None, world.clock.now - KEEP
    while True:
        gone, place = await (ledger or world.ledger).write(prune_jobs, before=before, after=place)
        count += gone
        if place is None:
            return count


def rows(world: World) -> dict[type[SQLModel], int]:
    """How many there are of each kind, but for those of today's job."""
    with world.ledger.transaction() as tx:
        found = {one: tx.session.exec(select(func.count()).select_from(one)).one() for one in TODAY}
    return {one: count - TODAY[one] for one, count in found.items() if count != TODAY[one]}

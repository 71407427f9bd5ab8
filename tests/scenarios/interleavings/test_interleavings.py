"""Two actors on one target, every order of their effects, through the real code: GitHub gets one status.

Enumerated, not sampled: every order of the two actors' transactions and requests; for some pairs also with a jump of
time past every lease, one crash, or one lost request or reply. With REPORTBACK_TEST_FULL=1, in minutes, every pair with
all of these at once and two jumps of time, past leases and past doubts (for the two largest pairs one at a time).
test_statements.py does this on PostgreSQL.
"""

from dataclasses import replace
from uuid import UUID

import pytest
from exactly_once import assert_exactly_once
from full import FULL
from ledger_jobs import CREDENTIAL, accept, begin, end, order, run_job
from schedules import Explorer, Scene
from world import Clock, World, due_ids

from domain.jobs.execution import Execution
from domain.jobs.job_states import JobState
from fake_github.faults import Kind
from storage.delivery import reports
from storage.ledger import Ledger
from tasks.delivery.deliver import deliver
from tasks.delivery.reporter import Reporter

TARGET = 1
OLD, NEW = UUID(int=1), UUID(int=2)


async def task(_: World, reporter: Reporter) -> None:
    await deliver(reporter, TARGET, job_ends_now=True)


async def reconciliation(_: World, reporter: Reporter) -> None:
    ids = await reporter.ledger.write(due_ids, limit=10)
    for target_id in ids:
        await deliver(reporter, target_id, only_if_due=True)


async def person(world: World, reporter: Reporter) -> None:
    """An operator who reopens the target's last report and delivers it."""
    await reporter.ledger.write(reports.reopen, 2, credential=CREDENTIAL)
    await task(world, reporter)


async def old_job(world: World, reporter: Reporter) -> None:
    await end(reporter.ledger, Execution(OLD, 1, None), JobState.FAILED)
    await task(world, reporter)


async def new_job(world: World, reporter: Reporter) -> None:
    await end(reporter.ledger, Execution(NEW, 1, None))
    await task(world, reporter)


async def ended(world: World) -> None:
    await run_job(world.ledger, order())


async def in_doubt(world: World, **lost: object) -> None:
    """GitHub has the outcome, or has not; we do not know."""
    await ended(world)
    world.fault(Kind.CLOSE, **lost)
    await world.deliver()
    world.clock.advance(20)


async def in_doubt_and_stored(world: World) -> None:
    await in_doubt(world, where="after")


async def in_doubt_and_not_stored(world: World) -> None:
    await in_doubt(world, where="before")


async def refused(world: World) -> None:
    world.fault(Kind.ARCHIVED)
    await ended(world)
    await world.deliver()


async def stored_in_doubt_and_unreadable(world: World) -> None:
    await in_doubt_and_stored(world)
    world.fault(Kind.NOT_FOUND, method="GET")
    await world.deliver()


async def running(world: World) -> None:
    await begin(world.ledger, await accept(world.ledger, order(flow_run_id=NEW)))


async def both_running(world: World) -> None:
    await begin(world.ledger, await accept(world.ledger, order(flow_run_id=OLD)))
    await running(world)


SCENES = {
    "task and task": Scene(ended, (task, task)),
    "task and reconciliation": Scene(ended, (task, reconciliation)),
    "task and reconciliation, in doubt and stored": Scene(in_doubt_and_stored, (task, reconciliation)),
    "task and reconciliation, in doubt and not stored": Scene(in_doubt_and_not_stored, (task, reconciliation)),
    "pending and its outcome": Scene(running, (task, new_job)),
    "two jobs of one target": Scene(both_running, (old_job, new_job)),
    "reopening and reconciliation": Scene(refused, (person, reconciliation)),
    "reopening and reconciliation, stored": Scene(stored_in_doubt_and_unreadable, (person, reconciliation)),
    "two who reopen": Scene(refused, (person, person)),
}
MAY_HAPPEN: dict[str, dict[str, object]] = {
    "nothing": {},
    "a jump": {"jumps": (30.0,)},  # past the lease of its current holder
    "a fault": {"faults": 1},
    "two jumps and a fault": {"jumps": (30.0, 20.0), "faults": 1},
}
QUICK = [
    ("task and task", "a jump"),
    ("task and task", "a fault"),
    ("task and reconciliation", "a fault"),
    ("task and reconciliation, in doubt and stored", "a fault"),
    ("task and reconciliation, in doubt and not stored", "nothing"),
    ("pending and its outcome", "nothing"),
    ("two jobs of one target", "nothing"),
    ("reopening and reconciliation", "nothing"),
    ("reopening and reconciliation, stored", "a fault"),
]
LARGE = ("two jobs of one target", "task and reconciliation, in doubt and not stored")
ALL = [
    *((scene, "two jumps and a fault") for scene in SCENES if scene not in LARGE),
    *((scene, one) for scene in LARGE for one in ("a jump", "a fault")),
]


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("database", ["sqlite"])
@pytest.mark.parametrize(("scene", "may_happen"), ALL if FULL else QUICK)
async def test_every_order_of_two_actors_makes_one_status(
    ledger: Ledger, clock: Clock, scene: str, may_happen: str
) -> None:
    explorer = Explorer(ledger, clock, assert_exactly_once)
    await explorer.explore(replace(SCENES[scene], **MAY_HAPPEN[may_happen]))  # type: ignore[arg-type]  # a scene's fields
    assert explorer.schedules > 1
    print(explorer.summary)  # noqa: T201  # how much was enumerated, shown with -s

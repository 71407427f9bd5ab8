"""Two senders of check runs, every order of their effects: one run an execution, each line once.

By default with one crash, lost request or lost reply, or with a jump of time past a lease. With REPORTBACK_TEST_FULL=1
every pair, with all of these at once and two jumps.
"""

from itertools import product
from uuid import UUID

import pytest
from check_promise import assert_shown_once
from check_worlds import finish, run_checked, start, world_of_check_runs
from full import FULL
from schedules import Explorer, Scene
from world import Clock, World, due_ids

from domain.jobs.execution import Execution
from domain.jobs.job_states import JobState
from fake_github.faults import Kind
from storage.ledger import Ledger
from tasks.delivery.deliver import deliver
from tasks.delivery.reporter import Reporter

TARGET = 1
OLD, NEW = UUID(int=1), UUID(int=2)


async def task(_: World, reporter: Reporter) -> None:
    await deliver(reporter, TARGET, job_ends_now=True)


async def reconciliation(_: World, reporter: Reporter) -> None:
    for target_id in await reporter.ledger.write(due_ids, limit=10):
        await deliver(reporter, target_id, only_if_due=True)


async def new_job(world: World, reporter: Reporter) -> None:
    await finish(world, Execution(NEW, 1, None), ledger=reporter.ledger)
    await task(world, reporter)


async def next_job(world: World, reporter: Reporter) -> None:
    """A job that is accepted while the older one's run is open."""
    await start(world, flow_run_id=NEW, ledger=reporter.ledger)
    await task(world, reporter)


async def ended(world: World) -> None:
    await run_checked(world)


async def running(world: World) -> None:
    await start(world, flow_run_id=NEW)


async def open_run(world: World) -> None:
    """A job whose run is in progress on GitHub."""
    await start(world, flow_run_id=OLD)
    await world.deliver()
    world.clock.advance(5)


async def concluded_in_doubt(world: World) -> None:
    """GitHub has the conclusion with its annotations; we do not know."""
    await run_checked(world)
    world.fault(Kind.CLOSE, where="after", method="PATCH")
    await world.deliver()
    world.clock.advance(20)


async def lost(world: World) -> None:
    """A job that was thought lost, as GitHub shows."""
    await finish(world, await start(world, flow_run_id=NEW), JobState.LOST, warnings=0)
    await world.deliver()


SCENES = {
    "task and reconciliation": Scene(ended, (task, reconciliation)),
    "task and reconciliation, in doubt": Scene(concluded_in_doubt, (task, reconciliation)),
    "a start and its end": Scene(running, (task, new_job)),
    "an open run and a newer job": Scene(open_run, (reconciliation, next_job)),
    "a lost job that comes back": Scene(lost, (reconciliation, new_job)),
}
MAY_HAPPEN: dict[str, dict[str, object]] = {
    "a jump": {"jumps": (30.0,)},
    "a fault": {"faults": 1},
    "two jumps and a fault": {"jumps": (30.0, 20.0), "faults": 1},
}
QUICK = [
    ("a start and its end", "a fault"),
    ("an open run and a newer job", "a fault"),
    ("task and reconciliation, in doubt", "a jump"),
    ("a lost job that comes back", "a fault"),
]


async def settles(world: World) -> None:
    """Reconcile until nothing is due, and check what GitHub shows."""
    world.clock.advance(60)
    await world.reconcile(passes=4, every=40)
    await assert_shown_once(world)


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("database", ["sqlite"])
@pytest.mark.parametrize(("scene", "more"), list(product(SCENES, MAY_HAPPEN)) if FULL else QUICK)
async def test_every_order_shows_each_line_once(ledger: Ledger, clock: Clock, scene: str, more: str) -> None:
    explorer = Explorer(ledger, clock, settles, world_of_check_runs)
    actors = SCENES[scene]
    await explorer.explore(Scene(actors.before, actors.actors, **MAY_HAPPEN[more]))  # type: ignore[arg-type]
    print(explorer.summary)  # noqa: T201  # shown with -s
    assert explorer.ends

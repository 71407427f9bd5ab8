"""Which undelivered reports do not fail the job's task: a `pending` that only needs time."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta

import pytest
from ledger_jobs import accept, begin, end, order, recorded, run_job
from sqlmodel import col, update
from transactions import at
from world import World

from domain.delivery.report import Phase
from fake_github.faults import Kind
from storage.delivery import leases
from storage.delivery.leases import Lease
from storage.models import StatusTarget
from tasks.report_status import Undelivered, deliver_report

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


@dataclass(frozen=True, slots=True)
class Way:
    """A reason for a report to stay undelivered. `is_red`: an operator has to act, whatever report it is."""

    happens: Callable[[World], Awaitable[object]]
    is_red: bool = False


def answered(kind: Kind, **fields: object) -> Callable[[World], Awaitable[object]]:
    async def happens(world: World) -> None:
        world.fault(kind, **fields)

    return happens


async def pausing(world: World) -> None:
    """Another report met a rate limit."""
    await run_job(world.ledger, order("docs/other"))
    world.fault(Kind.SECONDARY_LIMIT, seconds=300)
    await world.deliver("docs/other")


async def held(world: World) -> None:
    """Another sender is at it."""
    target_id = await world.target_id()
    with world.ledger.transaction() as tx:
        now = world.clock.now
        lease = leases.claim(at(tx, now=now), target_id, only_if_due=False, policy=world.policy)
    assert isinstance(lease, Lease)


async def in_doubt(world: World) -> None:
    """A request for the previously current report may still be stored."""
    target_id = await world.target_id()
    doubt = update(StatusTarget).where(col(StatusTarget.id) == target_id)
    with world.ledger.transaction() as tx:
        tx.session.exec(doubt.values(doubt_until=world.clock.now + timedelta(seconds=20)))


async def without_a_token(world: World) -> None:
    world.tokens.clear()


WAYS = {
    "its credential pauses": Way(pausing),
    "another sender is at it": Way(held),
    "it is in doubt": Way(in_doubt),
    "it was told to wait": Way(answered(Kind.SECONDARY_LIMIT, seconds=300)),
    "its request got lost": Way(answered(Kind.CLOSE, where="before")),
    "its commit may still arrive": Way(answered(Kind.NO_SUCH_COMMIT)),
    "its repository is archived": Way(answered(Kind.ARCHIVED), is_red=True),
    "its token is refused": Way(answered(Kind.BAD_CREDENTIALS), is_red=True),
    "its token is missing": Way(without_a_token, is_red=True),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("asked", ["pending", "outcome", "by a person"])
async def test_only_a_pending_that_needs_nothing_but_time_is_left_without_a_word(
    world: World, way: str, asked: str
) -> None:
    execution = await accept(world.ledger, order())
    report = execution.report
    if asked == "outcome":
        await begin(world.ledger, execution)
        report = await end(world.ledger, execution)
    await WAYS[way].happens(world)
    job_asks = asked != "by a person"
    if asked == "pending" and not WAYS[way].is_red:
        phase = await deliver_report(world.reporter, recorded(report), job_ends_now=job_asks)
        assert phase in (Phase.DUE, Phase.SENDING)
    else:
        with pytest.raises(Undelivered):
            await deliver_report(world.reporter, recorded(report), job_ends_now=job_asks)

"""A read that is refused, fails or lags decides nothing: the report stays due and is searched for again."""

import pytest
from full import thinned
from ways import in_doubt
from world import World

from domain.delivery.outcome import NotSent, Reason
from domain.delivery.report import Phase
from fake_github.faults import Kind
from storage.delivery.availability import Busy, Settled


async def test_reads_that_lag_are_waited_for(world: World) -> None:
    await in_doubt(world, stored=True)
    world.clock.advance(1)
    world.fault(Kind.LAG, seconds=5)
    busy = await world.deliver()
    assert isinstance(busy, Busy)
    assert busy.until == (await world.target()).doubt_until == (await world.target()).due_at
    await world.reconcile()
    assert (world.held(), world.posts()) == (["success"], 1)


REFUSED_READS: dict[str, dict[str, object]] = {
    "404": {"kind": Kind.NOT_FOUND},
    "403": {"kind": Kind.FORBIDDEN},
    "403, single sign-on": {"kind": Kind.SSO},
    "410": {"kind": Kind.GONE},
    "451": {"kind": Kind.BLOCKED},
    "422": {"kind": Kind.NO_SUCH_COMMIT},
    "403 of a proxy": {"kind": Kind.INTERMEDIARY},
    "407": {"kind": Kind.INTERMEDIARY, "status": 407},
    "401 of a proxy": {"kind": Kind.INTERMEDIARY, "status": 401, "body": {"message": "Who are you?"}},
    "302 to a log-in page": {"kind": Kind.INTERMEDIARY, "status": 302, "location": "https://login.test/"},
    "200 with a log-in page": {"kind": Kind.INTERMEDIARY, "status": 200},
}


@pytest.mark.parametrize("database", ["sqlite"])  # what is made of an answer does not depend on it
@pytest.mark.parametrize(("refusal", "stored"), thinned(REFUSED_READS, (True, False)))
async def test_a_refused_read_rejects_nothing_starts_no_doubt_and_is_made_again_at_growing_distances(
    world: World, refusal: str, *, stored: bool
) -> None:
    await in_doubt(world, stored=stored)
    doubt = (await world.target()).doubt_until
    world.fault(times=0, method="GET", **REFUSED_READS[refusal])  # type: ignore[arg-type]  # the fields of a fault
    await world.reconcile(passes=24, every=3600)
    assert ((await world.target()).doubt_until, world.posts()) == (doubt, 1)
    assert (await world.phases())["success"] is Phase.DUE
    assert 12 <= world.asked("GET") <= 24
    world.github.script.clear()
    await world.reconcile(passes=3, every=3600)
    assert (world.held(), world.posts()) == (["success"], 1 if stored else 2)


async def test_a_refused_read_says_why_the_report_waits(world: World) -> None:
    await in_doubt(world, stored=True)
    world.fault(Kind.NOT_FOUND, method="GET")
    settled = await world.deliver()
    assert isinstance(settled, Settled)
    assert settled.outcome == NotSent("reading back, HTTP 404: Not Found", Reason.NOT_FOUND)
    assert (await world.target()).last_error == "not_found: reading back, HTTP 404: Not Found"
    assert (await world.events())[-2:] == ["claimed", "not_sent"]


async def test_a_read_with_bad_credentials_pauses_them_and_the_report_stays_due(world: World) -> None:
    await in_doubt(world, stored=True)
    world.fault(Kind.BAD_CREDENTIALS, method="GET")
    await world.deliver()
    busy = await world.deliver()
    assert isinstance(busy, Busy)
    assert str(Reason.BAD_CREDENTIALS) in busy.why
    await world.reconcile()
    assert (world.held(), world.posts()) == (["success"], 1)


@pytest.mark.parametrize("kind", [Kind.SERVER_ERROR, Kind.CLOSE, Kind.HTML, Kind.TRUNCATE])
async def test_a_read_that_fails_starts_no_doubt_and_leaves_the_report_due(world: World, kind: Kind) -> None:
    await in_doubt(world, stored=False)
    doubt = (await world.target()).doubt_until
    world.clock.advance(20)
    world.fault(kind, method="GET")
    await world.deliver()
    assert (await world.target()).doubt_until == doubt
    assert (await world.phases())["success"] is Phase.DUE
    await world.deliver()
    assert world.held() == ["success"]

"""What answers in GitHub's place (a proxy, a filter, a portal) neither rejects a report nor ends a pause."""

from collections.abc import AsyncIterator
from dataclasses import replace

import httpx
import pytest
from full import thinned
from ledger_jobs import order, run_job
from sqlmodel import col, select
from world import World

from domain.delivery.outcome import Reason
from domain.delivery.report import EventKind, Phase
from domain.delivery.target import StatusState
from domain.operations.metrics import Group
from fake_github.faults import Kind
from github_api.commit_statuses import CommitStatuses
from storage.models import Credential, ReportEvent
from storage.operations.metrics import snapshot


async def credential(world: World) -> Credential:
    with world.ledger.transaction() as tx:
        return tx.session.exec(select(Credential)).one()


BEFORE_GITHUB: dict[str, dict[str, object]] = {
    "a proxy's page": {"status": 403},
    "a proxy that wants a log-in": {"status": 407, "headers": {"proxy-authenticate": "Basic"}},
    "a proxy's own 401": {"status": 401, "body": {"message": "Who are you?"}},
    "a proxy's own limit": {"status": 429, "headers": {"retry-after": "86400"}},
    "a gateway without a route": {"status": 404, "body": {"message": "no Route matched with those values"}},
    "a gateway that refuses the method": {"status": 405, "body": ""},
    "a load balancer's page": {"status": 413},
    "a filter's 451": {"status": 451},
    "a portal": {"status": 302, "location": "https://login.corp.example/sso"},
    "a server that is away": {"status": 503},
    "a filter's page": {"status": 200},
    "a queue": {"status": 202, "body": {"message": "accepted"}},
}


@pytest.mark.parametrize("database", ["sqlite"])  # what is made of an answer does not depend on it
@pytest.mark.parametrize(("who", "stored"), thinned(BEFORE_GITHUB, (True, False)))
async def test_only_github_itself_can_reject(world: World, who: str, *, stored: bool) -> None:
    """The request may have been forwarded before the answer: its status is searched for before it is sent again."""
    where = "after" if stored else "before"
    world.fault(Kind.INTERMEDIARY, method="*", where=where, times=14, **BEFORE_GITHUB[who])
    await run_job(world.ledger, order())
    await world.reconcile(passes=12, every=3600)
    used = await credential(world)
    assert (used.paused_until, used.pause_reason) == (None, None)
    assert (await world.phases())["success"] is Phase.DUE
    await world.reconcile(passes=6, every=3600)
    assert (world.held(), world.posts()) == (["success"], 1 if stored else 2)


@pytest.mark.parametrize("database", ["sqlite"])  # the same
@pytest.mark.parametrize("status", [200, 201, 202])
async def test_a_filter_that_answers_every_request_with_a_page_has_no_report_given_up(
    world: World, status: int
) -> None:
    """It lets reads through, which show that GitHub has nothing."""
    world.fault(Kind.INTERMEDIARY, method="POST", status=status, times=0)
    await run_job(world.ledger, order())
    await world.reconcile(passes=60, every=60)
    assert world.posts() > 5
    assert (await world.phases())["success"] is Phase.DUE
    world.github.script.clear()
    await world.reconcile(passes=2, every=3600)
    assert world.held() == ["success"]


@pytest.mark.parametrize("database", ["sqlite"])
async def test_an_intermediary_is_described_and_has_its_own_reason(world: World) -> None:
    world.fault(Kind.INTERMEDIARY)
    await run_job(world.ledger, order())
    await world.deliver()
    with world.ledger.transaction(only_reads=True) as tx:
        answer = tx.session.exec(select(ReportEvent).where(col(ReportEvent.http_status).is_not(None))).one()
        counted = snapshot(tx).reports
    assert (answer.kind, answer.http_status, answer.github_request_id) == (EventKind.UNKNOWN, 403, None)
    assert answer.note == (await world.target()).last_error == "intermediary: something before GitHub answered 403"
    assert counted == {Group(StatusState.SUCCESS, Phase.DUE, Reason.INTERMEDIARY): 1}


class CutOff(httpx.AsyncByteStream):
    """A body that ends in the middle."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield b"<html>"
        raise httpx.ReadError("")


async def probes(world: World) -> None:
    """Have GitHub pause the credential; the next request probes whether it still does."""
    world.fault(Kind.SECONDARY_LIMIT)
    await run_job(world.ledger, order())
    await world.deliver()
    world.clock.advance(61)


NAMED = {"x-github-request-id": "57A1:000001"}
ELSEWHERE = {"location": "https://login.corp.example/sso"}


CUT_OFF, EMPTY = CutOff(), httpx.ByteStream(b"")


@pytest.mark.parametrize(
    ("status", "headers", "body", "ends"),
    [
        pytest.param(403, {}, CUT_OFF, False, id="breaks off"),
        pytest.param(403, NAMED, CUT_OFF, True, id="breaks off, but names its request"),
        pytest.param(302, NAMED | ELSEWHERE, EMPTY, False, id="leads to another host"),
    ],
)
async def test_an_answer_ends_a_pause_only_if_github_itself_gave_it(
    world: World, status: int, headers: dict[str, str], body: httpx.AsyncByteStream, *, ends: bool
) -> None:
    await probes(world)
    way = httpx.MockTransport(lambda _: httpx.Response(status, headers=headers, stream=body))
    async with CommitStatuses("http://github.test", world.policy.timeout, world.clock, way) as surface:
        await world.deliver(by=replace(world.reporter, surface=surface))
    assert (await credential(world)).pause_seconds == (None if ends else 60)


async def test_no_intermediary_ends_a_pause_of_githubs_or_changes_its_budget(world: World) -> None:
    await probes(world)
    world.fault(Kind.INTERMEDIARY, headers={f"x-ratelimit-{name}": "0" for name in ("limit", "remaining", "reset")})
    await world.deliver()
    held = await credential(world)
    assert (held.pause_seconds, held.pause_reason, held.rate_limit) == (60, Reason.SECONDARY_LIMIT, 5000)

"""The stand-in in the client's own process uses the test's clock, and its faults look as on a socket."""

import asyncio

import httpx
import pytest
from stand_in_rig import SteppedTime

from fake_github.app import FakeGitHub
from fake_github.faults import Fault, Kind

SHA = "6dcb09b5b57875f334f61aebed695e2e4193db5e"
PATH = f"/repos/octo/docs/statuses/{SHA}"


async def post(client: httpx.AsyncClient, description: str = "") -> httpx.Response:
    return await client.post(PATH, json={"state": "success", "description": description})


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        (Kind.CLOSE, httpx.RemoteProtocolError),
        (Kind.RESET, httpx.ReadError),
        (Kind.TRUNCATE, httpx.RemoteProtocolError),
    ],
)
async def test_a_dropped_connection_raises_as_on_a_socket(
    client: httpx.AsyncClient, github: FakeGitHub, kind: Kind, error: type[httpx.TransportError]
) -> None:
    github.script.add(Fault(kind=kind, where="after"))
    with pytest.raises(error):
        await post(client)
    assert len(github.store.held()) == 1


async def test_a_hang_lasts_in_the_tests_own_time(
    client: httpx.AsyncClient, github: FakeGitHub, time: SteppedTime
) -> None:
    github.script.add(Fault(kind=Kind.HANG, seconds=3600))
    began = time()
    assert (await post(client)).json()["created_at"] == "2026-03-01T13:00:00Z"
    assert (time() - began).total_seconds() == 3600


async def test_a_hang_without_end_lasts_until_the_client_gives_up(
    client: httpx.AsyncClient, github: FakeGitHub
) -> None:
    github.script.add(Fault(kind=Kind.HANG))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await post(client)
    assert not github.store.held()


async def test_a_status_stored_late_stands_where_its_time_puts_it(
    client: httpx.AsyncClient, github: FakeGitHub, time: SteppedTime
) -> None:
    github.script.add(Fault(kind=Kind.SERVER_ERROR, stored_after=10))
    assert (await post(client, "late")).status_code == 502
    time.advance(9)
    assert not github.store.held()
    await post(client, "in between")
    time.advance(1)
    await post(client, "last")
    listed = (await client.get(PATH)).json()
    assert [status["description"] for status in listed] == ["last", "late", "in between"]


async def test_a_status_stored_late_counts_towards_the_maximum_at_once(
    client: httpx.AsyncClient, github: FakeGitHub
) -> None:
    github.script.add(Fault(kind=Kind.CLOSE, stored_after=10))
    with pytest.raises(httpx.RemoteProtocolError):
        await post(client)
    (draft,) = github.store._stored
    assert github.store.count(draft) == 1


async def test_a_lagging_read_shows_an_earlier_time(
    client: httpx.AsyncClient, github: FakeGitHub, time: SteppedTime
) -> None:
    github.script.add(Fault(kind=Kind.LAG, seconds=5, times=0))
    await post(client)
    time.advance(4)
    assert (await client.get(PATH)).json() == []
    assert (await client.get(f"/repos/octo/docs/commits/{SHA}/status")).json()["total_count"] == 0
    time.advance(1)
    assert len((await client.get(PATH)).json()) == 1


async def test_a_refused_request_stores_nothing_even_under_a_fault_after_storing(
    client: httpx.AsyncClient, github: FakeGitHub
) -> None:
    github.script.add(Fault(kind=Kind.SERVER_ERROR, where="after"))
    response = await client.post(PATH, json={"state": "odd"})
    assert response.status_code == 502
    assert not github.store.held()

"""Broken connections, recovered networks and dead senders, judged by what GitHub holds at the end."""

import asyncio
import socket
from contextlib import suppress
from dataclasses import replace

import httpx
import killed_sender
import pytest
from ledger_jobs import order, run_job
from relay import Fate, to_http
from scaled import GITHUB_WORKS, READS_LAG, Wire, client, new_commit, seconds
from waiting import until

from domain.delivery.report import Phase
from github_api.transport import transport_to

ON_SQLITE = pytest.mark.parametrize("database", ["sqlite"])
LEASE = 30
TIMEOUT = 15


@ON_SQLITE
async def test_a_connection_that_ends_before_or_within_a_request_makes_one_status(wire: Wire) -> None:
    """At its beginning, or after it was kept from an earlier request, before GitHub has the next one or its answer."""

    async def refused(sha: str) -> None:
        async with to_http(wire.stand_in.url) as (url, relay), client(url) as github:
            relay.refused = 1
            assert await wire.deliver(sha, by=github) is Phase.DUE
            assert await wire.deliver_until_settled(sha, by=github) is Phase.DELIVERED

    async def dropped(sha: str, fate: Fate) -> None:
        earlier = new_commit()
        await wire.job(earlier)
        async with to_http(wire.stand_in.url) as (url, relay), client(url) as github:
            assert await wire.deliver(earlier, by=github) is Phase.DELIVERED
            relay.lose_next(b"POST ", fate)
            assert await wire.deliver(sha, by=github) is Phase.DUE
            assert (len(relay.lines), relay.lost) == (1, 1)
            assert await wire.deliver_until_settled(sha, by=github) is Phase.DELIVERED

    commits = [new_commit() for _ in range(3)]
    for sha in commits:
        await wire.job(sha)
    await asyncio.gather(refused(commits[0]), dropped(commits[1], Fate.LOST), dropped(commits[2], Fate.UNANSWERED))
    held, posts = await wire.all_held(), await wire.asked("POST")
    assert [(held[sha], posts[sha]) for sha in commits] == [(["success"], 1)] * 3


@ON_SQLITE
async def test_a_connection_that_was_kept_and_ended_meanwhile_leaves_no_doubt(wire: Wire) -> None:
    first, second = new_commit(), new_commit()
    await wire.job(first)
    await wire.job(second)
    async with to_http(wire.stand_in.url) as (url, relay), client(url) as github:
        await wire.deliver(first, by=github)
        relay.hang_up()
        await seconds(1)
        assert await wire.deliver(second, by=github) is Phase.DELIVERED
    assert await wire.held(second) == ["success"]
    assert (await wire.asked("GET"))[second] == 0


@ON_SQLITE
async def test_a_sender_killed_just_before_its_deadline_whose_request_is_stored_last_makes_one_status(
    wire: Wire, ledger_url: str
) -> None:
    """It claims, hesitates as long as its lease allows, sends, and dies as late as can be.

    GitHub stores the request 10 s after that, and shows it another 5 s later.
    """
    sha, hesitates, lives = new_commit(), LEASE - TIMEOUT - 3, TIMEOUT - 3
    await wire.job(sha)
    await wire.fault(sha, "hang", stored_after=lives + GITHUB_WORKS)
    await wire.fault(sha, "lag", seconds=READS_LAG, times=0)

    async def has_sent() -> bool:
        return (await wire.asked("POST"))[sha] == 1

    target_id = await wire.target_id(sha)
    async with killed_sender.running(ledger_url, target_id, wire.stand_in.url, hesitates=hesitates) as sender:
        await seconds(hesitates)
        await until(has_sent)
        await seconds(lives)
        assert sender.returncode is None
    while await wire.deliver(sha) is not Phase.DELIVERED:
        await seconds(1)
    assert (await wire.held(sha), (await wire.asked("POST"))[sha]) == (["success"], 1)


class Away:
    """A network that is gone: what a client says fills a small window, and the rest stays in the client's kernel."""

    def __init__(self) -> None:
        self._listening = socket.socket()
        self._listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)  # as little as the kernel allows
        self._listening.bind(("127.0.0.1", 0))
        self._listening.listen()
        self._listening.setblocking(False)
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"

    async def returns(self, onward: str) -> bool:
        """The network is back: what arrives is passed on. Whether the client's kernel delivered a whole request."""
        loop = asyncio.get_running_loop()
        line, _ = await loop.sock_accept(self._listening)
        said = b""
        with suppress(ConnectionResetError):
            while part := await loop.sock_recv(line, 65536):
                said += part
        line.close()
        self._listening.close()
        if is_whole := said.endswith(b"}"):  # of its body in JSON
            host, _, port = onward.removeprefix("http://").partition(":")
            reader, writer = await asyncio.open_connection(host, int(port))
            writer.write(said)
            await reader.readuntil(b"\r\n\r\n")
            writer.transport.abort()
        return is_whole


@ON_SQLITE
async def test_a_request_given_up_is_not_sent_by_the_kernel_when_the_network_returns(wire: Wire) -> None:
    """The same with sockets that linger, as they are by default, puts the status there twice."""

    async def play(sha: str, *, lingers: bool) -> bool:
        network = Away()
        asked = order(sha=sha)
        await run_job(wire.ledger, replace(asked, url=f"{asked.url}?{'x' * 1900}"))
        way = httpx.AsyncHTTPTransport() if lingers else transport_to(network.url)
        async with client(network.url, way) as github:
            assert await wire.deliver(sha, by=github) is Phase.DUE
        assert await wire.deliver_until_settled(sha) is Phase.DELIVERED
        return await network.returns(wire.stand_in.url)

    ours, theirs = new_commit(), new_commit()
    arrived = await asyncio.gather(play(ours, lingers=False), play(theirs, lingers=True))
    assert list(arrived) == [False, True]
    assert await wire.held(ours) == ["success"]
    assert await wire.held(theirs) == ["success", "success"]

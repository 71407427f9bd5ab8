"""The client on real sockets: connections that break, and data the kernel may still send."""

import asyncio
import socket
import tracemalloc

import pytest
from raw_server import CREATED, REPORT, TARGET, TOKEN, Peer, github, serving
from waiting import soon

from domain.delivery.outcome import Delivered, NotSent, Reason, Unknown
from fake_github.api import BLANKS, bomb
from github_api.send_request import MAX_REDIRECTS, MAX_REPLY


async def test_a_status_is_created_over_http_1_1() -> None:
    async def behave(peer: Peer) -> None:
        await peer.request()
        await peer.answer(201, CREATED)

    async with serving(behave) as server, github(server.url) as client:
        assert (await client.create(REPORT, TOKEN)).outcome == Delivered(7)
    assert server.requests[0].startswith(f"POST /repos/o/r/statuses/{TARGET.sha} HTTP/1.1\r\n".encode())


async def test_a_connection_closed_before_the_reply_leaves_a_create_unknown_and_a_read_undone() -> None:
    async def behave(peer: Peer) -> None:
        await peer.request()

    async with serving(behave) as server, github(server.url) as client:
        assert isinstance((await client.create(REPORT, TOKEN)).outcome, Unknown)
        assert isinstance((await client.page(TARGET, TOKEN)).outcome, NotSent)
    assert len(server.requests) == 2


async def test_a_connection_closed_within_the_body_is_unknown_although_the_status_said_201() -> None:
    async def behave(peer: Peer) -> None:
        await peer.request()
        await peer.answer(201, CREATED, "X-GitHub-Request-Id: A:1", length=len(CREATED) + 1)

    async with serving(behave) as server, github(server.url) as client:
        sent = await client.create(REPORT, TOKEN)
    assert isinstance(sent.outcome, Unknown)
    assert (sent.exchange.http_status, sent.exchange.request_id) == (201, "A:1")


async def test_a_dripping_reply_does_not_outlive_the_deadline() -> None:
    async def behave(peer: Peer) -> None:
        await peer.request()
        await peer.answer(201, b"", length=10**6)
        while True:
            await asyncio.sleep(0.01)
            peer.writer.write(b" ")
            await peer.writer.drain()

    for deadline in (1.5, 30):  # on a loaded machine the reply may not even have begun by the first one
        async with serving(behave) as server, github(server.url, deadline) as client:
            sent = await soon(client.create(REPORT, TOKEN), "the client's deadline")
        assert sent.outcome == Unknown("TimeoutError")
        if sent.exchange.http_status is not None:
            break
    assert sent.exchange.http_status == 201


async def test_one_deadline_spans_all_redirects() -> None:
    async def behave(peer: Peer) -> None:
        await peer.request()
        await asyncio.sleep(0.5)
        await peer.answer(307, b"", "Location: /again", "Connection: close")

    async with serving(behave) as server, github(server.url, 1.5) as client:
        sent = await soon(client.create(REPORT, TOKEN), "the client's deadline")
    assert sent.outcome == Unknown("TimeoutError")  # and not one redirect too many
    assert len(server.requests) < MAX_REDIRECTS + 1


async def test_a_request_given_up_is_reset_not_delivered_later() -> None:
    arrived = asyncio.Event()
    ended: asyncio.Future[bytes | ConnectionError] = asyncio.get_running_loop().create_future()

    async def behave(peer: Peer) -> None:
        await peer.request()
        arrived.set()
        try:
            ended.set_result(await peer.reader.read())
        except ConnectionResetError as reset:
            ended.set_result(reset)

    async with serving(behave) as server, github(server.url) as client:
        asked = asyncio.create_task(client.create(REPORT, TOKEN))
        await soon(arrived.wait(), "the request")
        asked.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asked
        assert isinstance(await ended, ConnectionResetError)  # without SO_LINGER it would be b"": an orderly end


@pytest.mark.parametrize("status", [301, 307])
async def test_a_redirect_keeps_the_post_and_its_body(status: int) -> None:
    async def behave(peer: Peer) -> None:
        if b"/repos/" in (await peer.request()).split(b"\r\n")[0]:
            await peer.answer(status, b"{}", "Location: /repositories/7/statuses/a", "Connection: close")
        else:
            await peer.answer(201, CREATED)

    async with serving(behave) as server, github(server.url) as client:
        assert (await client.create(REPORT, TOKEN)).outcome == Delivered(7)
    first, second = server.requests
    assert second.startswith(b"POST /repositories/7/statuses/a HTTP/1.1\r\n")
    assert first.split(b"\r\n\r\n")[1] == second.split(b"\r\n\r\n")[1] != b""


async def test_no_token_leaves_for_another_port() -> None:
    async def elsewhere(peer: Peer) -> None:
        await peer.request()

    async with serving(elsewhere) as other:

        async def behave(peer: Peer) -> None:
            await peer.request()
            await peer.answer(307, b"", f"Location: {other.url}/repos/o/r/statuses/a")

        async with serving(behave) as server, github(server.url) as client:
            outcome = (await client.create(REPORT, TOKEN)).outcome
    assert isinstance(outcome, Unknown)
    assert outcome.reason is Reason.REDIRECTED
    assert other.requests == []


async def test_an_endless_body_is_left_at_the_bound() -> None:
    sent_bytes = 0

    async def behave(peer: Peer) -> None:
        nonlocal sent_bytes
        await peer.request()
        await peer.answer(201, CREATED, length=10**12)
        while True:
            peer.writer.write(b" " * 65536)
            await peer.writer.drain()
            sent_bytes += 65536

    async with serving(behave) as server, github(server.url) as client:
        outcome = (await client.create(REPORT, TOKEN)).outcome
    assert isinstance(outcome, Unknown)
    assert sent_bytes < MAX_REPLY * 32  # the bound and what the kernel buffers


async def test_a_compressed_reply_is_not_read_and_leaves_a_create_unknown() -> None:
    small = bomb(CREATED)

    async def behave(peer: Peer) -> None:
        asked = await peer.request()
        assert b"\r\nAccept-Encoding: identity\r\n" in asked
        status = 201 if asked.startswith(b"POST") else 200
        await peer.answer(status, small, "X-GitHub-Request-Id: A:1", "Content-Encoding: gzip, gzip")

    async with serving(behave) as server, github(server.url) as client:
        tracemalloc.start()
        try:
            sent, read = await client.create(REPORT, TOKEN), await client.page(TARGET, TOKEN)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    words = "DecodingError: the reply came compressed (gzip, gzip), which was not asked for and is not read"
    assert (sent.outcome, sent.exchange.http_status) == (Unknown(words), 201)
    assert read.outcome == NotSent(words)
    assert len(small) < 2000
    assert peak < 2 * MAX_REPLY < BLANKS


async def test_a_refused_connection_was_not_sent() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))  # bound, not listening: refused
        async with github(f"http://127.0.0.1:{free.getsockname()[1]}") as client:
            sent = await client.create(REPORT, TOKEN)
            read = await client.page(TARGET, TOKEN)
    assert isinstance(sent.outcome, NotSent)
    assert isinstance(read.outcome, NotSent)


async def test_a_connection_that_is_never_made_was_not_sent() -> None:
    with socket.socket() as full, socket.socket() as one, socket.socket() as two:
        full.bind(("127.0.0.1", 0))
        full.listen(0)  # a queue of one that is never served: later connections get no answer
        for taken in (one, two):
            taken.setblocking(False)
            taken.connect_ex(full.getsockname())
        async with github(f"http://127.0.0.1:{full.getsockname()[1]}", 3) as client:
            outcome = (await client.create(REPORT, TOKEN)).outcome
    assert outcome == NotSent("ConnectTimeout")


async def test_a_handshake_that_never_ends_was_not_sent() -> None:
    async def behave(peer: Peer) -> None:
        while await peer.reader.read(1024):
            pass

    async with serving(behave) as server, github(server.url.replace("http://", "https://"), 3) as client:
        outcome = (await client.create(REPORT, TOKEN)).outcome
    assert isinstance(outcome, NotSent)

"""The client on real sockets: connections that break, and data the kernel may still send."""

import asyncio
import json
import re
import socket
import tracemalloc
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from waiting import LONGEST, soon

from domain.delivery.outcome import Delivered, NotSent, Page, Reason, Unknown
from domain.delivery.report import Report
from domain.delivery.target import StatusState, Target
from fake_github.answers.bomb import BLANKS, bomb
from github_api.commit_statuses import CommitStatuses
from github_api.send_request import MAX_REDIRECTS, MAX_REPLY
from github_api.transport import transport_to

TARGET = Target("o/r", "a" * 40, "docs/build")
REPORT = Report(TARGET, StatusState.SUCCESS, "Built", "https://ci.test/#report-abc", "abc")
CREATED = json.dumps({"id": 7, "context": TARGET.context}).encode()
TOKEN = "ghp_secret"


@dataclass
class Peer:
    """One accepted connection's ends, and the requests that came over it."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    requests: list[bytes]

    async def request(self) -> bytes:
        head = await self.reader.readuntil(b"\r\n\r\n")
        found = re.search(rb"\r\ncontent-length: (\d+)", head, re.IGNORECASE)
        length = int(found[1]) if found else 0
        whole = head + await self.reader.readexactly(length)
        self.requests.append(whole)
        return whole

    async def answer(self, status: int, body: bytes, *headers: str, length: int | None = None) -> None:
        lines = [f"HTTP/1.1 {status} x", f"Content-Length: {len(body) if length is None else length}", *headers, "", ""]
        self.writer.write("\r\n".join(lines).encode() + body)
        await self.writer.drain()


@dataclass
class Server:
    url: str
    requests: list[bytes] = field(default_factory=list)


@asynccontextmanager
async def serving(behave: Callable[[Peer], Awaitable[None]]) -> AsyncIterator[Server]:
    """A server on a free port that does *behave* with each connection, then closes it; its mistakes reach the test."""
    served: list[asyncio.Task[None]] = []
    found = Server("")

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):  # a client that gives up is what this is about
            await behave(Peer(reader, writer, found.requests))
        writer.close()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        served.append(asyncio.get_running_loop().create_task(serve(reader, writer)))

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    found.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield found
        await soon(asyncio.gather(*served), "the end of what the server does")
    finally:
        server.close()
        for task in served:
            task.cancel()
        await asyncio.gather(*served, return_exceptions=True)


def github(url: str, seconds: float = LONGEST) -> CommitStatuses:
    return CommitStatuses(url, timedelta(seconds=seconds), lambda: datetime.now(UTC))


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


# --- proxies ----------------------------------------------------------------------------------------------------------

PROXY_VARIABLES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "REQUEST_METHOD")


@pytest.fixture
def proxies(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in PROXY_VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    return monkeypatch


@pytest.mark.parametrize(("variable", "prefix"), [("HTTP_PROXY", "http://"), ("ALL_PROXY", "")])
async def test_the_environments_proxy_is_used(proxies: pytest.MonkeyPatch, variable: str, prefix: str) -> None:
    async def behave(peer: Peer) -> None:
        await peer.request()
        await peer.answer(200, b"[]")

    async with serving(behave) as proxy:
        proxies.setenv(variable, prefix + proxy.url.removeprefix("http://"))
        async with github("http://github.test") as client:
            assert (await client.page(TARGET, TOKEN)).outcome == Page((), None)
    assert proxy.requests[0].startswith(b"GET http://github.test/repos/o/r/commits/")


@pytest.mark.parametrize("status", [403, 407, 502])
async def test_a_tunnel_that_a_proxy_refuses_was_not_sent(proxies: pytest.MonkeyPatch, status: int) -> None:
    async def behave(peer: Peer) -> None:
        await peer.request()
        await peer.answer(status, b"<html>Access denied</html>")

    async with serving(behave) as proxy:
        proxies.setenv("HTTPS_PROXY", proxy.url)
        async with github("https://github.test") as client:
            sent, read = await client.create(REPORT, TOKEN), await client.page(TARGET, TOKEN)
    for outcome in (sent.outcome, read.outcome):
        assert outcome == NotSent(f"something before GitHub answered {status} x", Reason.INTERMEDIARY)
    assert all(request.startswith(b"CONNECT github.test:443 ") for request in proxy.requests)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "ghe.test"])
async def test_no_proxy_stands_before_this_machine_or_what_no_proxy_names(
    proxies: pytest.MonkeyPatch, host: str
) -> None:
    proxies.setenv("HTTP_PROXY", "socks5://127.0.0.1:9")  # would be refused if it were used
    proxies.setenv("NO_PROXY", "ghe.test")
    await transport_to(f"http://{host}:1").aclose()


def test_a_proxy_whose_sockets_would_linger_is_refused(proxies: pytest.MonkeyPatch) -> None:
    proxies.setenv("ALL_PROXY", "socks5://127.0.0.1:9")
    with pytest.raises(ValueError, match="neither http:// nor https://"):
        transport_to("https://api.github.com")


async def test_a_netrc_does_not_replace_the_token(
    proxies: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    netrc = tmp_path_factory.mktemp("home") / ".netrc"
    netrc.write_text("default login somebody password else\n", encoding="utf-8")
    netrc.chmod(0o600)
    proxies.setenv("NETRC", str(netrc))
    proxies.setenv("HOME", str(netrc.parent))

    async def behave(peer: Peer) -> None:
        await peer.request()
        await peer.answer(201, CREATED)

    async with serving(behave) as server, github(server.url) as client:
        await client.create(REPORT, TOKEN)
    assert b"\r\nAuthorization: Bearer ghp_secret\r\n" in server.requests[0]

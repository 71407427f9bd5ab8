"""A server on a real socket that does as a test says, and a client of it."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from waiting import LONGEST, soon

from domain.delivery.report import Report
from domain.delivery.target import StatusState, Target
from github_api.commit_statuses import CommitStatuses

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

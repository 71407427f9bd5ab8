"""A relay between a client and a server that drops the data it is told to drop."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from enum import Enum, auto
from pathlib import Path
from typing import TypeAlias

Line: TypeAlias = tuple[asyncio.StreamReader, asyncio.StreamWriter]
CHUNK = 65536


class Fate(Enum):
    """What happens to bytes that the client sent."""

    PASS = auto()
    LOST = auto()  # the line is cut before the server gets it
    UNANSWERED = auto()  # the server gets it; the line is cut in place of its answer


@dataclass
class Relay:
    """`fate` decides about the bytes a client sends; `refused`: the number of next connections to close unread.

    `network` is set while data passes. `lines`: the client ends of all relayed connections; `lost`: the losses on them.
    """

    connect: Callable[[], Awaitable[Line]]
    fate: Callable[[bytes], Fate] = lambda _: Fate.PASS
    refused: int = 0
    lost: int = 0
    network: asyncio.Event = field(default_factory=asyncio.Event)
    lines: list[asyncio.StreamWriter] = field(default_factory=list)

    def lose_next(self, words: bytes, fate: Fate, *, skip: int = 0) -> None:
        """Apply *fate* once, to the next bytes of a client that contain *words*, after skipping *skip* of them."""
        left = skip

        def decide(sent: bytes) -> Fate:
            nonlocal left
            if words not in sent:
                return Fate.PASS
            if left:
                left -= 1
                return Fate.PASS
            self.fate = lambda _: Fate.PASS
            self.lost += 1
            return fate

        self.fate = decide

    def __post_init__(self) -> None:
        self.mend()

    def cut(self) -> None:
        """Stop all data in both directions without closing, as when a network or a host vanishes."""
        self.network.clear()

    def mend(self) -> None:
        """Let data pass again, including what was held up."""
        self.network.set()

    def hang_up(self) -> None:
        """Close every connection to a client."""
        for line in self.lines:
            line.transport.abort()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Relay one connection until either end or a fate ends it."""
        if self.refused:
            self.refused -= 1
            writer.transport.abort()
            return
        self.lines.append(writer)
        upstream, onward = await self.connect()
        muted = False

        async def up() -> None:
            nonlocal muted
            while sent := await reader.read(CHUNK):
                await self.network.wait()
                fate = self.fate(sent)
                if fate is Fate.LOST:
                    return
                muted = muted or fate is Fate.UNANSWERED
                onward.write(sent)
                await onward.drain()

        async def down() -> None:
            while (answer := await upstream.read(CHUNK)) and not muted:
                await self.network.wait()
                writer.write(answer)
                await writer.drain()

        pumps = [asyncio.create_task(_quietly(pump())) for pump in (up, down)]
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for end in (writer, onward):
                end.transport.abort()
            for pump in pumps:
                pump.cancel()


async def _quietly(pump: Awaitable[None]) -> None:
    with suppress(ConnectionError):  # an end that hangs up is what this is about
        await pump


@asynccontextmanager
async def to_postgresql(url: str, folder: Path) -> AsyncIterator[tuple[str, Relay]]:
    """A relay before the PostgreSQL at *url* with a socket in *folder*; yields its URL and the relay."""
    database, _, host = url.partition("?host=")
    relay = Relay(lambda: asyncio.open_unix_connection(f"{host}/.s.PGSQL.5432"))
    server = await asyncio.start_unix_server(relay.serve, folder / ".s.PGSQL.5432")
    try:
        yield f"{database}?host={folder}", relay
    finally:
        server.close()


@asynccontextmanager
async def to_http(url: str) -> AsyncIterator[tuple[str, Relay]]:
    """A relay before the server at *url*, http://host:port; yields its URL and the relay."""
    host, _, port = url.removeprefix("http://").partition(":")
    relay = Relay(lambda: asyncio.open_connection(host, int(port)))
    server = await asyncio.start_server(relay.serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", relay
    finally:
        server.close()

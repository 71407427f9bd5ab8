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
    """What becomes of something that the client sent."""

    PASS = auto()
    LOST = auto()  # the line is cut before the server gets it
    UNANSWERED = auto()  # the server gets it; the line is cut in place of its answer


@dataclass
class Relay:
    """`fate` decides about whatever a client sends; `refused`: how many connections to come end before they are read.

    `network` is set while it passes anything at all. `lines` are the ends of all connections that were relayed; `lost`
    counts what was lost on them.
    """

    connect: Callable[[], Awaitable[Line]]
    fate: Callable[[bytes], Fate] = lambda _: Fate.PASS
    refused: int = 0
    lost: int = 0
    network: asyncio.Event = field(default_factory=asyncio.Event)
    lines: list[asyncio.StreamWriter] = field(default_factory=list)

    def lose_next(self, words: bytes, fate: Fate, *, skip: int = 0) -> None:
        """The next time a client says *words*, or later by *skip* times, *fate* befalls it; once."""
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
        """Nothing passes either way from now on, and neither end is told: as when a network or a host vanishes."""
        self.network.clear()

    def mend(self) -> None:
        """What was held up passes, and all that comes after it."""
        self.network.set()

    def hang_up(self) -> None:
        """Every line to a client ends."""
        for line in self.lines:
            line.transport.abort()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Relay one connection until either end, or the fate of what was said, ends it."""
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
    """A relay before the PostgreSQL at *url*, with a socket in *folder*, and the URL that leads through it."""
    database, _, host = url.partition("?host=")
    relay = Relay(lambda: asyncio.open_unix_connection(f"{host}/.s.PGSQL.5432"))
    server = await asyncio.start_unix_server(relay.serve, folder / ".s.PGSQL.5432")
    try:
        yield f"{database}?host={folder}", relay
    finally:
        server.close()


@asynccontextmanager
async def to_http(url: str) -> AsyncIterator[tuple[str, Relay]]:
    """A relay before the server at *url*, http://host:port, and the URL that leads through it."""
    host, _, port = url.removeprefix("http://").partition(":")
    relay = Relay(lambda: asyncio.open_connection(host, int(port)))
    server = await asyncio.start_server(relay.serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", relay
    finally:
        server.close()

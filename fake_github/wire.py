"""Breaks connections on uvicorn's sockets, which ASGI cannot express."""

import asyncio
import socket
import struct
import sys

import uvicorn
from starlette.types import ASGIApp, Receive, Scope
from uvicorn.protocols.http.h11_impl import H11Protocol

_TRANSPORT = "fake_github.transport"
_DISCARD = struct.pack("ii", 1, 0)  # SO_LINGER on, for 0 s: closing sends a reset


class ConnectionDropped(Exception):
    """The connection ended, in a stand-in without sockets. `reset`: by a TCP reset."""

    def __init__(self, *, reset: bool) -> None:
        super().__init__("reset" if reset else "closed")
        self.reset = reset


class _Connection(H11Protocol):
    """Adds to each request the connection that it came by."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # uvicorn narrows it too
        super().connection_made(transport)
        self.app_state = {**self.app_state, _TRANSPORT: transport}


class Server(uvicorn.Server):
    """Drops open connections when it ends: a hang must not delay that."""

    @property
    def url(self) -> str:
        """Its address, once it listens."""
        host, port = self.servers[0].sockets[0].getsockname()[:2]
        return f"http://{host}:{port}"

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End it."""
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        await super().shutdown(sockets)


class _Announcing(Server):
    """Prints its address."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        sys.stdout.write(f"stand-in GitHub on {self.url}\n")
        sys.stdout.flush()


def serve(app: ASGIApp, *, port: int) -> None:
    """Serve *app* until SIGTERM or SIGINT; *port* 0 takes a free one. Prints one line once it listens."""
    _Announcing(config_of(app, port=port)).run()


def config_of(app: ASGIApp, *, port: int) -> uvicorn.Config:
    """How a `Server` serves *app* on this machine; *port* 0 takes a free one."""
    return uvicorn.Config(
        app,
        port=port,  # of 127.0.0.1
        http=_Connection,
        ws="none",
        lifespan="off",
        log_level="critical",
        access_log=False,
        server_header=False,
        date_header=False,  # the application sends the date of its own clock
        proxy_headers=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=0,
    )


async def hang_up(scope: Scope, receive: Receive, *, reset: bool = False) -> None:
    """End the connection of a request, orderly or by a TCP reset.

    Raises:
        ConnectionDropped: There is no socket: the application runs in the client's own process.
    """
    transport = scope.get("state", {}).get(_TRANSPORT)
    if transport is None:
        raise ConnectionDropped(reset=reset)
    if reset:
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _DISCARD)
        transport.abort()
    else:
        transport.close()
    await given_up(receive)  # uvicorn answers 500 to an application that returns before it knows of the end


async def given_up(receive: Receive) -> None:
    """Wait until the connection has ended."""
    while (await receive())["type"] != "http.disconnect":
        pass

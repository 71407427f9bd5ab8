"""The stand-in in the client's own process, for tests that step time: an httpx transport without a socket."""

import httpx

from fake_github.app import FakeGitHub
from fake_github.wire import ConnectionDropped


class InProcessTransport(httpx.AsyncBaseTransport):
    """Hands requests to a stand-in; a connection that it drops fails as it would on a socket."""

    def __init__(self, github: FakeGitHub) -> None:
        """*github* keeps what it holds; several transports may share it."""
        self._transport = httpx.ASGITransport(app=github.app)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The stand-in's response.

        Raises:
            httpx.RemoteProtocolError: It closed the connection without a whole reply.
            httpx.ReadError: It reset the connection.
        """
        try:
            return await self._transport.handle_async_request(request)
        except ConnectionDropped as dropped:
            kind = httpx.ReadError if dropped.reset else httpx.RemoteProtocolError
            raise kind(f"connection {dropped}", request=request) from dropped

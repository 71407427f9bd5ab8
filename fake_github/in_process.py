"""Runs the stand-in in the client's process, as an httpx transport without a socket, for tests that step time."""

import httpx

from fake_github.app import FakeGitHub
from fake_github.wire import ConnectionDropped


class InProcessTransport(httpx.AsyncBaseTransport):
    """Passes requests to a stand-in; a dropped connection fails as it would on a socket."""

    def __init__(self, github: FakeGitHub) -> None:
        """Several transports may share *github*."""
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

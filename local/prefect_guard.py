"""An ASGI guard for Prefect's server: refuses foreign origins and harmful text, which no setting of Prefect's does.

- Requests and WebSockets of other sites' pages are refused by their `Origin`; a site whose name was made to point here
  (DNS rebinding) by its `Host`.
- Text with half of a surrogate pair is refused. Prefect's server would store it, and from then on answer 500 to each
  worker's poll and to the lists of its UI.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
WEBSOCKET_POLICY = 1008
"""The code with which a WebSocket is refused: https://www.rfc-editor.org/rfc/rfc6455#section-7.4.1"""


def own_origins(host: str, port: int, public: Iterable[str] = ()) -> frozenset[str]:
    """The origins of a server on *host* and *port*, and of its *public* addresses."""
    hosts = LOOPBACK if host in {*LOOPBACK, "::1"} else (host,)
    addresses = map(urlsplit, public)
    return frozenset(
        [f"http://{one}:{port}" for one in hosts] + [f"{one.scheme}://{one.netloc}".lower() for one in addresses]
    )


@dataclass(frozen=True, slots=True)
class Guard:
    """Passes requests from *origins* on to *app*."""

    app: ASGIApp
    origins: frozenset[str]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse the request, or pass it on to *app*."""
        match scope["type"]:
            case "http":
                await self._request(scope, receive, send)
            case "websocket":
                await self._websocket(scope, receive, send)
            case _:
                await self.app(scope, receive, send)

    async def _request(self, scope: Scope, receive: Receive, send: Send) -> None:
        refusal = self._refusal(Headers(scope=scope))
        if refusal is None:
            try:
                body = await Request(scope, receive).body()
            except ClientDisconnect:
                return
            if not has_half_a_surrogate_pair(body):
                await self.app(scope, _replaying(body, receive), send)
                return
            refusal = HTTPStatus.UNPROCESSABLE_ENTITY, "a text holds half of a surrogate pair, such as \\ud83d alone"
        status, why = refusal
        await JSONResponse({"detail": why}, status)(scope, receive, send)

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        if (refusal := self._refusal(Headers(scope=scope))) is not None:
            await receive()
            await send({"type": "websocket.close", "code": WEBSOCKET_POLICY, "reason": refusal[1]})
            return
        await self.app(scope, _repairing(receive), send)

    def _refusal(self, headers: Headers) -> tuple[HTTPStatus, str] | None:
        host, origin = headers.get("host", "").lower(), headers.get("origin", "").lower()
        if not _is_loopback(host) and host not in {urlsplit(one).netloc for one in self.origins}:
            why = f"this server does not answer as {host!r}; an address of its own is added by PREFECT_UI_API_URL"
            return HTTPStatus.MISDIRECTED_REQUEST, why
        if origin and origin not in self.origins and not (_is_loopback(host) and origin == f"http://{host}"):
            return HTTPStatus.FORBIDDEN, f"pages of {origin!r} may not ask this server"
        return None


def _is_loopback(host: str) -> bool:
    """Whether *host* names this machine, on any port: a tunnel or a relay changes the port."""
    name, _, port = host.rpartition(":")
    return host in LOOPBACK or (port.isdecimal() and name in LOOPBACK)


def has_half_a_surrogate_pair(body: bytes) -> bool:
    """Whether the JSON in *body* holds a surrogate without its other half, in a text or a key. False: it is no JSON."""
    if b"\\u" not in body and b"\xed" not in body:  # only an escape, or bytes that are no UTF-8, can make one
        return False
    try:
        json.dumps(json.loads(body), ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return True
    except (ValueError, RecursionError):
        return False
    return False


def _replaying(body: bytes, receive: Receive) -> Receive:
    """A `receive` that returns the whole *body* first."""
    given = False

    async def receive_again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return receive_again


def _repairing(receive: Receive) -> Receive:
    """A `receive` that replaces halves of surrogate pairs: a refused event would be resent for ever."""

    async def receive_repaired() -> Message:
        message = await receive()
        text = message.get("text")
        if text and has_half_a_surrogate_pair(text.encode(errors="surrogatepass")):
            written = json.dumps(json.loads(text), ensure_ascii=False)  # where half a pair shows
            message = {**message, "text": written.encode("utf-16", "surrogatepass").decode("utf-16", "replace")}
        return message

    return receive_repaired

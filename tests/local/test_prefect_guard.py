"""The guard of Prefect's server: which callers and which texts it lets through."""

import json
from collections.abc import AsyncIterator, Mapping

import httpx
import pytest
from starlette.types import Message, Receive, Scope, Send
from starlette.websockets import WebSocket

from local.prefect_guard import Guard, has_half_a_surrogate_pair, own_origins

ORIGINS = own_origins("127.0.0.1", 4200, ["https://prefect.internal/api"])
HALF, WHOLE = "\\ud83d", "\\ud83d\\ude00"


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """What got through the guard."""
    if scope["type"] == "websocket":
        socket = WebSocket(scope, receive, send)
        await socket.accept()
        await socket.send_text(await socket.receive_text())
        await socket.close()
        return
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message["body"], message["more_body"]
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body})


GUARD = Guard(echo, ORIGINS)


@pytest.fixture
async def server() -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(GUARD)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:4200") as client:
        yield client


async def over_websocket(text: str, headers: Mapping[str, str]) -> list[Message]:
    """What a WebSocket that sends *text* is answered."""
    named = {"Host": "127.0.0.1:4200", **headers}
    raw = [(name.lower().encode(), value.encode()) for name, value in named.items()]
    scope: Scope = {"type": "websocket", "path": "/api/events/in", "headers": raw, "subprotocols": []}
    given: list[Message] = [{"type": "websocket.receive", "text": text}, {"type": "websocket.connect"}]
    sent: list[Message] = []

    async def receive() -> Message:
        return given.pop()

    async def send(message: Message) -> None:
        sent.append(message)

    await GUARD(scope, receive, send)
    return sent


@pytest.mark.parametrize("host", ["127.0.0.1:4200", "LOCALHOST:4200", "[::1]:4200", "prefect.internal"])
@pytest.mark.parametrize("origin", [None, "http://localhost:4200", "https://prefect.internal"])
async def test_own_pages_and_programs_may_ask(server: httpx.AsyncClient, host: str, origin: str | None) -> None:
    headers = {"Host": host} | ({"Origin": origin} if origin else {})
    answer = await server.post("/api/flow_runs/", content=b"{}", headers=headers)
    assert (answer.status_code, answer.content) == (200, b"{}")


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:4200", "127.0.0.1.evil.example", "127.0.0.1:4200.evil.example", "evil:1:2", ""],
)
async def test_a_foreign_host_is_refused(server: httpx.AsyncClient, host: str) -> None:
    answer = await server.get("/api/health", headers={"Host": host})
    assert answer.status_code == httpx.codes.MISDIRECTED_REQUEST
    assert "PREFECT_UI_API_URL" in answer.json()["detail"]


@pytest.mark.parametrize("host", ["127.0.0.1:8080", "localhost", "[::1]:8080"])
async def test_through_a_tunnel_the_port_may_be_another(server: httpx.AsyncClient, host: str) -> None:
    own = await server.post("/api/logs/", content=b"{}", headers={"Host": host, "Origin": f"http://{host}"})
    other = await server.post("/api/logs/", content=b"{}", headers={"Host": host, "Origin": "http://localhost:3000"})
    assert (own.status_code, other.status_code) == (200, 403)


FOREIGN = ["https://evil.example", "null", "http://127.0.0.1:8080", "http://prefect.internal", "https://localhost:4200"]


@pytest.mark.parametrize("origin", FOREIGN)
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS", "PATCH", "DELETE"])
async def test_a_page_of_another_site_may_ask_nothing(server: httpx.AsyncClient, method: str, origin: str) -> None:
    answer = await server.request(method, "/api/flow_runs/", headers={"Origin": origin})
    assert answer.status_code == httpx.codes.FORBIDDEN
    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize("headers", [{"Origin": "https://evil.example"}, {"Host": "evil.example"}])
async def test_a_page_of_another_site_opens_no_websocket(headers: dict[str, str]) -> None:
    [refused] = await over_websocket("{}", headers)
    assert (refused["type"], refused["code"]) == ("websocket.close", 1008)


@pytest.mark.parametrize(
    ("body", "half"),
    [
        (f'{{"name": "docs {HALF}"}}', True),
        (f'{{"{HALF}": 1}}', True),
        (f'[[["{HALF}{HALF}"]]]', True),
        (f'["{HALF.upper().replace("U", "u", 1)}"]', True),
        ('["\\ude00\\ud83d"]', True),
        (f'["{WHOLE}", "\\u00e9"]', False),
        ('["\U0001f600"]', False),
        ('["\\\\ud83d"]', False),  # a backslash, and letters
        (f'["{HALF}"', False),  # no JSON: Prefect refuses it
        ("[" * 100_000 + f'"{HALF}"', False),
    ],
)
def test_half_a_surrogate_pair_is_distinguished_from_a_whole_one(body: str, *, half: bool) -> None:
    assert has_half_a_surrogate_pair(body.encode()) is half


def test_half_a_surrogate_pair_in_the_bytes_themselves_is_found() -> None:
    assert has_half_a_surrogate_pair(b'["\xed\xa0\xbd"]')
    assert not has_half_a_surrogate_pair(b'["\xed\x95\x9c"]')  # a syllable


async def test_half_an_emoji_is_refused_at_the_door(server: httpx.AsyncClient) -> None:
    answer = await server.post(
        "/api/deployments/1/create_flow_run", content=f'{{"parameters": {{"a": "{HALF}"}}}}'.encode()
    )
    assert answer.status_code == httpx.codes.UNPROCESSABLE_ENTITY
    whole = f'{{"a": "{WHOLE}"}}'.encode()
    assert (await server.post("/api/logs/", content=whole)).content == whole


async def test_half_an_emoji_in_an_event_is_replaced() -> None:
    """Refused, it would be sent again for ever."""
    sent = await over_websocket(f'{{"{HALF}a": ["{WHOLE}", "b{HALF}", 1]}}', {})
    got = next(message["text"] for message in sent if message["type"] == "websocket.send")
    assert json.loads(got) == {"\ufffda": ["\U0001f600", "b\ufffd", 1]}

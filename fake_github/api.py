"""Serves GitHub's API over ASGI, with the scripted faults."""

import asyncio
import gzip
from collections.abc import Awaitable, Callable
from datetime import UTC, timedelta
from email.utils import format_datetime
from itertools import count
from typing import TypeAlias

from starlette.requests import Request
from starlette.types import Message, Receive, Scope, Send

from fake_github.answers.replies import Case, altered
from fake_github.exchange import Answer, Call
from fake_github.faults import Fault, Kind, Script
from fake_github.github import GitHub
from fake_github.requests import Requests, Seen
from fake_github.surfaces.surface import Timing
from fake_github.wire import given_up, hang_up

Sleep: TypeAlias = Callable[[float], Awaitable[None]]

DRIPS = 20
"""The number of parts in which a dripping body is sent."""
BLANKS = 64 * 2**20
COMPRESSED = {"content-encoding": "gzip, gzip"}


class Api:
    """An ASGI application that answers requests, with the faults that apply to them."""

    def __init__(self, github: GitHub, script: Script, requests: Requests, sleep: Sleep = asyncio.sleep) -> None:
        """*sleep* waits for seconds of the same time as the store's clock."""
        self._github = github
        self._script = script
        self._requests = requests
        self._sleep = sleep
        self._numbers = count(1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request. It takes effect, or is scheduled, before any wait."""
        call = await _understood(Request(scope, receive))
        fault, answer, seen = self._done(call)
        if fault and await self._is_silent(fault, scope, receive):
            return
        body, kind = answer.content()
        if fault and fault.kind is Kind.BOMB:
            body, answer = bomb(body), answer.with_headers(COMPRESSED)
        await send(self._head(answer, kind, len(body)))
        seen.answered = answer.status
        if fault and fault.kind is Kind.TRUNCATE:
            await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
            await hang_up(scope, receive)
            return
        if fault and fault.kind is Kind.DRIP:
            body = await self._drip(body, fault.seconds or 0, send)
        await send({"type": "http.response.body", "body": body})

    def _done(self, call: Call) -> tuple[Fault | None, Answer, Seen]:
        """Apply *call*: returns its fault, the answer to send, and its record."""
        asked = self._github.asked(call)
        fault = self._script.take(asked) if asked else None
        timing = _timing(fault)
        seen = self._requests.came(call, asked, fault, self._github.store.clock())
        answer = self._github.answer(call, asked, timing)
        seen.stored(answer.stored_id, timing.store_in)
        if asked and fault:
            number = self._github.store.repository_id(asked.repository) if asked.repository else 0
            answer = altered(Case(fault, call, asked, answer, number, seen.at))
        return fault, answer, seen

    async def _is_silent(self, fault: Fault, scope: Scope, receive: Receive) -> bool:
        """Apply *fault* before the reply. True: there is no reply."""
        if fault.kind in (Kind.CLOSE, Kind.RESET):
            await hang_up(scope, receive, reset=fault.kind is Kind.RESET)
            return True
        if fault.kind is Kind.HANG and fault.seconds is None:
            await given_up(receive)
            return True
        if fault.kind is Kind.HANG:
            await self._sleep(fault.seconds or 0)
        return False

    async def _drip(self, body: bytes, seconds: float, send: Send) -> bytes:
        """Send all of *body* over *seconds*, but its end, which is returned."""
        size = max(1, len(body) // DRIPS)
        while len(body) > size:
            await send({"type": "http.response.body", "body": body[:size], "more_body": True})
            await self._sleep(seconds / DRIPS)
            body = body[size:]
        return body

    def _head(self, answer: Answer, kind: str, length: int) -> Message:
        """The start of a response, with GitHub's date and request id."""
        named = {"content-type": kind, "content-length": str(length)}
        if answer.is_githubs:
            named["date"] = format_datetime(self._github.store.clock().astimezone(UTC), usegmt=True)
            named["x-github-request-id"] = f"57A1:{next(self._numbers):06X}"
        headers = {**named, **{name.lower(): value for name, value in answer.headers.items()}}
        raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
        return {"type": "http.response.start", "status": answer.status, "headers": raw}


async def _understood(request: Request) -> Call:
    return Call(
        method=request.method,
        path=request.url.path,
        query=request.query_params,
        headers=request.headers,
        body=await request.body(),
        base_url=str(request.base_url).rstrip("/"),
    )


def bomb(body: bytes) -> bytes:
    """*body* followed by `BLANKS`, which JSON allows, compressed twice: small on the wire, and large afterwards."""
    return gzip.compress(gzip.compress(body + b" " * BLANKS, 1))


def _timing(fault: Fault | None) -> Timing:
    if fault is None:
        return Timing()
    lag = timedelta(seconds=fault.seconds or 0) if fault.kind is Kind.LAG else timedelta(0)
    return Timing(fault.store_in, lag, fault.fields)

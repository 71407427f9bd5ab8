"""Sends one request to GitHub's API under one deadline, never repeated, and follows its redirects."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar
from urllib.parse import quote

import httpx

from domain.delivery.outcome import Exchange, NotSent, ReadFailure
from github_api.classify import classify_failure, classify_read, exchange_of
from github_api.same_origin import same_origin_url
from github_api.transport import UNCOMPRESSED, raw_body, transport_to

MAX_REDIRECTS = 5
MAX_REPLY = 2**20
"""Most bytes of a body, unless a request says otherwise. A longer body counts as unreadable."""

HEADERS = {
    "Accept": "application/vnd.github+json",
    **UNCOMPRESSED,
    "User-Agent": "reportback/0.1",
    # Supported until March 2028 and known to every Enterprise Server; 2026-03-10 changes nothing about statuses.
    # https://docs.github.com/rest/about-the-rest-api/api-versions
    "X-GitHub-Api-Version": "2022-11-28",
}

# GitHub redirects requests for renamed or moved repositories, POST too; the same request is to be sent there.
# https://docs.github.com/rest/using-the-rest-api/best-practices-for-using-the-rest-api#follow-redirects
_REDIRECTS = (301, 302, 307, 308)

_FAILURES = (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, OSError)  # a TimeoutError is an OSError


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Request:
    """A request to GitHub. *token* is visible ASCII; None sends no Authorization."""

    method: str
    url: str
    token: str | None
    json: Mapping[str, object] | None = None
    max_body: int = MAX_REPLY
    accept: str = HEADERS["Accept"]

    def headers(self) -> dict[str, str]:
        """The headers to send."""
        headers = {**HEADERS, "Accept": self.accept}
        if self.method == "GET":
            headers["Cache-Control"] = "no-cache"  # GitHub allows caches a minute, in which a status may appear
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        return headers


@dataclass(frozen=True, slots=True)
class Response:
    """GitHub's response. `body` is empty if it was longer than allowed. `url`: where a redirect led."""

    status: int
    headers: httpx.Headers
    body: bytes
    url: str = ""


class Connection:
    """A connection to GitHub's API, used with `async with`.

    `timeout` bounds each request as a whole: pool, connect, TLS, redirects and response. `now` gives the local time,
    only to convert GitHub's times. `transport` replaces the network in tests; `ca_file`: see `trusted`. It raises for
    nothing that GitHub or the network does; cancelling ends a request at once, and it is then unknown whether it
    arrived.
    """

    def __init__(
        self,
        api_url: str,
        timeout: timedelta,
        now: Callable[[], datetime],
        transport: httpx.AsyncBaseTransport | None = None,
        *,
        ca_file: Path | None = None,
    ) -> None:
        self.api_url = api_url.rstrip("/")
        self._seconds = timeout.total_seconds()
        self.now = now
        # A connection must fail before the deadline, after which the request would be Unknown: pool, TCP and TLS each
        # have a timeout of their own, together 13/15 of the whole.
        self._limits = httpx.Timeout(None, pool=self._seconds / 5, connect=self._seconds / 3).as_dict()
        # Not httpx.AsyncClient: it keeps cookies, takes credentials from URLs, and parses redirects that it does not
        # follow.
        self.transport = transport or transport_to(api_url, ca_file)

    async def __aenter__(self) -> Self:
        await self.transport.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.transport.__aexit__(kind, error, trace)

    def repository_url(self, repository: str) -> str:
        """The API's URL of *repository*, given as owner/name."""
        owner, _, name = repository.partition("/")
        return f"{self.api_url}/repos/{quote(owner, safe='')}/{quote(name, safe='')}"

    async def ask(self, request: Request) -> tuple[Response | Exception, Exchange]:
        """Send *request* and follow redirects: the response or the error, and the facts of the exchange."""
        deadline = asyncio.get_running_loop().time() + self._seconds
        for _ in range(MAX_REDIRECTS):
            answer, exchange = await self._ask_once(request, deadline)
            there = None if isinstance(answer, Exception) else _redirected_to(request.url, answer)
            if there is None:
                return answer, exchange
            request = replace(request, url=there)
        return await self._ask_once(request, deadline)

    async def read(
        self, request: Request, page: Callable[[bytes, str | None], T | None]
    ) -> tuple[T | ReadFailure, Exchange]:
        """The page that answers *request*, as *page* makes it of a body and the next page's address, or the failure."""
        response, exchange = await self.ask(request)
        if isinstance(response, Exception):
            failure = classify_failure(response)
            return NotSent(failure.why, failure.reason), exchange
        status, headers, body = response.status, response.headers, response.body
        return classify_read(status, headers, body, url=request.url, now=self.now(), page=page), exchange

    async def _ask_once(self, request: Request, deadline: float) -> tuple[Response | Exception, Exchange]:
        exchange = Exchange()
        try:
            async with asyncio.timeout_at(deadline), self._response(request) as got:
                exchange = exchange_of(got.status_code, got.headers, now=self.now())
                body = await raw_body(got, request.max_body)
        except _FAILURES as error:
            return error, exchange
        if request.token and not got.is_success:  # a server that echoes the request must not make us store the token
            body = body.replace(request.token.encode(), b"[token]")
        return Response(got.status_code, got.headers, body, request.url), exchange

    @asynccontextmanager
    async def _response(self, asked: Request) -> AsyncIterator[httpx.Response]:
        """The response before its body is read; closes it, with the connection if the body was not read to the end."""
        request = httpx.Request(
            asked.method, asked.url, headers=asked.headers(), json=asked.json, extensions={"timeout": self._limits}
        )
        response = await self.transport.handle_async_request(request)
        try:
            yield response
        finally:
            await response.aclose()


def _redirected_to(url: str, response: Response) -> str | None:
    if response.status not in _REDIRECTS:
        return None
    return same_origin_url(url, response.headers.get("location", ""))

"""What an answer, or the failure to get one, means: pure, and total over every status and every error.

A create is Delivered only by a 201 that names our context, and NotSent only if nothing can have left. GitHub's
description of the endpoint lists the 201 alone; the refusals are from
https://docs.github.com/rest/using-the-rest-api/troubleshooting-the-rest-api and from what has been observed.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from http import HTTPStatus

import httpx

from domain.outcome import (
    Delivered,
    Exchange,
    NotSent,
    Outcome,
    Page,
    ReadFailure,
    Reason,
    Rejected,
    Throttled,
    Unknown,
)
from github_api.limits import http_date, rate_limit, throttled
from github_api.origin import onward, shown
from github_api.rejections import reason_of
from github_api.replies import Refusal, created, listed, refusal, shortened

_NEXT = re.compile(r'<([^<>]*)>[^<>]*?;\s*rel="?next"?\s*(?:[;,]|$)', re.IGNORECASE)

_READ_IS_REFUSED = (403, 404, 410, 451)

_NOTHING_LEFT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.UnsupportedProtocol,
    httpx.InvalidURL,
)


def classify(status: int, headers: Mapping[str, str], body: bytes, *, context: str, now: datetime) -> Outcome:
    """What the answer to a create means. *now* is the local time, to which GitHub's times are translated.

    *body* is empty if there was none or more than we read. Never raises.
    """
    if status == HTTPStatus.CREATED:
        return _delivered(body, context)
    if httpx.codes.is_redirect(status):
        return Rejected(Reason.REDIRECTED, f"HTTP {status} to {shown(_lower(headers).get('location', ''))}")
    if httpx.codes.is_client_error(status) and status != HTTPStatus.REQUEST_TIMEOUT:
        return _refused(status, headers, refusal(body), now)
    return Unknown(_seen(status, refusal(body)))


def classify_read(
    status: int, headers: Mapping[str, str], body: bytes, *, url: str, now: datetime
) -> Page | ReadFailure:
    """What the answer to a read of *url* means. What is no page, refusal or limit is NotSent: read again.

    A next page elsewhere than on the host of *url* makes it no read: the token does not go there. Never raises.
    """
    if status == HTTPStatus.OK:
        return _page(headers, body, url)
    said = refusal(body)
    if status in _READ_IS_REFUSED:
        return _refused(status, headers, said, now)
    return throttled(status, _lower(headers), said, now=now) or NotSent(shortened(f"HTTP {status}: {said.words()}"))


def classify_failure(error: Exception) -> NotSent | Unknown:
    """What a request means that got no whole answer: NotSent only if nothing can have left this machine."""
    # h11 quotes a header it refuses, and that header may be the token.
    words = "" if isinstance(error, httpx.LocalProtocolError) else str(error)
    why = shortened(f"{type(error).__name__}: {words}".rstrip(": "))
    return NotSent(why) if isinstance(error, _NOTHING_LEFT) else Unknown(why)


def exchange_of(status: int, headers: Mapping[str, str], *, now: datetime) -> Exchange:
    """The facts of an answer that do not decide its outcome."""
    known = _lower(headers)
    request_id = shortened(known.get("x-github-request-id", "")) or None
    github_time = http_date(known.get("date", "")) if request_id else None  # without one it may be a proxy's time
    return Exchange(status, request_id, rate_limit(known, now=now), github_time)


def _seen(status: int, said: Refusal) -> str:
    return shortened(f"HTTP {status}: {words}" if (words := said.words()) else f"HTTP {status}")


def _delivered(body: bytes, context: str) -> Delivered | Unknown:
    status = created(body)
    if status is None:
        return Unknown("HTTP 201 with a body that is no status")
    status_id, its_context = status
    if its_context.lower() != context.lower():  # GitHub tells contexts apart without regard to case
        return Unknown(shortened(f"HTTP 201 for another context: {its_context}"))
    return Delivered(status_id)


def _refused(status: int, headers: Mapping[str, str], said: Refusal, now: datetime) -> Throttled | Rejected:
    known = _lower(headers)
    if (limit := throttled(status, known, said, now=now)) is not None:
        return limit
    reason = reason_of(status, known, said)
    return Rejected(reason, said.words() or f"HTTP {status}", may_heal=reason is Reason.NO_SUCH_COMMIT)


def _page(headers: Mapping[str, str], body: bytes, url: str) -> Page | NotSent:
    statuses = listed(body)
    if statuses is None:
        return NotSent("HTTP 200 with a body that is no list of statuses")
    link = _NEXT.search(_lower(headers).get("link", ""))
    next_url = onward(url, link[1]) if link else None
    if link and next_url is None:
        return NotSent(f"HTTP 200 with a next page elsewhere: {shown(link[1])}")
    return Page(statuses, next_url)


def _lower(headers: Mapping[str, str]) -> Mapping[str, str]:
    return {name.lower(): value for name, value in headers.items()}

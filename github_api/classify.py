"""Classifies responses and errors as outcomes. Pure, and total over every status and every error.

A create is Delivered only by a 201 that names our context, Rejected only by an error in GitHub's own form, and NotSent
only if nothing can have been sent. GitHub documents only the 201 for the endpoint; the refusals are from
https://docs.github.com/rest/using-the-rest-api/troubleshooting-the-rest-api and from observation.
"""

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from http import HTTPStatus
from typing import TypeAlias, TypeVar

import httpx

from domain.delivery.outcome import (
    Delivered,
    Exchange,
    NotSent,
    Outcome,
    ReadFailure,
    Reason,
    Rejected,
    Throttled,
    Unknown,
)
from github_api.provenance import GITHUB, REQUEST_ID, intermediary_words, is_from_github, is_github_host
from github_api.rate_limits import LIMITING, http_date, rate_limit, throttled
from github_api.refusal_reasons import reason_of
from github_api.response_bodies import Refusal, created_status, is_github_error, refusal, shortened
from github_api.same_origin import same_origin_url, shown

_NEXT = re.compile(r'<([^<>]*)>[^<>]*?;\s*rel="?next"?\s*(?:[;,]|$)', re.IGNORECASE)

_MAY_HEAL = (Reason.NO_SUCH_COMMIT, Reason.NOT_FOUND)
"""A push may be on its way, and GitHub's replicas lag."""

_NOTHING_LEFT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.UnsupportedProtocol,
    httpx.InvalidURL,
)


T = TypeVar("T")
Created: TypeAlias = Callable[[bytes], tuple[int, str] | None]
"""Id and context of what a body says was created or changed. None: it is not such a body."""


def classify(
    status: int, headers: Mapping[str, str], body: bytes, *, context: str, now: datetime, url: str = GITHUB,
    success: HTTPStatus = HTTPStatus.CREATED, created: Created = created_status,
) -> Outcome:  # fmt: skip
    """The outcome of a request at *url*, which *success* answers. *now*: local time, to which GitHub's is converted.

    A response that is not GitHub's is Unknown, whatever its status: the request may have been forwarded before it.
    *body* is empty if there was none or it was too long. Never raises.
    """
    made = created(body) if status == success else None
    if made and made[1].lower() == context.lower():  # GitHub ignores the letter case of contexts
        return Delivered(made[0])
    if httpx.codes.is_redirect(status):
        return Unknown(_astray(status, headers), Reason.REDIRECTED)
    known, said = _lower(headers), refusal(body)
    if not is_from_github(url, known, said):
        return Unknown(intermediary_words(status, said), Reason.INTERMEDIARY)
    if not _is_refusal(status):
        return Unknown(_strange(status, made) if status == success else _seen(status, said))
    return _refused(status, known, body, now) or Unknown(intermediary_words(status, said), Reason.INTERMEDIARY)


def classify_read(
    status: int, headers: Mapping[str, str], body: bytes, *, url: str, now: datetime,
    page: Callable[[bytes, str | None], T | None],
) -> T | ReadFailure:  # fmt: skip
    """The page, or the failure, of a read of *url*. Anything but a page and a limit is NotSent: it is read again.

    *page* makes it of a body and the next page's address; None: the body is no page.

    From GitHub's own servers a page counts only if it is identified as GitHub's: reports missing in it may be sent
    again. A next page that `same_origin_url` does not allow makes it NotSent. Never raises.
    """
    known, said = _lower(headers), refusal(body)
    if httpx.codes.is_redirect(status):
        return NotSent(_astray(status, headers), Reason.REDIRECTED)
    if status == HTTPStatus.OK and (is_from_github(url, known, said) or not is_github_host(url)):
        return _page(known, body, url, page)
    if not is_from_github(url, known, said):
        return NotSent(intermediary_words(status, said), Reason.INTERMEDIARY)
    if not _is_refusal(status):
        return NotSent(_seen(status, said))
    match _refused(status, known, body, now):
        case Rejected(reason, message):
            return NotSent(shortened(f"reading back, HTTP {status}: {message}"), reason)
        case None:
            return NotSent(intermediary_words(status, said), Reason.INTERMEDIARY)
        case limit:
            return limit


def classify_failure(error: Exception) -> NotSent | Unknown:
    """The outcome of a request without a complete response: NotSent only if nothing of it can have reached GitHub.

    A ProxyError means that a proxy refused the tunnel through which the request would have been sent.
    """
    # h11 quotes a header it refuses, and that header may be the token.
    words = "" if isinstance(error, httpx.LocalProtocolError) else str(error)
    if isinstance(error, httpx.ProxyError):
        return NotSent(shortened(f"something before GitHub answered {words}"), Reason.INTERMEDIARY)
    why = shortened(f"{type(error).__name__}: {words}".rstrip(": "))
    return NotSent(why) if isinstance(error, _NOTHING_LEFT) else Unknown(why)


def exchange_of(status: int, headers: Mapping[str, str], *, now: datetime) -> Exchange:
    """The facts of a response that do not decide its outcome."""
    known = _lower(headers)
    request_id = shortened(known.get(REQUEST_ID, "")) or None
    github_time = http_date(known.get("date", "")) if request_id else None  # without one it may be a proxy's time
    return Exchange(status, request_id, rate_limit(known, now=now), github_time)


def _seen(status: int, said: Refusal) -> str:
    return shortened(f"HTTP {status}: {words}" if (words := said.words()) else f"HTTP {status}")


def _astray(status: int, headers: Mapping[str, str]) -> str:
    return f"HTTP {status} to {shown(_lower(headers).get('location', ''))}"


def _strange(status: int, made: tuple[int, str] | None) -> str:
    return shortened(f"HTTP {status} for another context: {made[1]}" if made else f"HTTP {status} with another body")


def _is_refusal(status: int) -> bool:
    return httpx.codes.is_client_error(status) and status != HTTPStatus.REQUEST_TIMEOUT


def _refused(status: int, headers: Mapping[str, str], body: bytes, now: datetime) -> Throttled | Rejected | None:
    """GitHub's refusal. None: the body is not GitHub's error; only a limit may come without one."""
    said, is_github_text = refusal(body), is_github_error(body) and status != HTTPStatus.PROXY_AUTHENTICATION_REQUIRED
    if not is_github_text and status not in LIMITING:
        return None
    if (limit := throttled(status, headers, said, now=now)) is not None:
        return limit
    if not is_github_text:
        return None
    reason = reason_of(status, headers, said)
    return Rejected(reason, said.words(), may_heal=reason in _MAY_HEAL)


def _page(
    headers: Mapping[str, str], body: bytes, url: str, page: Callable[[bytes, str | None], T | None]
) -> T | NotSent:
    link = _NEXT.search(headers.get("link", ""))
    next_url = same_origin_url(url, link[1]) if link else None
    found = page(body, next_url)
    if found is None:
        return NotSent("HTTP 200 with a body that lists nothing of ours")
    if link and next_url is None:
        return NotSent(f"HTTP 200 with a next page elsewhere: {shown(link[1])}")
    return found


def _lower(headers: Mapping[str, str]) -> Mapping[str, str]:
    return {name.lower(): value for name, value in headers.items()}

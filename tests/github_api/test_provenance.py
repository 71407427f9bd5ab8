"""Only GitHub can reject: an answer of a proxy, a gateway or a portal leaves a report due."""

import json
from datetime import UTC, datetime, timedelta
from itertools import product

import httpx
import pytest

from domain.delivery.outcome import Delivered, NotSent, Outcome, Page, Reason, Rejected, Throttled, Unknown
from github_api.classify import classify, classify_failure, classify_read
from github_api.response_bodies import status_page

NOW = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
GITHUB = "https://api.github.com"
SERVER = "https://ghe.test/api/v3"
CONTEXT = "docs/build"
NAMED = {"X-GitHub-Request-Id": "0681:62D5"}
MESSAGE = {"message": "No."}
DOCS = {"message": "No.", "documentation_url": "https://docs.github.com/rest"}
CREATED = {"id": 7, "context": CONTEXT}
PAGE = b"<html><title>Access denied</title></html>"

PROXYS_BODIES = [b"", PAGE, b"Forbidden", MESSAGE, {"error": "forbidden"}, [], {"message": ""}]
PROXYS_HEADERS: list[dict[str, str]] = [
    {"Server": "squid/6.6", "X-Squid-Error": "ERR_ACCESS_DENIED 0"},
    {"Retry-After": "3600"},
    {"X-RateLimit-Remaining": "0", "X-RateLimit-Limit": "10", "X-RateLimit-Reset": str(int(NOW.timestamp()) + 900)},
    {"Proxy-Authenticate": "Basic", "WWW-Authenticate": "Basic"},
    {"X-GitHub-Request-Id": ""},
    {"X-GitHub-Api-Version": "2022-11-28"},  # an echo of what was asked
]


def posted(status: int, headers: dict[str, str], body: object, *, at: str = GITHUB) -> Outcome:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return classify(status, headers, raw, context=CONTEXT, now=NOW, url=at)


def read(status: int, headers: dict[str, str], body: object, *, at: str = GITHUB) -> object:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return classify_read(status, headers, raw, url=f"{at}/repos/o/r/commits/abc/statuses", now=NOW, page=status_page)


@pytest.mark.parametrize("at", [GITHUB, SERVER])
def test_a_foreign_answer_of_any_status_rejects_and_pauses_nothing(at: str) -> None:
    for status, headers, body in product(range(100, 600), PROXYS_HEADERS, PROXYS_BODIES):
        sent = posted(status, headers, body, at=at)
        assert isinstance(sent, Unknown), status
        assert sent.reason is (Reason.REDIRECTED if 300 <= status < 400 else Reason.INTERMEDIARY), status
        seen = read(status, headers, body, at=at)
        assert isinstance(seen, NotSent) or (at, status) == (SERVER, 200), status


def test_a_foreign_answer_is_described_in_words() -> None:
    assert posted(403, {}, PAGE) == Unknown("something before GitHub answered 403", Reason.INTERMEDIARY)
    assert posted(200, {}, b"[7]") == Unknown("something before GitHub answered 200", Reason.INTERMEDIARY)
    assert posted(403, {}, MESSAGE) == Unknown("something before GitHub answered 403: No.", Reason.INTERMEDIARY)
    assert read(407, {}, b"Log in\r\nfirst") == NotSent(
        "something before GitHub answered 407: Log in first", Reason.INTERMEDIARY
    )


@pytest.mark.parametrize("body", [PAGE, b"Forbidden", b"", [], {"message": ""}])
@pytest.mark.parametrize("status", sorted(set(range(400, 500)) - {403, 408, 429}))
def test_a_refusal_that_is_not_in_githubs_words_is_none_whatever_its_headers(status: int, body: object) -> None:
    """A filter may replace the body of GitHub's answer, after it has forwarded the request."""
    assert posted(status, NAMED, body).__class__ is Unknown
    assert read(status, NAMED, body).__class__ is NotSent


def test_a_407_is_never_githubs() -> None:
    assert posted(407, NAMED, DOCS) == Unknown("something before GitHub answered 407: No.", Reason.INTERMEDIARY)


@pytest.mark.parametrize("body", [PAGE, b"", DOCS])
def test_a_limit_needs_no_words_only_githubs_name(body: object) -> None:
    assert isinstance(posted(429, NAMED, body), Throttled)
    assert posted(403, NAMED | {"Retry-After": "9"}, body).__class__ is Throttled
    assert isinstance(read(429, NAMED, body), Throttled)


@pytest.mark.parametrize(
    ("at", "headers", "body", "is_githubs"),
    [
        (GITHUB, NAMED, MESSAGE, True),
        (GITHUB, {}, DOCS, False),
        (GITHUB, {"X-GitHub-Media-Type": "github.v3"}, DOCS, False),
        ("https://api.acme.ghe.com", {}, DOCS, False),
        (SERVER, NAMED, MESSAGE, True),
        (SERVER, {}, DOCS, True),
        (SERVER, {"X-GitHub-Media-Type": "github.v3"}, MESSAGE, True),
        (SERVER, {"X-GitHub-Enterprise-Version": "3.14.0"}, MESSAGE, True),
        (SERVER, {}, MESSAGE, False),
        ("https://api.github.com.evil.test", {}, DOCS, True),
        ("https://[", {}, DOCS, True),
    ],
)
def test_an_answer_is_known_as_githubs_by_its_headers_or_body(
    at: str, headers: dict[str, str], body: object, *, is_githubs: bool
) -> None:
    assert isinstance(posted(410, headers, body, at=at), Rejected) is is_githubs
    assert isinstance(posted(401, headers, body, at=at), Throttled) is is_githubs


def test_a_201_that_names_our_status_is_githubs_whatever_its_headers() -> None:
    assert posted(201, {}, CREATED) == Delivered(7)
    assert posted(201, {}, {**CREATED, "context": "another"}) == Unknown(
        "something before GitHub answered 201", Reason.INTERMEDIARY
    )


def test_nothing_is_absent_on_the_word_of_something_that_is_not_github() -> None:
    assert isinstance(read(200, {}, []), NotSent)
    assert read(200, NAMED, []) == Page((), None)
    assert read(200, {}, [], at=SERVER) == Page((), None)  # behind a proxy that strips headers
    assert isinstance(read(200, {}, PAGE, at=SERVER), NotSent)


def test_a_proxy_that_refuses_the_tunnel_has_forwarded_nothing() -> None:
    refused = classify_failure(httpx.ProxyError("407 Proxy Authentication Required"))
    assert refused == NotSent("something before GitHub answered 407 Proxy Authentication Required", Reason.INTERMEDIARY)


def test_githubs_own_time_for_a_limit_is_kept() -> None:
    assert posted(403, NAMED | {"Retry-After": "9"}, DOCS) == Throttled(
        Reason.SECONDARY_LIMIT, "No.", NOW + timedelta(seconds=9)
    )

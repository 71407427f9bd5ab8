"""Answers of GitHub, and what they mean."""

import json
from datetime import UTC, datetime

from domain.delivery.outcome import (
    Outcome,
)
from github_api.classify import classify, classify_read
from github_api.response_bodies import status_page

NOW = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
CONTEXT = "docs/build"
API = "https://api.github.com"
URL = f"{API}/repos/o/r/commits/abc/statuses?per_page=100"
CREATED = json.dumps({"id": 10358678319, "context": CONTEXT, "state": "success"}).encode()
LISTED = {
    "id": 7,
    "state": "success",
    "context": CONTEXT,
    "target_url": None,
    "created_at": "2026-05-01T11:59:00Z",
    "creator": {"login": "somebody"},
}
BODIES = [
    b"",
    b"not JSON",
    b"<html>Unicorn!</html>",
    b"[]",
    b"null",
    CREATED,
    json.dumps([LISTED]).encode(),
    b'{"message": "You have exceeded a secondary rate limit."}',
    b'{"message": 7, "errors": 8, "block": 9, "documentation_url": []}',
    b"\xff\x00",
]
NAMED = {"X-GitHub-Request-Id": "0681:62D5"}
HEADERS: list[dict[str, str]] = [
    {},
    {"Retry-After": "30", "Date": "nonsense", "Location": "http://[", "Link": '<>; rel="next"'},
    {"x-ratelimit-remaining": "0", "x-ratelimit-limit": "5000", "x-ratelimit-reset": "9" * 12},
    {"location": "https://elsewhere.test/x?token=1"},
]


def posted(status: int, body: bytes | object = b"", headers: dict[str, str] | None = None) -> Outcome:
    """What GitHub's answer to a create means."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return classify(status, NAMED | (headers or {}), raw, context=CONTEXT, now=NOW)


def read(status: int, body: bytes | object = b"", headers: dict[str, str] | None = None) -> object:
    """What GitHub's answer to a read means."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return classify_read(status, NAMED | (headers or {}), raw, url=URL, now=NOW, page=status_page)


CLASSES = [range(first, first + 100) for first in range(100, 600, 100)]

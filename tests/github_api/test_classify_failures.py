"""A request that failed was sent unless nothing can have left; no answer raises."""

import json
from datetime import timedelta

import httpx
import pytest
from answers import CONTEXT, NOW, URL
from hypothesis import given
from hypothesis import strategies as st

from domain.delivery.outcome import (
    Delivered,
    NotSent,
    Page,
    Rejected,
    Throttled,
    Unknown,
)
from github_api.classify import classify, classify_failure, classify_read, exchange_of
from github_api.response_bodies import status_page

NEVER_LEFT = {
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
    httpx.InvalidURL,
}
ALL_ERRORS = sorted(
    {e for e in vars(httpx).values() if isinstance(e, type) and issubclass(e, Exception)}
    | {TimeoutError, OSError, ConnectionResetError, Exception},
    key=lambda kind: kind.__name__,
)


def example(kind: type[Exception]) -> Exception:
    error = kind.__new__(kind)
    Exception.__init__(error, "words")
    return error


@pytest.mark.parametrize("kind", ALL_ERRORS, ids=lambda kind: kind.__name__)
def test_a_failure_is_not_sent_only_if_nothing_can_have_left(kind: type[Exception]) -> None:
    assert isinstance(classify_failure(example(kind)), NotSent if kind in NEVER_LEFT else Unknown)


def test_every_exception_of_httpx_is_among_those_checked() -> None:
    assert {"ReadError", "WriteError", "RemoteProtocolError", "ProxyError", "StreamClosed", "DecodingError"} <= {
        kind.__name__ for kind in ALL_ERRORS
    }
    assert len(ALL_ERRORS) >= 28


def test_a_failure_names_its_error() -> None:
    assert classify_failure(httpx.ConnectError("refused")) == NotSent("ConnectError: refused")
    assert classify_failure(TimeoutError()) == Unknown("TimeoutError")


def test_a_header_that_cannot_be_sent_is_not_quoted() -> None:
    outcome = classify_failure(httpx.LocalProtocolError("Illegal header value b'Bearer secret\\n'"))
    assert outcome == Unknown("LocalProtocolError")


NAMES = st.sampled_from(
    [
        "Date",
        "Link",
        "Location",
        "Retry-After",
        "X-RateLimit-Limit",
        "X-RateLimit-Remaining",
        "X-RateLimit-Reset",
        "X-GitHub-Request-Id",
    ]
)
VALUES = (
    st.text(max_size=60)
    | st.integers().map(str)
    | st.datetimes().map(lambda at: at.strftime("%a, %d %b %Y %H:%M:%S GMT"))
    | st.from_regex(r"\A(<https?://[a-z\[\]:0-9]{0,12}/?[^>]{0,9}>; rel=\"next\"(, )?){1,3}\Z")
    | st.from_regex(r"\Ahttps?://[a-z\[\]:@%0-9]{0,16}\Z")
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda below: (
        st.lists(below, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["id", "context", "message", "errors", "block", "documentation_url", "state", "created_at"]
            ),
            below,
        )
    ),
    max_leaves=8,
)
ANY_BODY = st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode())
ANY_HEADERS = st.dictionaries(NAMES, VALUES, max_size=5)


@given(status=st.integers(min_value=-1, max_value=1000), headers=ANY_HEADERS, body=ANY_BODY)
def test_no_answer_raises(status: int, headers: dict[str, str], body: bytes) -> None:
    outcome = classify(status, headers, body, context=CONTEXT, now=NOW)
    assert isinstance(outcome, Delivered | Rejected | Throttled | Unknown)
    found = classify_read(status, headers, body, url=URL, now=NOW, page=status_page)
    assert isinstance(found, Page | Rejected | Throttled | NotSent)
    for told in (outcome, found):
        if isinstance(told, Throttled) and told.until:
            assert timedelta(0) < told.until - NOW <= timedelta(days=1)
        words = getattr(told, "message", getattr(told, "why", ""))
        assert len(words) <= 400
        assert "\n" not in words
    exchange = exchange_of(status, headers, now=NOW)
    if exchange.rate_limit:
        assert timedelta(0) <= exchange.rate_limit.reset_at - NOW <= timedelta(days=1)

"""The table of answers and outcomes, row by row, and that it is total."""

import json
from datetime import UTC, datetime, timedelta
from itertools import product

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.delivery.outcome import (
    Delivered,
    NotSent,
    Outcome,
    Page,
    Posted,
    Reason,
    Rejected,
    Throttled,
    Unknown,
)
from github_api.classify import classify, classify_failure, classify_read, exchange_of
from github_api.same_origin import shown

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
    return classify_read(status, NAMED | (headers or {}), raw, url=URL, now=NOW)


# --- every status -----------------------------------------------------------------------------------------------------


CLASSES = [range(first, first + 100) for first in range(100, 600, 100)]


@pytest.mark.parametrize("statuses", CLASSES, ids=lambda statuses: f"{statuses.start // 100}xx")
def test_every_status_has_an_outcome_and_only_201_is_delivered(statuses: range) -> None:
    for status, body, headers in product(statuses, BODIES, HEADERS):
        outcome = posted(status, body, headers)
        assert isinstance(outcome, Delivered) == (status == 201 and body == CREATED), status
        assert not isinstance(outcome, NotSent), status


@pytest.mark.parametrize("statuses", CLASSES, ids=lambda statuses: f"{statuses.start // 100}xx")
def test_every_status_of_a_read_is_a_page_a_limit_or_no_read(statuses: range) -> None:
    for status, body, headers in product(statuses, BODIES, HEADERS):
        outcome = read(status, body, headers)
        assert isinstance(outcome, Page | Throttled | NotSent), status
        assert status == 200 or not isinstance(outcome, Page), status


def test_a_status_that_may_have_been_stored_is_unknown() -> None:
    for status in (100, 103, *range(202, 300), 200, 408, *range(500, 600)):
        assert isinstance(posted(status, CREATED), Unknown), status


def test_every_other_client_error_is_rejected() -> None:
    for status in set(range(400, 500)) - {401, 407, 408, 429}:
        assert isinstance(posted(status, {"message": "No."}), Rejected), status


# --- the table --------------------------------------------------------------------------------------------------------


def test_a_201_with_id_and_our_context_is_delivered() -> None:
    assert posted(201, CREATED) == Delivered(10358678319)


def test_contexts_are_the_same_in_any_letter_case() -> None:
    assert posted(201, {"id": 1, "context": "DOCS/Build"}) == Delivered(1)


@pytest.mark.parametrize(
    "body",
    [
        {"id": True, "context": CONTEXT},
        {"id": "7", "context": CONTEXT},
        {"id": 7.0, "context": CONTEXT},
        {"id": 0, "context": CONTEXT},
        {"id": 2**63, "context": CONTEXT},
        {"id": None, "context": CONTEXT},
        {"context": CONTEXT},
        {"id": 7, "context": None},
        {"id": 7, "context": "docs/other"},
        {"id": 7},
        [{"id": 7, "context": CONTEXT}],
        CREATED[:-1],
        b"",
    ],
)
def test_a_201_that_does_not_name_our_status_is_unknown(body: object) -> None:
    assert isinstance(posted(201, body), Unknown)


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (400, Reason.BAD_REQUEST),
        (402, Reason.REFUSED),
        (403, Reason.FORBIDDEN),
        (404, Reason.NOT_FOUND),
        (409, Reason.REFUSED),
        (410, Reason.GONE),
        (413, Reason.TOO_LARGE),
        (415, Reason.BAD_REQUEST),
        (422, Reason.BAD_REQUEST),
        (451, Reason.BLOCKED),
    ],
)
def test_a_refusal_has_its_reason_and_githubs_words(status: int, reason: Reason) -> None:
    outcome = posted(status, {"message": "In GitHub's words"})
    assert outcome == Rejected(reason, "In GitHub's words", may_heal=status == 404)


def test_a_missing_commit_may_heal() -> None:
    outcome = posted(422, {"message": "No commit found for SHA: 0123"})
    assert outcome == Rejected(Reason.NO_SUCH_COMMIT, "No commit found for SHA: 0123", may_heal=True)


TOO_MANY = "This SHA and context has reached the maximum number of statuses."


@pytest.mark.parametrize(
    "errors",
    [[{"resource": "Status", "code": "custom", "message": TOO_MANY}], [TOO_MANY], TOO_MANY],
    ids=["objects", "strings", "a string"],
)
def test_too_many_statuses_are_recognised_however_errors_are_written(errors: object) -> None:
    outcome = posted(422, {"message": "Validation Failed", "errors": errors})
    assert outcome == Rejected(Reason.TOO_MANY_STATUSES, f"Validation Failed: {TOO_MANY}")


def test_a_refused_field_is_reported_in_githubs_words() -> None:
    errors = [
        {"field": "description", "code": "custom", "message": "description is too long (maximum is 140 characters)"},
        {"field": "state", "code": "missing_field"},
        {},
        "",
    ]
    outcome = posted(422, {"message": "Validation Failed", "errors": errors})
    assert outcome == Rejected(
        Reason.BAD_DESCRIPTION,
        "Validation Failed: description is too long (maximum is 140 characters); state missing_field",
    )


def test_an_odd_field_does_not_hide_the_message() -> None:
    outcome = posted(422, {"message": "Validation Failed", "errors": {"a": 1}, "block": [], "documentation_url": 3})
    assert outcome == Rejected(Reason.BAD_REQUEST, "Validation Failed")


FIELDS = [
    ("target_url", "target_url must use http(s) scheme", Reason.BAD_URL),
    ("description", "description is too long (maximum is 140 characters)", Reason.BAD_DESCRIPTION),
    ("description", "description doesn't accept 4-byte Unicode", Reason.BAD_DESCRIPTION),
    ("context", "context is too long (maximum is 255 characters)", Reason.BAD_CONTEXT),
    ("state", "state is not included in the list", Reason.BAD_STATE),
    ("sha", "sha must be a 40 character SHA1", Reason.BAD_REQUEST),
]


@pytest.mark.parametrize(("field", "message", "reason"), FIELDS)
def test_a_refused_field_has_its_own_reason_however_errors_are_written(
    field: str, message: str, reason: Reason
) -> None:
    expected = Rejected(reason, f"Validation Failed: {message}")
    described = {"resource": "Status", "code": "custom", "field": field, "message": message}
    for errors in ([described], [{"message": message}], [message], message):
        assert posted(422, {"message": "Validation Failed", "errors": errors}) == expected


def test_a_field_of_the_wrong_type_has_its_own_reason() -> None:
    outcome = posted(422, {"message": "Invalid request.\n\nFor 'properties/state', nil is not a string."})
    assert isinstance(outcome, Rejected)
    assert outcome.reason is Reason.BAD_STATE


@pytest.mark.parametrize("status", [403, 451])
@pytest.mark.parametrize("more", [{"block": {"reason": "tos"}}, {}])
def test_a_blocked_repository_is_blocked_whatever_the_status(status: int, more: dict[str, object]) -> None:
    outcome = posted(status, {"message": "Repository access blocked", **more})
    assert outcome == Rejected(
        Reason.BLOCKED, "Repository access blocked: tos" if more else "Repository access blocked"
    )


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ("Resource not accessible by integration", Reason.NO_PERMISSION),
        ("Resource not accessible by personal access token", Reason.NO_PERMISSION),
        ("Repository was archived so is read-only.", Reason.ARCHIVED),
        ("Resource protected by organization SAML enforcement. You must grant access.", Reason.SSO_REQUIRED),
        ("The organization has an IP allow list enabled", Reason.FORBIDDEN),
    ],
)
def test_a_403_that_is_no_limit_is_rejected_for_what_it_says(message: str, reason: Reason) -> None:
    outcome = posted(403, {"message": message}, {"x-ratelimit-remaining": "4999", "x-ratelimit-reset": "1"})
    assert outcome == Rejected(reason, message)
    assert read(403, {"message": message}) == NotSent(f"reading back, HTTP 403: {message}", reason)


@pytest.mark.parametrize(
    ("status", "header", "reason"),
    [
        (403, "required; url=https://github.com/orgs/acme/sso?authorization_request=A", Reason.SSO_REQUIRED),
        (404, "required; url=https://github.com/orgs/acme/sso?authorization_request=A", Reason.SSO_REQUIRED),
        (404, "partial-results; organizations=1", Reason.NOT_FOUND),
    ],
)
def test_single_sign_on_is_known_by_its_header_too(status: int, header: str, reason: Reason) -> None:
    may_heal = reason is Reason.NOT_FOUND
    assert posted(status, {"message": "No."}, {"X-GitHub-SSO": header}) == Rejected(reason, "No.", may_heal=may_heal)


def test_a_page_of_html_has_no_words() -> None:
    assert posted(502, b"<html>Unicorn!</html>") == Unknown("HTTP 502")


def test_an_unknown_says_what_was_seen() -> None:
    assert posted(502, {"message": "Server Error"}) == Unknown("HTTP 502: Server Error")


def test_words_are_one_line_of_bounded_length() -> None:
    outcome = posted(410, {"message": "a\r\nb\u0000" + "x" * 5000})
    assert isinstance(outcome, Rejected)
    assert outcome.message.startswith("a bxx")
    assert len(outcome.message) == 300


def test_a_bad_credential_pauses_without_a_time() -> None:
    outcome = posted(401, {"message": "Bad credentials"}, {"retry-after": "5"})
    assert outcome == Throttled(Reason.BAD_CREDENTIALS, "Bad credentials")


@pytest.mark.parametrize("status", [300, 301, 302, 303, 304, 307, 308])
def test_a_redirect_that_led_nowhere_rejects_nothing_and_shows_no_secret(status: int) -> None:
    location = {"Location": "https://me:pw@elsewhere.test/x?token=1#f"}
    words = f"HTTP {status} to https://elsewhere.test/x"
    assert posted(status, b"", location) == Unknown(words, Reason.REDIRECTED)
    assert read(status, b"", location) == NotSent(words, Reason.REDIRECTED)


def test_a_redirect_without_an_address_leads_nowhere() -> None:
    assert posted(301) == Unknown("HTTP 301 to nowhere", Reason.REDIRECTED)
    assert posted(301, b"", {"location": "http://h:x/"}) == Unknown(
        "HTTP 301 to an unusable address", Reason.REDIRECTED
    )


# --- reads ------------------------------------------------------------------------------------------------------------


def test_a_page_keeps_githubs_order_and_tolerates_what_it_does_not_know() -> None:
    page = read(200, [{**LISTED, "id": 9, "target_url": "https://x.test/#report-1"}, LISTED, {**LISTED, "new": 1}])
    assert isinstance(page, Page)
    assert [s.id for s in page.posted] == [9, 7, 7]
    assert page.posted[1] == Posted(7, "success", CONTEXT, None, NOW - timedelta(minutes=1), "somebody")
    assert page.next_url is None


@pytest.mark.parametrize(
    "body",
    [{}, b"", b"[", None, [1], [{**LISTED, "id": True}], [{**LISTED, "created_at": "2026-05-01T11:59:00"}]],
)
def test_a_200_that_is_no_list_of_statuses_is_no_read(body: object) -> None:
    assert isinstance(read(200, body), NotSent)


@pytest.mark.parametrize(
    "link",
    [
        '<https://api.github.com/x?page=1>; rel="prev", <https://api.github.com/x?page=3>; rel="next"',
        '<https://api.github.com/x?page=3>; rel="next", <https://api.github.com/x?page=9>; rel="last"',
        "<https://API.github.com:443/x?page=3>;rel=next",
        '</x?page=3>; title="a"; rel="next"',
    ],
)
def test_the_next_page_is_where_link_says(link: str) -> None:
    page = read(200, [], {"Link": link})
    assert page == Page((), "https://api.github.com/x?page=3")


def test_the_last_page_has_no_next() -> None:
    assert read(200, [], {"Link": '<https://api.github.com/x?page=1>; rel="first"'}) == Page((), None)


@pytest.mark.parametrize(
    "address",
    [
        "https://evil.test/x",
        "http://api.github.com/x",
        "https://api.github.com:8443/x",
        "",
        "https://[",
        "https://api.github.com:x/",
    ],
)
def test_a_next_page_off_the_origin_is_no_read(address: str) -> None:
    assert isinstance(read(200, [], {"Link": f'<{address}>; rel="next"'}), NotSent)


INNER = "http://github.internal:8080"
GHE = "https://ghe.test/api/v3"
OURS = "repos/o/r/commits/abc/statuses"


@pytest.mark.parametrize(
    ("asked", "link", "next_url"),
    [
        (URL, f"{INNER}/{OURS}?page=2", f"{API}/{OURS}?page=2"),
        (
            URL,
            f"{INNER}/repositories/7/commits/abc/statuses?page=2",
            f"{API}/repositories/7/commits/abc/statuses?page=2",
        ),
        (URL, f"https://me:pw@evil.test/{OURS}?page=2#f", f"{API}/{OURS}?page=2"),
        (f"{GHE}/{OURS}", f"{INNER}/api/v3/{OURS}?page=2", f"{GHE}/{OURS}?page=2"),
        (f"{GHE}/{OURS}", f"{INNER}/{OURS}?page=2", None),
        (URL, f"{INNER}/repos/o/r/commits/abd/statuses?page=2", None),
        (URL, f"{INNER}/repos/o/r/statuses/abc?page=2", None),
        (URL, f"{INNER}/{OURS}/../../x/statuses?page=2", None),
        (URL, f"{INNER}/login?next=/{OURS}", None),
        (URL, f"{INNER}/{OURS}?per_page=100", None),  # where it came from
    ],
)
def test_a_next_page_on_another_host_is_read_on_the_configured_one_if_its_path_is_right(
    asked: str, link: str, next_url: str | None
) -> None:
    headers = NAMED | {"Link": f'<{link}>; rel="next"'}
    page = classify_read(200, headers, b"[]", url=asked, now=NOW)
    assert page == (Page((), next_url) if next_url else NotSent(f"HTTP 200 with a next page elsewhere: {shown(link)}"))


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (403, Reason.FORBIDDEN),
        (404, Reason.NOT_FOUND),
        (410, Reason.GONE),
        (451, Reason.BLOCKED),
        (400, Reason.BAD_REQUEST),
        (409, Reason.REFUSED),
        (422, Reason.BAD_REQUEST),
    ],
)
def test_a_refused_read_says_why_and_nothing_about_the_report(status: int, reason: Reason) -> None:
    assert read(status, {"message": "No."}) == NotSent(f"reading back, HTTP {status}: No.", reason)


@pytest.mark.parametrize("status", [408, 500, 502, 503, 204])
def test_any_other_answer_to_a_read_says_nothing_about_the_report(status: int) -> None:
    assert read(status, {"message": "No."}) == NotSent(f"HTTP {status}: No.")


def test_limits_of_a_read_pause_the_credential() -> None:
    assert read(401, {"message": "Bad credentials"}) == Throttled(Reason.BAD_CREDENTIALS, "Bad credentials")
    assert read(429, {"message": "Slow"}) == Throttled(Reason.RATE_LIMITED, "Slow")
    assert read(403, {"message": "Slow"}, {"retry-after": "9"}) == Throttled(
        Reason.SECONDARY_LIMIT, "Slow", NOW + timedelta(seconds=9)
    )


# --- failures ---------------------------------------------------------------------------------------------------------

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


# --- anything ---------------------------------------------------------------------------------------------------------

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
    found = classify_read(status, headers, body, url=URL, now=NOW)
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

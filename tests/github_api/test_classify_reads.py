"""The table of answers to a read, and of its next page."""

from datetime import timedelta
from itertools import product

import pytest
from answers import API, BODIES, CLASSES, CONTEXT, HEADERS, LISTED, NAMED, NOW, URL, read

from domain.delivery.outcome import (
    NotSent,
    Page,
    Posted,
    Reason,
    Throttled,
)
from github_api.classify import classify_read
from github_api.response_bodies import status_page
from github_api.same_origin import shown


@pytest.mark.parametrize("statuses", CLASSES, ids=lambda statuses: f"{statuses.start // 100}xx")
def test_every_status_of_a_read_is_a_page_a_limit_or_no_read(statuses: range) -> None:
    for status, body, headers in product(statuses, BODIES, HEADERS):
        outcome = read(status, body, headers)
        assert isinstance(outcome, Page | Throttled | NotSent), status
        assert status == 200 or not isinstance(outcome, Page), status


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
    page = classify_read(200, headers, b"[]", url=asked, now=NOW, page=status_page)
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

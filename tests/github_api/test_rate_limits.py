"""Which refusals are rate limits, and GitHub's times converted to our clock."""

from datetime import UTC, datetime, timedelta

import pytest

from domain.delivery.outcome import RateLimit, Reason, Throttled
from github_api.classify import classify, exchange_of

NOW = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
EPOCH = int(NOW.timestamp())
WORDS = b'{"message": "Wait."}'


NAMED = {"X-GitHub-Request-Id": "0681:62D5"}


def until(headers: dict[str, str], status: int = 429) -> timedelta | None:
    outcome = classify(status, NAMED | headers, WORDS, context="c", now=NOW)
    assert isinstance(outcome, Throttled)
    return outcome.until - NOW if outcome.until else None


def reason(status: int, message: str, headers: dict[str, str] | None = None, link: str = "") -> Reason:
    body = f'{{"message": "{message}", "documentation_url": "{link}"}}'.encode()
    outcome = classify(status, NAMED | (headers or {}), body, context="c", now=NOW)
    assert isinstance(outcome, Throttled)
    assert outcome.message == message
    return outcome.reason


@pytest.mark.parametrize(
    "message",
    [
        "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.",
        "You have exceeded a secondary rate limit and have been temporarily blocked from content creation.",
        "You have triggered an abuse detection mechanism. Please wait a few minutes before you try again.",
        "Maximum number of login attempts exceeded. Please try again later.",
    ],
)
@pytest.mark.parametrize("status", [403, 429])
def test_a_limit_that_only_text_reveals_is_a_limit(status: int, message: str) -> None:
    assert reason(status, message, {"x-ratelimit-remaining": "4000"}) is Reason.SECONDARY_LIMIT


@pytest.mark.parametrize("anchor", ["about-secondary-rate-limits", "secondary-rate-limits", "abuse-rate-limits"])
def test_a_limit_that_only_the_link_reveals_is_a_limit(anchor: str) -> None:
    assert reason(403, "Wait.", link=f"https://docs.github.com/x#{anchor}") is Reason.SECONDARY_LIMIT


def test_a_403_with_retry_after_is_a_limit() -> None:
    assert reason(403, "Wait.", {"Retry-After": "soon"}) is Reason.SECONDARY_LIMIT


@pytest.mark.parametrize("status", [403, 429])
def test_nothing_remaining_is_the_hourly_limit(status: int) -> None:
    assert reason(status, "Wait.", {"X-RateLimit-Remaining": "0"}) is Reason.RATE_LIMITED


def test_the_hourly_limit_is_known_by_its_text_too() -> None:
    assert reason(403, "API rate limit exceeded for installation ID 7.") is Reason.RATE_LIMITED


def test_a_bare_429_is_a_limit_without_a_time() -> None:
    assert classify(429, NAMED, b"", context="c", now=NOW) == Throttled(Reason.RATE_LIMITED, "HTTP 429")


def test_retry_after_counts_seconds() -> None:
    assert until({"Retry-After": " 90 "}) == timedelta(seconds=90)


def test_retry_after_may_be_a_date() -> None:
    assert until({"Retry-After": "Fri, 01 May 2026 12:01:30 GMT"}) == timedelta(seconds=90)


def test_a_date_without_a_zone_is_utc() -> None:
    assert until({"Retry-After": "Fri, 01 May 2026 12:01:30 -0000"}) == timedelta(seconds=90)


def test_retry_after_comes_before_the_reset() -> None:
    headers = {"Retry-After": "5", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(EPOCH + 600)}
    assert until(headers) == timedelta(seconds=5)


def test_the_reset_counts_if_nothing_remains_and_is_over_a_second_later() -> None:
    headers = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(EPOCH + 600)}
    assert until(headers) == timedelta(seconds=601)


def test_the_reset_does_not_count_while_something_remains() -> None:
    assert until({"X-RateLimit-Remaining": "1", "X-RateLimit-Reset": str(EPOCH + 600)}) is None


@pytest.mark.parametrize("skew", [timedelta(hours=-3), timedelta(days=400)])
def test_times_are_read_by_githubs_clock_where_it_shows_it(skew: timedelta) -> None:
    theirs = NOW + skew
    headers = {
        "Date": theirs.strftime("%a, %d %b %Y %H:%M:%S GMT"),
        "X-RateLimit-Remaining": "0",
        "X-RateLimit-Reset": str(int(theirs.timestamp()) + 600),
    }
    assert until(headers) == timedelta(seconds=601)
    at = (theirs + timedelta(seconds=90)).strftime("%a, %d %b %Y %H:%M:%S GMT")
    assert until({**headers, "Retry-After": at}) == timedelta(seconds=90)


@pytest.mark.parametrize(
    "text",
    ["", "-5", "1.5", "soon", "0", "9" * 5000, "٣", "Fri, 01 May 2020 12:00:00 GMT", "99 May 2026 12:00:00"],
)
def test_a_senseless_or_past_retry_after_names_no_time(text: str) -> None:
    assert until({"Retry-After": text}) is None


@pytest.mark.parametrize("text", ["", "-5", "never", "0", str(EPOCH - 60), "9" * 5000])
def test_a_senseless_or_past_reset_names_no_time(text: str) -> None:
    assert until({"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": text}) is None


def test_a_senseless_retry_after_leaves_the_reset() -> None:
    headers = {"Retry-After": "soon", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(EPOCH + 9)}
    assert until(headers) == timedelta(seconds=10)


def test_a_time_far_ahead_is_cut_to_a_day() -> None:
    assert until({"Retry-After": "999999999"}) == timedelta(days=1)
    assert until({"Retry-After": "Fri, 01 May 2099 12:00:00 GMT"}) == timedelta(days=1)
    assert until({"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "9" * 12}) == timedelta(days=1)


ACCOUNT = {"X-RateLimit-Limit": "5000", "X-RateLimit-Remaining": "4987", "X-RateLimit-Reset": str(EPOCH + 60)}


def test_an_exchange_shows_what_is_left_of_the_hour_and_the_request_id() -> None:
    exchange = exchange_of(201, {**ACCOUNT, "X-GitHub-Request-Id": "0681:62D5"}, now=NOW)
    assert exchange.http_status == 201
    assert exchange.request_id == "0681:62D5"
    assert exchange.rate_limit == RateLimit(5000, 4987, NOW + timedelta(seconds=60))


DATED = {"Date": "Fri, 01 May 2026 11:58:03 GMT"}


def test_an_exchange_shows_githubs_own_time() -> None:
    theirs = exchange_of(200, {**DATED, "X-GitHub-Request-Id": "0681:62D5"}, now=NOW).github_time
    assert theirs == datetime(2026, 5, 1, 11, 58, 3, tzinfo=UTC)


@pytest.mark.parametrize("headers", [DATED, {"X-GitHub-Request-Id": "1"}, {"Date": "now", "X-GitHub-Request-Id": "1"}])
def test_a_foreign_answer_or_one_without_a_time_gives_no_time(headers: dict[str, str]) -> None:
    assert exchange_of(200, headers, now=NOW).github_time is None


@pytest.mark.parametrize("missing", ACCOUNT)
@pytest.mark.parametrize("instead", [None, "many", "9" * 30, "-1"])
def test_an_account_that_cannot_be_read_whole_is_none(missing: str, instead: str | None) -> None:
    headers = {name: value for name, value in ACCOUNT.items() if name != missing}
    if instead is not None:
        headers[missing] = instead
    exchange = exchange_of(500, headers, now=NOW)
    assert exchange.rate_limit is None
    assert exchange.request_id is None

"""Reads GitHub's rate limits from responses: whether a refusal is one, until when, and what is left of the hour.

https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus

from domain.delivery.outcome import RateLimit, Reason, Throttled
from github_api.response_bodies import Refusal

LONGEST = timedelta(days=1)
"""GitHub's limits do not last longer: a time further ahead is cut to this."""

LIMITING = (HTTPStatus.FORBIDDEN, HTTPStatus.TOO_MANY_REQUESTS)
"""Statuses with which GitHub limits requests; 403 has other meanings too."""

LIMIT_TEXT = re.compile(r"secondary[ -]rate|abuse detection|abuse-rate-limit|login attempts", re.IGNORECASE)
"""A 403 with one of these texts is a limit, often without a header. Seen in messages and in links to documentation."""

PRIMARY_TEXT = re.compile(r"rate limit exceeded", re.IGNORECASE)


def throttled(status: int, headers: Mapping[str, str], refusal: Refusal, *, now: datetime) -> Throttled | None:
    """The limit that a response reports. None: it is not a limit. *headers* by their lower-case names."""
    reason = _reason(status, headers, refusal)
    if reason is None:
        return None
    until = None if reason is Reason.BAD_CREDENTIALS else _named_until(headers, now)
    return Throttled(reason, refusal.words() or f"HTTP {status}", until)


def rate_limit(headers: Mapping[str, str], *, now: datetime) -> RateLimit | None:
    """The rate limit, `reset_at` by the clock of *now*. None unless all three headers can be read."""
    limit = _number(headers.get("x-ratelimit-limit"))
    remaining = _number(headers.get("x-ratelimit-remaining"))
    reset = _number(headers.get("x-ratelimit-reset"), digits=12)
    if limit is None or remaining is None or reset is None:
        return None
    return RateLimit(limit, remaining, now + _ahead(reset, headers, now))


def _reason(status: int, headers: Mapping[str, str], refusal: Refusal) -> Reason | None:
    if status == HTTPStatus.UNAUTHORIZED:
        return Reason.BAD_CREDENTIALS
    if status not in LIMITING:
        return None
    said = f"{refusal.message} {refusal.documentation_url}"
    if LIMIT_TEXT.search(said):
        return Reason.SECONDARY_LIMIT
    if status == HTTPStatus.TOO_MANY_REQUESTS or _used_up(headers) or PRIMARY_TEXT.search(said):
        return Reason.RATE_LIMITED
    return Reason.SECONDARY_LIMIT if "retry-after" in headers else None


def _named_until(headers: Mapping[str, str], now: datetime) -> datetime | None:
    """When requests are allowed again: `retry-after`, else the reset if nothing is left. None: no such time ahead."""
    wait = _retry_after(headers, now)
    if not wait and _used_up(headers) and (reset := _number(headers.get("x-ratelimit-reset"), digits=12)):
        wait = _ahead(reset + 1, headers, now)  # *after* the second named
    return now + wait if wait else None


def _retry_after(headers: Mapping[str, str], now: datetime) -> timedelta:
    text = headers.get("retry-after", "")
    seconds = _number(text)
    if seconds is not None:
        return min(timedelta(seconds=seconds), LONGEST)
    moment = http_date(text)
    return _ahead(moment.timestamp(), headers, now) if moment else timedelta(0)


def _used_up(headers: Mapping[str, str]) -> bool:
    return _number(headers.get("x-ratelimit-remaining")) == 0


def _ahead(epoch: float, headers: Mapping[str, str], now: datetime) -> timedelta:
    """Time until *epoch*, by GitHub's own clock if the response has it: ours may be wrong by more than the wait."""
    github_now = http_date(headers.get("date", "")) or now
    return timedelta(seconds=min(max(epoch - github_now.timestamp(), 0), LONGEST.total_seconds()))


def _number(text: str | None, *, digits: int = 9) -> int | None:
    """A whole number of at most *digits* digits; None for anything else."""
    return int(text) if text and re.fullmatch(rf"[0-9]{{1,{digits}}}", text := text.strip()) else None


def http_date(text: str) -> datetime | None:
    """The time in an HTTP header, with a zone. None: it is not a date."""
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):  # raised by the parser for invalid dates
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)

"""Applies GitHub's limits on requests: https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)


@dataclass(slots=True)
class _Account:
    """The requests of one token in its hour, and the times of its writes during the last hour."""

    reset_at: datetime
    used: int = 0
    writes: deque[datetime] = field(default_factory=deque)
    refused: deque[datetime] = field(default_factory=deque)


@dataclass(frozen=True, slots=True)
class Balance:
    """The balance of a token after a request. `over`: the request exceeds the hourly limit."""

    limit: int
    used: int
    reset_at: int
    over: bool

    @property
    def headers(self) -> Mapping[str, str]:
        """The balance as every response carries it."""
        return {**{f"x-ratelimit-{name}": str(n) for name, n in self.body.items()}, "x-ratelimit-resource": "core"}

    @property
    def body(self) -> dict[str, int]:
        """The balance as `GET /rate_limit` shows it."""
        return {"limit": self.limit, "remaining": self.limit - self.used, "reset": self.reset_at, "used": self.used}


class Limits:
    """Counts requests by token: *per_hour* of all kinds, and of those that create something so many (None: any number).

    GitHub: "in general", 80 of these a minute and 500 an hour, as secondary limits.
    """

    def __init__(
        self, *, per_hour: int = 5000, writes_per_minute: int | None = None, writes_per_hour: int | None = None
    ) -> None:
        self._per_hour = per_hour
        self._writes_within = ((MINUTE, writes_per_minute), (HOUR, writes_per_hour))
        self._accounts: dict[str, _Account] = {}

    def charge(self, token: str, requests: int, *, now: datetime) -> Balance:
        """Count *requests* (0: only read) at *now*."""
        account = self._account(token, now)
        over = account.used + requests > self._per_hour
        account.used = min(account.used + requests, self._per_hour)
        return Balance(self._per_hour, account.used, int(account.reset_at.timestamp()), over)

    def too_many_within(self, token: str, *, now: datetime) -> timedelta | None:
        """Count a write at *now*. Returns the shortest window whose limit it exceeds; None: none.

        Of what it refuses, what GitHub counts is not documented: here it counts in the minute, not in the hour.
        """
        account = self._account(token, now)
        _forget(account.writes, now - HOUR)
        _forget(account.refused, now - MINUTE)
        recent = sum(at > now - MINUTE for at in (*account.writes, *account.refused))
        used = {MINUTE: recent, HOUR: len(account.writes)}
        found = next((span for span, most in self._writes_within if most is not None and used[span] >= most), None)
        (account.refused if found else account.writes).append(now)
        return found

    def _account(self, token: str, now: datetime) -> _Account:
        account = self._accounts.get(token)
        if account is None or account.reset_at <= now:
            before = account or _Account(now)
            account = self._accounts[token] = _Account(now + HOUR, writes=before.writes, refused=before.refused)
        return account


def _forget(moments: deque[datetime], until: datetime) -> None:
    while moments and moments[0] <= until:
        moments.popleft()

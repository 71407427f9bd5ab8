"""GitHub's limits on requests: https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)


@dataclass(slots=True)
class _Account:
    """What one token has used of its hour, and when it wrote during the last minute."""

    reset_at: datetime
    used: int = 0
    writes: deque[datetime] = field(default_factory=deque)


@dataclass(frozen=True, slots=True)
class Balance:
    """How a token stands after a request. `over`: this request was one too many for the hour."""

    limit: int
    used: int
    reset_at: int
    over: bool

    @property
    def headers(self) -> Mapping[str, str]:
        """The balance as every response carries it."""
        numbers = {"limit": self.limit, "remaining": self.limit - self.used, "used": self.used, "reset": self.reset_at}
        return {**{f"x-ratelimit-{name}": str(n) for name, n in numbers.items()}, "x-ratelimit-resource": "core"}

    @property
    def body(self) -> dict[str, int]:
        """The balance as `GET /rate_limit` shows it."""
        remaining = self.limit - self.used
        return {"limit": self.limit, "remaining": remaining, "reset": self.reset_at, "used": self.used}


class Limits:
    """Counts requests by token: *per_hour* of all kinds, and *writes_per_minute* that create something (None: any)."""

    def __init__(self, *, per_hour: int = 5000, writes_per_minute: int | None = None) -> None:
        self._per_hour = per_hour
        self._writes_per_minute = writes_per_minute
        self._accounts: dict[str, _Account] = {}

    def charge(self, token: str, requests: int, *, now: datetime) -> Balance:
        """Count *requests* (0: only look) at *now*."""
        account = self._account(token, now)
        over = account.used + requests > self._per_hour
        account.used = min(account.used + requests, self._per_hour)
        return Balance(self._per_hour, account.used, int(account.reset_at.timestamp()), over)

    def may_write(self, token: str, *, now: datetime) -> bool:
        """Count a write at *now*. False: too many within a minute; refused ones count, as on GitHub."""
        writes = self._account(token, now).writes
        while writes and writes[0] <= now - MINUTE:
            writes.popleft()
        writes.append(now)
        return self._writes_per_minute is None or len(writes) <= self._writes_per_minute

    def _account(self, token: str, now: datetime) -> _Account:
        account = self._accounts.get(token)
        if account is None or account.reset_at <= now:
            writes = account.writes if account else deque[datetime]()
            account = self._accounts[token] = _Account(now + HOUR, writes=writes)
        return account

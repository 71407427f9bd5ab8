"""What the stand-in has seen: every request to its API, and what became of it."""

from collections import deque
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from fake_github.exchange import Call, Json
from fake_github.faults import Fault

KEPT = 20_000
"""Requests remembered; older ones are forgotten, for one that runs for weeks."""


@dataclass(slots=True)
class Seen:
    """One request. `answered` is None while, and if, it gets no reply; `stored_at` may lie ahead."""

    at: datetime
    method: str
    path: str
    context: str | None
    user_agent: str | None
    api_version: str | None
    fault: str | None = None
    answered: int | None = None
    status_id: int | None = None
    stored_at: datetime | None = None

    def stored(self, status_id: int | None, store_in: timedelta | None) -> None:
        """It made, or will make, the status *status_id*."""
        if status_id is not None and store_in is not None:
            self.status_id = status_id
            self.stored_at = self.at + store_in

    def as_json(self) -> Json:
        """Its fields, with times in ISO 8601."""
        return {name: at.isoformat() if isinstance(at, datetime) else at for name, at in asdict(self).items()}


class Requests:
    """Oldest first."""

    def __init__(self) -> None:
        self.seen: deque[Seen] = deque(maxlen=KEPT)

    def came(self, call: Call, fault: Fault | None, at: datetime) -> Seen:
        """Note *call*, struck by *fault*; what becomes of it is filled in later. No credential is kept."""
        seen = Seen(
            at=at,
            method=call.method,
            path=call.path,
            context=call.context,
            user_agent=call.headers.get("user-agent"),
            api_version=call.headers.get("x-github-api-version"),
            fault=fault.kind if fault else None,
        )
        self.seen.append(seen)
        return seen

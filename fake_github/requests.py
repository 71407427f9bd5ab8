"""Records every request to the stand-in's API, and its result."""

from collections import deque
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from fake_github.exchange import Call, Json
from fake_github.faults import Fault
from fake_github.surfaces.surface import Asked

KEPT = 20_000
"""The number of requests kept; older ones are dropped, for a stand-in that runs for weeks."""


@dataclass(slots=True)
class Seen:
    """One request. `answered` is None while, and if, it gets no reply; `stored_at` may be in the future."""

    at: datetime
    method: str
    path: str
    context: str | None
    user_agent: str | None
    api_version: str | None
    fault: str | None = None
    answered: int | None = None
    stored_id: int | None = None
    stored_at: datetime | None = None

    def stored(self, stored_id: int | None, store_in: timedelta | None) -> None:
        """Record that it created, or will create, *stored_id*."""
        if stored_id is not None and store_in is not None:
            self.stored_id = stored_id
            self.stored_at = self.at + store_in

    def as_json(self) -> Json:
        """Its fields, with times in ISO 8601."""
        return {name: at.isoformat() if isinstance(at, datetime) else at for name, at in asdict(self).items()}


class Requests:
    """The recorded requests, oldest first."""

    def __init__(self) -> None:
        self.seen: deque[Seen] = deque(maxlen=KEPT)

    def came(self, call: Call, asked: Asked | None, fault: Fault | None, at: datetime) -> Seen:
        """Record *call* with its *fault*; the result is added later. No credential is kept."""
        context = asked.named.get("context") if asked else None
        seen = Seen(
            at=at,
            method=call.method,
            path=call.path,
            context=context if isinstance(context, str) else None,
            user_agent=call.headers.get("user-agent"),
            api_version=call.headers.get("x-github-api-version"),
            fault=fault.kind if fault else None,
        )
        self.seen.append(seen)
        return seen

"""Selects the lines of a job's output that are sent to Prefect: at most 1,000 of all its commands, always the last."""

import time
from collections import deque
from collections.abc import Callable
from datetime import timedelta

from domain.text import ELLIPSIS
from tasks.process.output_lines import TAIL

LIVE = 880
"""Lines sent as they come. With the last 50, the line that says how many are missing, and a few of our own: 1,000."""
AT_ONCE = 0.75
"""The share of them that may be sent at once. The rest is released gradually until the command's time limit: so a long
job shows that it goes on."""


class LineBudget:
    """Chooses the lines of a job's commands that are sent as they come, and those that are sent at its end."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._left = LIVE
        self._missing = 0
        self._last: deque[str | None] = deque(maxlen=TAIL)  # None: it was sent
        self.begin(timedelta(seconds=1))

    def begin(self, limit: timedelta, share: float = 1.0) -> None:
        """Start a command with the time limit *limit*, which may use *share*, from 0 to 1, of the remaining lines."""
        self._began, self._lasts = self._clock(), limit.total_seconds()
        self._allowed, self._sent = int(self._left * share), 0

    def take(self, line: str) -> bool:
        """Whether to send *line*, the next one, now."""
        gone = min(1.0, (self._clock() - self._began) / self._lasts)
        now = self._sent < self._allowed * (AT_ONCE + (1 - AT_ONCE) * gone)
        self._last.append(None if now else line)
        if now:
            self._sent += 1
            self._left -= 1
        else:
            self._missing += 1
        return now

    def end(self) -> list[str]:
        """The lines to send at the end: how many are missing, and those of the last 50 that were not sent."""
        last = [line for line in self._last if line is not None]
        missing = self._missing - len(last)
        self._last.clear()
        self._missing = 0
        return [*([f"{ELLIPSIS} {missing:,} lines left out"] if missing else []), *last]

"""Selects the lines of a job's output that are sent to Prefect: at most 1,000 of all its commands.

They are the first and the last lines, and the errors and warnings between them.
"""

import time
from collections import deque
from collections.abc import Callable
from datetime import timedelta

from domain.output.signs import Sign
from domain.text import ELLIPSIS
from tasks.process.output_lines import TAIL

LIVE = 720
"""Lines sent as they come."""
WARNINGS = 80
"""As many warnings more, and errors."""
ERRORS = 80
"""As many errors more. With the last 50, the line that says how many are missing, and a few of our own: 1,000."""
AT_ONCE = 0.75
"""The share of them that may be sent at once. The rest is released gradually until the command's time limit: so a long
job shows that it goes on."""


class LineBudget:
    """Chooses the lines of a job's commands that are sent as they come, and those that are sent at its end."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._left = LIVE
        self._reserve = {Sign.WARNING: WARNINGS, Sign.ERROR: ERRORS}
        self._missing = 0
        self._last: deque[str | None] = deque(maxlen=TAIL)  # None: it was sent
        self.begin(timedelta(seconds=1))

    def begin(self, limit: timedelta, share: float = 1.0) -> None:
        """Start a command with the time limit *limit*, which may use *share*, from 0 to 1, of the remaining lines."""
        self._began, self._lasts = self._clock(), limit.total_seconds()
        self._allowed, self._sent = int(self._left * share), 0

    def take(self, line: str, sign: Sign = Sign.WORDS) -> bool:
        """Whether to send *line*, the next one, now."""
        now = self._is_within() or self._is_worth(sign)
        self._last.append(None if now else line)
        self._missing += not now
        return now

    def _is_within(self) -> bool:
        """Take a line from those that the command may send by now."""
        gone = min(1.0, (self._clock() - self._began) / self._lasts)
        if self._sent >= self._allowed * (AT_ONCE + (1 - AT_ONCE) * gone):
            return False
        self._sent += 1
        self._left -= 1
        return True

    def _is_worth(self, sign: Sign) -> bool:
        """Take a line from the reserve for errors and warnings; errors may use both."""
        kinds = [one for one in (Sign.WARNING, Sign.ERROR) if one <= sign and self._reserve[one]]
        if kinds:
            self._reserve[kinds[0]] -= 1
        return bool(kinds)

    def end(self) -> list[str]:
        """The lines to send at the end: how many are missing, and those of the last 50 that were not sent."""
        last = [line for line in self._last if line is not None]
        missing = self._missing - len(last)
        self._last.clear()
        self._missing = 0
        return [*([f"{ELLIPSIS} {missing:,} lines left out"] if missing else []), *last]

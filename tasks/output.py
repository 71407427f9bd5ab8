"""A command's output as lines, bounded in memory and rate whatever the command writes."""

import re
import time
from collections import deque
from collections.abc import Callable

from domain.text import ELLIPSIS, clean

MAX_LINE = 2000
"""Characters of a line that are kept."""
TAIL = 50
"""Lines of the end that are kept."""
BURST = 1000
"""Lines forwarded at once; what they use up comes back at RATE. At most 1,000 + 10 a second: 4,000 in 5 minutes."""
RATE = 10.0

BREAK = re.compile(rb"[\r\n]+")
KEPT_BYTES = 4 * MAX_LINE
"""Enough for a line of MAX_LINE characters in UTF-8."""


class Output:
    """Takes a command's output as it comes and gives the lines to forward.

    Blank lines are dropped, long ones cut. When there are too many, lines are left out, "N lines left out" says so in
    their place, and the last ones of all are always forwarded.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.left_out = 0
        self._tail: deque[str] = deque(maxlen=TAIL)
        self._held_back: deque[str] = deque(maxlen=TAIL)
        self._missing = 0
        self._partial = b""
        self._clock = clock
        self._credit = float(BURST)
        self._credited_at = clock()

    @property
    def tail(self) -> tuple[str, ...]:
        """The last lines, forwarded or not."""
        return tuple(self._tail)

    def take(self, chunk: bytes) -> list[str]:
        """The lines to forward now that *chunk* came."""
        first, *others = BREAK.split(chunk)
        ended = []
        for piece in others:
            ended.append(self._partial + first[:KEPT_BYTES])
            self._partial, first = b"", piece
        self._partial = (self._partial + first[:KEPT_BYTES])[:KEPT_BYTES]
        return [line for raw in ended if (text := _text(raw)) for line in self._forward(text)]

    def close(self) -> list[str]:
        """The lines to forward at the end: an unfinished one, and the last of those left out."""
        lines = self.take(b"\n")
        shown = list(self._held_back)
        notice = self._notice(self._missing - len(shown))
        self._held_back.clear()
        self._missing = 0
        return [*lines, *notice, *shown]

    def _forward(self, line: str) -> list[str]:
        self._tail.append(line)
        now = self._clock()
        self._credit = min(BURST, self._credit + RATE * (now - self._credited_at))
        self._credited_at = now
        if self._credit < 1:
            self._held_back.append(line)
            self._missing += 1
            return []
        self._credit -= 1
        notice = self._notice(self._missing)
        self._held_back.clear()
        self._missing = 0
        return [*notice, line]

    def _notice(self, missing: int) -> list[str]:
        self.left_out += missing
        return [f"{ELLIPSIS} {missing:,} lines left out"] if missing else []


def _text(raw: bytes) -> str:
    line = clean(raw.decode("utf-8", "replace")).rstrip()
    return line if len(line) <= MAX_LINE else line[: MAX_LINE - 1] + ELLIPSIS

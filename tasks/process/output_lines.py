"""Splits a command's output into lines, bounded in memory whatever the command writes."""

import re
from collections import deque
from collections.abc import Callable

from domain.redact import REACH, public
from domain.text import ELLIPSIS, LogLine, readable

MAX_LINE = 2000
"""Characters of a line that are shown."""
TAIL = 50
"""Lines of the end that are kept."""

KEPT_BYTES = 4 * (MAX_LINE + REACH)
"""Enough for a shown line in UTF-8, and some more, so that no secret is cut through."""


ERASURE = re.compile(r"\x1b\[2K|\x1b\[[01]?G")
"""Erases a line of a terminal, or goes back to its beginning."""


def ignore_redraw(line: str) -> None:
    """Default for what gets the states of an unfinished line: does nothing."""


class Output:
    """Splits a command's output into readable lines, not made public. Drops blank ones.

    An incomplete line is the exception: beyond the bound could be the second half of a secret, whose first half would
    not be recognised. So *shown* makes this one public, and it is cut well before the bound.

    A line that is redrawn after a carriage return, such as a progress bar, is one line: its last state that is not
    blank. *on_redraw* gets what it shows meanwhile, once for each chunk.
    """

    def __init__(self, shown: Callable[[str], str] = public, on_redraw: LogLine = ignore_redraw) -> None:
        self._shown = shown
        self._on_redraw = on_redraw
        self._tail: deque[str] = deque(maxlen=TAIL)
        self._partial = b""
        self._overwritten = b""

    @property
    def tail(self) -> tuple[str, ...]:
        """The last lines."""
        return tuple(self._tail)

    def take(self, chunk: bytes) -> list[str]:
        """The lines that end in *chunk*."""
        *ended, rest = chunk.split(b"\n")
        lines = [line for line in map(self._ended_with, ended) if line]
        self._draw(rest)
        if self._overwritten:
            self._on_redraw(self._shown_now())
        self._tail.extend(lines)
        return lines

    def close(self) -> list[str]:
        """An unfinished line, if there is one."""
        return self.take(b"\n")

    def _ended_with(self, piece: bytes) -> str:
        self._draw(piece)
        line = self._shown_now()
        self._partial = self._overwritten = b""
        return line

    def _shown_now(self) -> str:
        return self._text(self._partial) or self._text(self._overwritten)

    def _draw(self, piece: bytes) -> None:
        """Go on with the unfinished line."""
        first, *later = piece.split(b"\r")
        *overwritten, self._partial = self._begun_with(first), *map(_bounded, later)
        self._overwritten = next(filter(self._text, reversed(overwritten)), self._overwritten)

    def _begun_with(self, more: bytes) -> bytes:
        return _bounded(self._partial + more[: KEPT_BYTES + 1])

    def _text(self, raw: bytes) -> str:
        states = map(_readable, reversed(ERASURE.split(raw.decode("utf-8", "replace"))))
        line = next(filter(None, states), "")
        return line if len(raw) <= KEPT_BYTES else self._shown(line)[:-REACH] + ELLIPSIS


def _bounded(state: bytes) -> bytes:
    """What is kept of an unfinished line; one byte above the bound marks it as incomplete."""
    return state[: KEPT_BYTES + 1]


def _readable(text: str) -> str:
    return readable(text).rstrip()

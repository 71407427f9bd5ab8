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


MOVE = re.compile(rb"\x1b\[(\d{0,3})([AB])")
"""Moves the cursor of a terminal up (A) or down (B)."""
MOST_ROWS = 50
"""Lines of a block that are held; cursors that go further up do not reach more."""
BELOW = 8
"""Lines below a block after which it is drawn no more."""


def ignore_redraw(line: str) -> None:
    """Default for what gets the states of an unfinished line: does nothing."""


class Output:
    """Splits a command's output into readable lines, not made public. Drops blank ones.

    An incomplete line is the exception: beyond the bound could be the second half of a secret, whose first half would
    not be recognised. So *shown* makes this one public, and it is cut well before the bound.

    A line that is redrawn after a carriage return, such as a progress bar, is one line: its last state that is not
    blank. *on_redraw* gets what it shows meanwhile, once for each chunk. So is a block of lines to whose beginning the
    cursor goes up again: it is shown as first drawn and, where it has changed, as drawn last. *on_redraw* gets each.
    """

    def __init__(self, shown: Callable[[str], str] = public, on_redraw: LogLine = ignore_redraw) -> None:
        self._shown = shown
        self._on_redraw = on_redraw
        self._tail: deque[str] = deque(maxlen=TAIL)
        self._partial = b""
        self._overwritten = b""
        self._up = 0
        self._block = _Block()

    @property
    def tail(self) -> tuple[str, ...]:
        """The last lines."""
        return tuple(self._tail)

    def take(self, chunk: bytes) -> list[str]:
        """The lines that end in *chunk*."""
        *ended, rest = chunk.split(b"\n")
        lines = [line for piece in ended for line in self._ended_with(piece)]
        self._draw(rest)
        if self._overwritten:
            self._on_redraw(self._shown_now())
        self._tail.extend(lines)
        return lines

    def close(self) -> list[str]:
        """An unfinished line, if there is one."""
        last = self.take(b"\n")
        held = self._block.end()
        self._tail.extend(held)
        return last + held

    def _ended_with(self, piece: bytes) -> list[str]:
        self._draw(piece)
        line, up = self._shown_now(), self._up + _rows_up(self._partial)
        self._partial = self._overwritten = b""
        self._up = 0
        lines = self._block.take(line, up)
        if self._block.is_held and line:
            self._on_redraw(line)
        return lines

    def _shown_now(self) -> str:
        return self._text(self._partial) or self._text(self._overwritten)

    def _draw(self, piece: bytes) -> None:
        """Go on with the unfinished line."""
        first, *later = piece.split(b"\r")
        *overwritten, self._partial = self._begun_with(first), *map(_bounded, later)
        self._up += sum(map(_rows_up, overwritten))
        self._overwritten = next(filter(self._text, reversed(overwritten)), self._overwritten)

    def _begun_with(self, more: bytes) -> bytes:
        return _bounded(self._partial + more[: KEPT_BYTES + 1])

    def _text(self, raw: bytes) -> str:
        states = map(_readable, reversed(ERASURE.split(raw.decode("utf-8", "replace"))))
        line = next(filter(None, states), "")
        return line if len(raw) <= KEPT_BYTES else self._shown(line)[:-REACH] + ELLIPSIS


class _Block:
    """The lines that a cursor which went up may draw again, each with whether it was shown as it is."""

    def __init__(self) -> None:
        self._above: deque[str] = deque(maxlen=MOST_ROWS)
        self._rows: list[tuple[str, bool]] = []
        self._at = self._below = 0

    @property
    def is_held(self) -> bool:
        """Whether lines are held back."""
        return bool(self._rows)

    def take(self, line: str, up: int) -> list[str]:
        """Draw a line, after the cursor has moved *up*; returns the lines that are drawn no more."""
        self._move(up)
        if not self._rows:
            self._above.append(line)
            return [line] if line else []
        if self._at == len(self._rows):
            self._rows.append((line, False))
            self._below += 1
        elif line and line != self._rows[self._at][0]:
            self._rows[self._at] = (line, False)
        self._at += 1
        return self.end() if self._below > BELOW or len(self._rows) > MOST_ROWS else []

    def end(self) -> list[str]:
        """The lines that are held and were not shown; from now on none is held."""
        lines = [line for line, is_shown in self._rows if line and not is_shown]
        self._above.extend(line for line, _ in self._rows)
        self._rows, self._at, self._below = [], 0, 0
        return lines

    def _move(self, up: int) -> None:
        while up > self._at and self._above and len(self._rows) < MOST_ROWS:
            self._rows.insert(0, (self._above.pop(), True))
            self._at += 1
        self._at = min(max(0, self._at - up), len(self._rows))
        if up > 0:
            self._below = 0


def _rows_up(piece: bytes) -> int:
    """How far *piece* moves the cursor up; less than 0: down."""
    if b"\x1b[" not in piece:
        return 0
    return sum(int(count or 1) * (1 if to == b"A" else -1) for count, to in MOVE.findall(piece))


def _bounded(state: bytes) -> bytes:
    """What is kept of an unfinished line; one byte above the bound marks it as incomplete."""
    return state[: KEPT_BYTES + 1]


def _readable(text: str) -> str:
    return readable(text).rstrip()

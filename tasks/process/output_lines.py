"""Splits a command's output into lines, bounded in memory whatever the command writes."""

from collections import deque
from collections.abc import Callable

from domain.redact import REACH, public
from domain.text import ELLIPSIS, readable

MAX_LINE = 2000
"""Characters of a line that are shown."""
TAIL = 50
"""Lines of the end that are kept."""

KEPT_BYTES = 4 * (MAX_LINE + REACH)
"""Enough for a shown line in UTF-8, and some more, so that no secret is cut through."""


class Output:
    """Splits a command's output into readable lines, not made public. Drops blank ones.

    An incomplete line is the exception: beyond the bound could be the second half of a secret, whose first half would
    not be recognised. So *shown* makes this one public, and it is cut well before the bound.
    """

    def __init__(self, shown: Callable[[str], str] = public) -> None:
        self._shown = shown
        self._tail: deque[str] = deque(maxlen=TAIL)
        self._partial = b""

    @property
    def tail(self) -> tuple[str, ...]:
        """The last lines."""
        return tuple(self._tail)

    def take(self, chunk: bytes) -> list[str]:
        """The lines that end in *chunk*."""
        first, *others = chunk.replace(b"\r", b"\n").split(b"\n")
        ended = []
        for piece in others:
            ended.append(self._begun_with(first))
            self._partial, first = b"", piece
        self._partial = self._begun_with(first)
        lines = [line for line in map(self._text, ended) if line]
        self._tail.extend(lines)
        return lines

    def close(self) -> list[str]:
        """An unfinished line, if there is one."""
        return self.take(b"\n")

    def _begun_with(self, more: bytes) -> bytes:
        """What is kept of an unfinished line; one byte above the bound marks it as incomplete."""
        return (self._partial + more[: KEPT_BYTES + 1])[: KEPT_BYTES + 1]

    def _text(self, raw: bytes) -> str:
        line = readable(raw.decode("utf-8", "replace")).rstrip()
        return line if len(raw) <= KEPT_BYTES else self._shown(line)[:-REACH] + ELLIPSIS

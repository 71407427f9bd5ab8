"""A command's output as lines, bounded in memory whatever the command writes."""

import re
from collections import deque

from domain.text import ELLIPSIS, clean

MAX_LINE = 2000
"""Characters of a line that are kept."""
TAIL = 50
"""Lines of the end that are kept."""

KEPT_BYTES = 4 * MAX_LINE
"""Enough for a line of MAX_LINE characters in UTF-8."""
STYLE = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
"""Colours and the like, for terminals: https://www.ecma-international.org/publications-and-standards/standards/ecma-48/"""


class Output:
    """Takes a command's output as it comes and gives its lines. Blank ones are dropped, long ones cut."""

    def __init__(self) -> None:
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
            ended.append(self._partial + first[:KEPT_BYTES])
            self._partial, first = b"", piece
        self._partial = (self._partial + first[:KEPT_BYTES])[:KEPT_BYTES]
        lines = [line for line in map(_text, ended) if line]
        self._tail.extend(lines)
        return lines

    def close(self) -> list[str]:
        """An unfinished line, if there is one."""
        return self.take(b"\n")


def _text(raw: bytes) -> str:
    line = STYLE.sub("", clean(raw.decode("utf-8", "replace"))).rstrip()
    return line if len(line) <= MAX_LINE else line[: MAX_LINE - 1] + ELLIPSIS

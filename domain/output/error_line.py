"""The line of an output that tells most of why its command failed."""

import re
from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias

from domain.text import one_line

Rule: TypeAlias = Callable[[str], object]
"""What it finds in a line; None where it finds nothing."""

MATCHED = 500
"""Characters of a line that are looked at."""

NAMED_ERROR = re.compile(r"\b\w*(?:error|exception|fatal|critical)\b[^:]{0,40}:", re.IGNORECASE)
ANY_ERROR = re.compile(r"error|exception|fatal|failed|cannot|not found", re.IGNORECASE)
GENERAL: tuple[Rule, ...] = (NAMED_ERROR.search, ANY_ERROR.search)
SIGNS = ("error", "exception", "fatal", "critical", "failed", "cannot", "not found")
"""Without one of these no general rule holds; looking for them is five times as quick."""


class ErrorLine:
    """Takes an output line by line, and knows the first that names an error; with the next where it ends in a colon.

    *rules* go before the general ones, and each before those behind it: a line that the first of them finds goes
    before all that others have found, wherever it stands. Where none finds any it is the last line.
    """

    def __init__(self, rules: Sequence[Rule] = ()) -> None:
        self._rules = (*rules, *GENERAL)
        self._own = len(rules)
        self._rank = len(self._rules)
        self._found: tuple[str, ...] = ()
        self._goes_on = False
        self._last: tuple[str, ...] = ()

    @property
    def lines(self) -> tuple[str, ...]:
        """One line, or two; none of an output without lines. Not made public."""
        return self._found or self._last

    def take(self, line: str) -> None:
        """The output's next line, which is not blank."""
        self._last = (line,)
        if self._goes_on:
            self._found += self._last
            self._goes_on = False
        seen = looked_at(line)
        rules = self._rules[: self._rank]
        if len(rules) > self._own and not _may_name_an_error(seen):
            rules = rules[: self._own]
        for rank, rule in enumerate(rules):
            if rule(seen) is not None:
                self._rank, self._found, self._goes_on = rank, (line,), seen.endswith(":")
                return


def error_line(lines: Iterable[str]) -> str:
    """The first of *lines* that names an error, else the last one; with the next where it ends in a colon."""
    telling = ErrorLine()
    for line in filter(str.strip, lines):
        telling.take(line)
    return one_line(" ".join(telling.lines))


def looked_at(line: str) -> str:
    """The beginning of *line*, each run of white space as one blank."""
    return " ".join(line[:MATCHED].split())


def _may_name_an_error(line: str) -> bool:
    lowered = line.lower()
    return any(sign in lowered for sign in SIGNS)

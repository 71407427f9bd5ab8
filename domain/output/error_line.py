"""Finds the line of a command's output that best explains its failure."""

import re
from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias

from domain.text import one_line

Rule: TypeAlias = Callable[[str], object]
"""Searches a line; None: no match."""

MATCHED = 500
"""Characters of a line that are searched."""

NAMED_ERROR = re.compile(r"\b\w*(?:error|exception|fatal|critical)\b[^:]{0,40}:", re.IGNORECASE)
ANY_ERROR = re.compile(r"error|exception|fatal|failed|cannot|not found", re.IGNORECASE)
GENERAL: tuple[Rule, ...] = (NAMED_ERROR.search, ANY_ERROR.search)
SIGNS = ("error", "exception", "fatal", "critical", "failed", "cannot", "not found")
"""A line without any of these matches no general rule; searching for them is five times as fast."""


class ErrorLine:
    """Takes an output line by line; keeps the first line that names an error, and the next if it ends in a colon.

    *rules* take precedence over the general ones, and each over those after it: a line that the first rule finds
    replaces lines found by others, wherever it is. If no rule finds a line, the last line is kept.
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
        """One or two lines; none if the output has no lines. Not redacted."""
        return self._found or self._last

    def take(self, line: str) -> None:
        """Process the next line of the output, which is not blank."""
        self._last = (line,)
        if self._goes_on:
            self._found += self._last
            self._goes_on = False
        seen = normalized(line)
        rules = self._rules[: self._rank]
        if len(rules) > self._own and not _may_name_an_error(seen):
            rules = rules[: self._own]
        for rank, rule in enumerate(rules):
            if rule(seen) is not None:
                self._rank, self._found, self._goes_on = rank, (line,), seen.endswith(":")
                return


def error_line(lines: Iterable[str]) -> str:
    """The first of *lines* that names an error, else the last one; with the next where it ends in a colon."""
    parser = ErrorLine()
    for line in filter(str.strip, lines):
        parser.take(line)
    return one_line(" ".join(parser.lines))


def normalized(line: str) -> str:
    """The beginning of *line*, each run of white space as one blank."""
    return " ".join(line[:MATCHED].split())


def _may_name_an_error(line: str) -> bool:
    lowered = line.lower()
    return any(sign in lowered for sign in SIGNS)

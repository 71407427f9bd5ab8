"""Finds the line of a command's output that best explains its failure."""

from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias

from domain.output.signs import Sign, message_in, sign_of
from domain.text import one_line

Rule: TypeAlias = Callable[[str], object]
"""Searches a line; None: no match."""

MATCHED = 500
"""Characters of a line that are searched."""


class ErrorLine:
    """Takes an output line by line; keeps the first line that names an error, and the next if it ends in a colon.

    *rules* take precedence over what is an error in general, and each over those after it: a line that the first rule
    finds replaces lines found by others, wherever it is. If no line names an error, it is the first warning where the
    output says that warnings are why it failed, else the last line that says more than that something failed.
    """

    def __init__(self, rules: Sequence[Rule] = ()) -> None:
        self._rules = rules
        self._rank = len(rules) + 2
        self._found: tuple[str, ...] = ()
        self._goes_on = False
        self._others: dict[Sign, str] = {}

    @property
    def lines(self) -> tuple[str, ...]:
        """One or two lines; none if the output has no lines. Not redacted."""
        if self._found:
            return self._found
        order = [Sign.WORDS, Sign.VAGUE, Sign.STRICT, Sign.WARNING, Sign.NOTHING]
        if Sign.STRICT in self._others:
            order.insert(0, Sign.WARNING)
        return next(((self._others[sign],) for sign in order if sign in self._others), ())

    def take(self, line: str) -> Sign:
        """Process the next line of the output, which is not blank; what it is about."""
        said = message_in(line)
        seen = normalized(said)
        if self._goes_on:
            self._found += (said,)
            self._goes_on = False
        sign = sign_of(seen)
        rank = self._rank_of(seen, sign)
        if rank < self._rank:
            self._rank, self._found, self._goes_on = rank, (said,), seen.endswith(":")
        else:
            self._keep(said, sign)
        return Sign.ERROR if rank < len(self._rules) else sign

    def _rank_of(self, seen: str, sign: Sign) -> int:
        own = next((rank for rank, rule in enumerate(self._rules[: self._rank]) if rule(seen) is not None), None)
        if own is not None:
            return own
        return len(self._rules) + (Sign.ERROR - sign if sign >= Sign.MAYBE else Sign.ERROR)

    def _keep(self, line: str, sign: Sign) -> None:
        """Keep the first line of each sign; of other words the last before something failed."""
        if sign is Sign.WORDS and Sign.VAGUE not in self._others:
            self._others[sign] = line
        else:
            self._others.setdefault(sign, line)


def error_line(lines: Iterable[str]) -> str:
    """The line of *lines* that best explains a failure; with the next where it ends in a colon."""
    parser = ErrorLine()
    for line in filter(str.strip, lines):
        parser.take(line)
    return one_line(" ".join(parser.lines))


def normalized(line: str) -> str:
    """The beginning of *line*, each run of white space as one blank."""
    return " ".join(line[:MATCHED].split())

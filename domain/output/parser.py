"""What a command's output tells beside its words: how far it is, what it counted, and why it failed."""

import re
from collections.abc import Mapping, Sequence

from domain.output.error_line import ErrorLine, looked_at
from domain.output.patterns import LinePattern, finder
from domain.output.progress import Progress, progress_in, progress_of


class OutputParser:
    """Takes an output line by line, bounded in memory and in time: a line's first 500 characters are looked at.

    Without a pattern for progress the general ones of `progress_in` hold; what names an error in general is an error
    beside what *patterns* say.
    """

    def __init__(self, patterns: Sequence[LinePattern] = ()) -> None:
        self._progress = [(finder(one.progress), one.what) for one in patterns if one.progress]
        self._counted = [(finder(one.count), one.what) for one in patterns if one.count and one.what]
        self._telling = ErrorLine([finder(one.error) for one in patterns if one.error])
        self._counts = {one.what: (0, 0) for one in patterns if one.what}

    @property
    def counts(self) -> str:
        """What was counted, such as "3 warnings, 41 pages"; empty where nothing was."""
        return ", ".join(_in_words(what, *numbers) for what, numbers in self._counts.items() if any(numbers))

    @property
    def telling(self) -> tuple[str, ...]:
        """The line that tells most of why the command failed, see `ErrorLine`; not made public."""
        return self._telling.lines

    def take(self, line: str) -> Progress | None:
        """The output's next line, which is not blank. How far the command is, if it says so."""
        self._telling.take(line)
        seen = looked_at(line)
        for find, what in self._counted:
            if (told := find(seen)) is not None:
                number = int(told["count"]) if "count" in told else self._counts[what][0] + 1
                self._counts[what] = (number, number)
        return self._progress_in(seen)

    def _progress_in(self, seen: str) -> Progress | None:
        if not self._progress:
            return progress_in(seen)
        for find, what in self._progress:
            if (told := find(seen)) and (progress := _progress(told)):
                if what is not None:
                    self._counts[what] = (progress.done, progress.total)
                return progress
        return None


def _progress(told: Mapping[str, str]) -> Progress | None:
    numbers = {name: int(number) for name, number in told.items()}
    if "percent" in numbers:
        return progress_of(numbers["percent"], 100)
    return progress_of(numbers["done"], numbers["total"])


def _in_words(what: str, number: int, total: int) -> str:
    """Such as "3 warnings", "1 page", "12 of 40 pages translated"; the first word of *what* is what there is one of."""
    if number != total:
        return f"{number} of {total} {what}"
    return f"{number} {_singular(what) if number == 1 else what}"


def _singular(what: str) -> str:
    noun, blank, rest = what.partition(" ")
    return re.sub(r"s$", "", re.sub(r"ies$", "y", noun)) + blank + rest

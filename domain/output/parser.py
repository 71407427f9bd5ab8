"""Parses a command's output for progress, counts and the line that names the error."""

import re
from collections.abc import Mapping, Sequence

from domain.output.error_line import ErrorLine, normalized
from domain.output.findings import Finding, FindingParser
from domain.output.patterns import LinePattern, finder
from domain.output.presets import GENERAL
from domain.output.progress import Progress
from domain.output.signs import Sign


class OutputParser:
    """Takes an output line by line, bounded in memory and in time: only a line's first 500 characters are parsed.

    Without a progress pattern the general ones apply; the general rules for errors apply in addition to *patterns*.
    `sign`: what the latest line is about.
    """

    sign = Sign.NOTHING

    def __init__(self, patterns: Sequence[LinePattern] = ()) -> None:
        progress = [one for one in patterns if one.progress] or GENERAL
        self._progress = [(finder(one.progress), one.what) for one in progress if one.progress]
        self._counted = [(finder(one.count), one.what) for one in patterns if one.count and one.what]
        self._error_line = ErrorLine([finder(one.error) for one in patterns if one.error])
        self._counts = {one.what: (0, 0) for one in patterns if one.what}
        self._findings = FindingParser([finder(one.finding) for one in patterns if one.finding])

    @property
    def counts(self) -> str:
        """The counts, such as "3 warnings, 41 pages"; empty without any."""
        return ", ".join(_in_words(what, *numbers) for what, numbers in self._counts.items() if any(numbers))

    @property
    def error_line(self) -> tuple[str, ...]:
        """The line that best explains the failure, see `ErrorLine`; not redacted."""
        return self._error_line.lines

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What it says of places in files; not redacted."""
        return self._findings.findings

    def take(self, line: str) -> Progress | None:
        """Process the next line of the output, which is not blank; returns the progress that it reports, if any."""
        self.sign = self._error_line.take(line)
        seen = normalized(line)
        self._findings.take(seen)
        for find, what in self._counted:
            if (numbers := find(seen)) is not None:
                number = int(numbers["count"]) if "count" in numbers else self._counts[what][0] + 1
                self._counts[what] = (number, number)
        return self._progress_in(seen)

    def progress_in(self, line: str) -> Progress | None:
        """The progress that *line* reports, which is redrawn and so is not counted; None: it reports none."""
        return self._progress_in(normalized(line))

    def _progress_in(self, seen: str) -> Progress | None:
        for find, what in self._progress:
            if (numbers := find(seen)) and (progress := _progress(numbers)):
                if what is not None:
                    self._counts[what] = (progress.done, progress.total)
                return progress
        return None


def _progress(found: Mapping[str, str]) -> Progress | None:
    """The progress; None if the numbers make no sense."""
    done, total = int(found.get("percent", found.get("done", 0))), int(found.get("total", 100))
    return Progress(done, total) if 0 < total >= done else None


def _in_words(what: str, number: int, total: int) -> str:
    """Such as "3 warnings", "1 page", "12 of 40 pages translated"; the first word of *what* is put in the singular."""
    if number != total:
        return f"{number} of {total} {what}"
    return f"{number} {_singular(what) if number == 1 else what}"


def _singular(what: str) -> str:
    noun, blank, rest = what.partition(" ")
    return re.sub(r"s$", "", re.sub(r"ies$", "y", noun)) + blank + rest

"""Progress of a job, read from its output."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

COUNTS = (
    re.compile(r"\bprogress:\s*(\d{1,9})\s*/\s*(\d{1,9})\b", re.IGNORECASE),
    re.compile(r"\bprocessing\s+(\d{1,9})\s+of\s+(\d{1,9})\b", re.IGNORECASE),
    re.compile(r"(?<![\w./])(\d{1,9})\s*/\s*(\d{1,9})\s+pages?\b", re.IGNORECASE),
)
PERCENT = re.compile(r"\.\.\. \[\s*(\d{1,3})%\]")
"""As Sphinx prints it: `reading sources... [ 50%] intro`."""


@dataclass(frozen=True, slots=True)
class Progress:
    """*done* of *total*: 0 ≤ done ≤ total, and total > 0."""

    done: int
    total: int

    @property
    def percent(self) -> float:
        """From 0 to 100."""
        return 100 * self.done / self.total


ShowProgress: TypeAlias = Callable[[Progress], None]


def ignore_progress(progress: Progress) -> None:
    """Default for `ShowProgress`: does nothing."""


def progress_in(line: str) -> Progress | None:
    """The progress in *line*, such as `Progress: 5/10`, `Processing 5 of 10`, `5/10 pages`. None: there is none."""
    for pattern in COUNTS:
        if found := pattern.search(line):
            return progress_of(int(found[1]), int(found[2]))
    if found := PERCENT.search(line):
        return progress_of(int(found[1]), 100)
    return None


def progress_of(done: int, total: int) -> Progress | None:
    """The progress, or None if the numbers make no sense."""
    return Progress(done, total) if total > 0 and done <= total else None

"""How far a job has come, as its own output tells."""

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
"""As Sphinx writes it: `reading sources... [ 50%] intro`."""


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


def unseen(progress: Progress) -> None:
    """Nobody looks at it."""


def progress_in(line: str) -> Progress | None:
    """What *line* tells, such as `Progress: 5/10`, `Processing 5 of 10`, `5/10 pages`; None where it tells nothing."""
    for pattern in COUNTS:
        if found := pattern.search(line):
            return progress_of(int(found[1]), int(found[2]))
    if found := PERCENT.search(line):
        return progress_of(int(found[1]), 100)
    return None


def progress_of(done: int, total: int) -> Progress | None:
    """None where it cannot be."""
    return Progress(done, total) if total > 0 and done <= total else None

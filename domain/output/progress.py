"""Progress of a job, read from its output."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias


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

"""Measures the memory that a piece of work takes for each file."""

import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

BYTES_A_FILE = 50
"""Fewer than a file's name held in memory takes, and more than what else a process does may add to many files."""


@dataclass(slots=True)
class Peaks:
    """The most bytes in use at once, by the number of files."""

    of: dict[int, int] = field(default_factory=dict)

    @contextmanager
    def measured(self, files: int) -> Iterator[None]:
        """Measures what the whole process allocates in the block, other threads included."""
        tracemalloc.start()
        try:
            yield
            self.of[files] = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    @property
    def bytes_a_file(self) -> float:
        """What each file more has added, from the fewest files to the most."""
        few, many = min(self.of), max(self.of)
        return (self.of[many] - self.of[few]) / (many - few)

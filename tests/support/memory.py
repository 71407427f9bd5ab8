"""Measures the memory that a piece of work takes for each file."""

import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

BYTES_A_FILE = 50
"""Less than a file name in memory takes, and more than other work of the process adds per file."""


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
        """Bytes added per file, from the fewest files to the most."""
        few, many = min(self.of), max(self.of)
        return (self.of[many] - self.of[few]) / (many - few)

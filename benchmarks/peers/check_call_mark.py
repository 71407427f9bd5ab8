"""Reports with a library: looks up what has been reported, calls GitHub, notes it in a file. Standard library only."""

import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

SHA = "3f2a91c0" * 5


@dataclass
class Reports:
    """The contexts still to be reported, and what a driver does with them. `left` may be shared by threads."""

    url: str
    at_once: int
    is_paced: bool
    marks: Path
    left: Iterator[str]
    failed: int = 0
    _began: tuple[float, float] = field(default_factory=lambda: (time.perf_counter(), time.process_time()))

    @contextmanager
    def marking(self, context: str) -> Iterator[None]:
        """Note that *context* is reported, unless the block raises: then it counts as failed."""
        try:
            yield
        except Exception:  # noqa: BLE001  # each library has its own; a program would log it and go on
            self.failed += 1
        else:
            with self.marks.open("a") as marks:
                marks.write(f"{context}\n")

    def end(self) -> None:
        """Print what it took, as JSON, and end this process, whatever threads are left."""
        seconds, cpu = time.perf_counter() - self._began[0], time.process_time() - self._began[1]
        sys.stdout.write(json.dumps({"seconds": seconds, "cpu": cpu, "failed": self.failed}))
        sys.stdout.flush()
        os._exit(0)


def reports() -> Reports:
    """What the command's arguments ask for: URL, COUNT, AT_ONCE, MARKS (a file), and "paced" or "unpaced"."""
    url, count, at_once, file, pace = sys.argv[1:]
    marks = Path(file)
    done = set(marks.read_text().splitlines()) if marks.exists() else set()
    left = [context for number in range(int(count)) if (context := f"docs/{number}") not in done]
    return Reports(url, int(at_once), pace == "paced", marks, iter(left))

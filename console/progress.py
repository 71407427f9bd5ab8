"""Shows a command's progress on stderr, if it takes longer than a second and stderr is a terminal."""

import logging
import time
from types import TracebackType
from typing import Self

from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from console.terminal import plain, stderr_console

LOGGER = logging.getLogger("reportback")

SILENT = 1.0
"""Seconds without a bar: a shorter command needs none."""


class CommandProgress:
    """`with CommandProgress("retrying", total=3) as progress`. Without a *total* it only shows activity.

    What Reportback's modules log in the block is printed above the bar.
    """

    def __init__(self, what: str, *, total: int | None = None) -> None:
        counted = () if total is None else (BarColumn(), MofNCompleteColumn())
        self._bar = Progress(
            SpinnerColumn(), TextColumn("{task.description}"), *counted, TimeElapsedColumn(),
            console=stderr_console(), transient=True,
        )  # fmt: skip
        self._task = self._bar.add_task(what, total=total)
        self._began = time.monotonic()
        self._handler = _LinesAbove(self)

    def __enter__(self) -> Self:
        LOGGER.addHandler(self._handler)
        LOGGER.propagate = False  # Prefect's console handler would print them again
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        LOGGER.propagate = True
        LOGGER.removeHandler(self._handler)
        if self._bar.live.is_started:
            self._bar.stop()

    def say(self, words: str) -> None:
        """Print a line on stderr, above the bar."""
        self._bar.console.print(plain(words))

    def expect(self, total: int) -> None:
        """Set the *total*."""
        self._bar.update(self._task, total=total)

    def step(self, number: int = 1) -> None:
        """Count *number* more as done; 0 only shows activity."""
        is_slow = time.monotonic() - self._began > SILENT
        if is_slow and self._bar.console.is_terminal and not self._bar.live.is_started:
            self._bar.start()
        self._bar.advance(self._task, number)


class _LinesAbove(logging.Handler):
    """Prints log lines above a command's progress."""

    def __init__(self, progress: CommandProgress) -> None:
        super().__init__()
        self._progress = progress

    def emit(self, record: logging.LogRecord) -> None:
        """Print *record*, without its level: as the command's own lines."""
        self._progress.say(record.getMessage())

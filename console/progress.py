"""Shows a command's progress on stderr, if that is a terminal."""

import logging
from typing import Self

from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from console.terminal import plain, stderr_console

LOGGER = logging.getLogger("reportback")


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
        self._handler = _LinesAbove(self)

    def __enter__(self) -> Self:
        LOGGER.addHandler(self._handler)
        LOGGER.propagate = False  # Prefect's console handler would print them again
        if self._bar.console.is_terminal:
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
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
        """Count *number* more as done."""
        self._bar.advance(self._task, number)


class _LinesAbove(logging.Handler):
    """Prints log lines above a command's progress."""

    def __init__(self, progress: CommandProgress) -> None:
        super().__init__()
        self._progress = progress

    def emit(self, record: logging.LogRecord) -> None:
        """Print *record*, without its level: as the command's own lines."""
        self._progress.say(record.getMessage())

"""What Reportback's modules log, as a list, or as a failure."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

LOGGER = logging.getLogger("reportback")


class _Lines(logging.Handler):
    """Gives each line to a function, in whose exceptions the code that logs ends."""

    def __init__(self, take: Callable[[str], None]) -> None:
        super().__init__()
        self._take = take

    def emit(self, record: logging.LogRecord) -> None:
        self._take(record.getMessage())


@contextmanager
def lines_to(take: Callable[[str], None]) -> Iterator[None]:
    """Call *take* with each line that is logged in the block."""
    handler = _Lines(take)
    LOGGER.addHandler(handler)
    try:
        yield
    finally:
        LOGGER.removeHandler(handler)


def _fail(line: str) -> None:
    raise AssertionError(line)


@contextmanager
def nothing_logged() -> Iterator[None]:
    """Fail where a line is logged in the block."""
    with lines_to(_fail):
        yield

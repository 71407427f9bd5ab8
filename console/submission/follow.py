"""Follows a docs job until it has ended and is reported; prints its state on a changing line, or a line per change."""

import asyncio
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from prefect.client.schemas.objects import State

from console.submission.prefect_jobs import Jobs
from console.terminal import plain, say, stderr_console

POLL_EVERY = timedelta(seconds=2)
SHOWN_LATER = timedelta(seconds=20)
"""Prefect's server stores task runs a little after the flow run that they belong to."""

STEP = 10.0
"""Per cent of progress per printed line."""

EXPLANATIONS = {
    "Scheduled": "waits for a worker",
    "Late": "waits for a worker: does one run for the pool reportback-jobs, and has it a place left?",
}


@dataclass(frozen=True, slots=True)
class End:
    """How a job ended. `report` is the state of the task that reports it; None: there is none yet."""

    state: State[Any]
    report: State[Any] | None


@contextmanager
def status_line() -> Iterator[Callable[[str], None]]:
    """A function that shows the current state on stderr, for a person or a log."""
    if sys.stderr.isatty():
        with stderr_console().status("") as line:
            yield lambda words: line.update(plain(words))
    else:  # where FORCE_COLOR is set, Rich would draw for a log too
        yield _print_changes()


def _print_changes() -> Callable[[str], None]:
    last = ""

    def show(words: str) -> None:
        nonlocal last
        if words != last:
            say(words)
        last = words

    return show


async def follow(jobs: Jobs, run_id: UUID, show: Callable[[str], None]) -> End:
    """Wait until the job has ended and, if it gets that far, is reported; *show* gets its current state.

    Raises:
        JobNotStarted: the flow run was deleted.
        Unreachable: the server was unavailable for too long.
    """
    done = 0.0
    while True:
        state = await jobs.state(run_id)
        if state is not None and state.is_final():
            return End(state, await _reported(jobs, run_id))
        done = max(done, STEP * (((await jobs.progress(run_id)) or 0.0) // STEP))
        blocker = await jobs.blocker() if state is None or state.name in EXPLANATIONS else ""
        show(status_text(state, done, blocker))
        await asyncio.sleep(POLL_EVERY.total_seconds())


def status_text(state: State[Any] | None, done: float, blocker: str = "") -> str:
    """The state of a job as text; *done* in per cent. *blocker*: what keeps it from being started."""
    if state is None or state.name is None:
        return "Scheduled"
    words = blocker or EXPLANATIONS.get(state.name) or state.message or (f"{done:.0f} %" if done else "")
    return f"{state.name}: {words}" if words else state.name


async def _reported(jobs: Jobs, run_id: UUID) -> State[Any] | None:
    """The state of the report's task, which ends before the flow run but may be stored later."""
    until = time.monotonic() + SHOWN_LATER.total_seconds()
    while True:
        report = await jobs.report(run_id)
        if (report is not None and report.is_final()) or time.monotonic() >= until:
            return report
        await asyncio.sleep(POLL_EVERY.total_seconds())

"""Watching a docs job until it is over and reported: a line that changes on a terminal, else a line for each change."""

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
from console.terminal import aside, plain, say

POLL_EVERY = timedelta(seconds=2)
SHOWN_LATER = timedelta(seconds=20)
"""Prefect's server stores task runs a little after the flow run that they belong to."""

STEP = 10.0
"""Per cent of progress that are worth a line."""

OURS_TO_EXPLAIN = {
    "Scheduled": "waits for a worker",
    "Late": "waits for a worker: does one run for the pool reportback-jobs, and has it a place left?",
}


@dataclass(frozen=True, slots=True)
class End:
    """How a job ended. `report` is the task that reports it; None: nobody knows of one yet."""

    state: State[Any]
    report: State[Any] | None


@contextmanager
def line_of_now() -> Iterator[Callable[[str], None]]:
    """A function that takes where things stand, for a person or a log to read on stderr."""
    if sys.stderr.isatty():
        with aside().status("") as line:
            yield lambda words: line.update(plain(words))
    else:  # where FORCE_COLOR is set, Rich would draw for a log too
        yield _each_change()


def _each_change() -> Callable[[str], None]:
    last = ""

    def show(words: str) -> None:
        nonlocal last
        if words != last:
            say(words)
        last = words

    return show


async def follow(jobs: Jobs, run_id: UUID, show: Callable[[str], None]) -> End:
    """How the job ended, once it is over and, if it gets that far, reported; *show* hears where it stands.

    Raises:
        NotStarted: the flow run was deleted.
        Unreachable: the server was away for too long.
    """
    done = 0.0
    while True:
        state = await jobs.state(run_id)
        if state is not None and state.is_final():
            return End(state, await _reported(jobs, run_id))
        done = max(done, STEP * (((await jobs.progress(run_id)) or 0.0) // STEP))
        show(standing(state, done))
        await asyncio.sleep(POLL_EVERY.total_seconds())


def standing(state: State[Any] | None, done: float) -> str:
    """Where a job stands, in words; *done* in per cent."""
    if state is None or state.name is None:
        return "Scheduled"
    words = OURS_TO_EXPLAIN.get(state.name) or state.message or (f"{done:.0f} %" if done else "")
    return f"{state.name}: {words}" if words else state.name


async def _reported(jobs: Jobs, run_id: UUID) -> State[Any] | None:
    """What the report came to, for which the end of the flow run waits; what is shown of it may come later."""
    until = time.monotonic() + SHOWN_LATER.total_seconds()
    while True:
        report = await jobs.report(run_id)
        if (report is not None and report.is_final()) or time.monotonic() >= until:
            return report
        await asyncio.sleep(POLL_EVERY.total_seconds())

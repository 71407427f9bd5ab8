"""Causes random faults during the hour: at GitHub, and in the processes of jobs."""

import os
import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from random import Random
from typing import Any

from domain.jobs.job_states import JobState
from fake_github.process import StandIn
from local.prefect_api import PrefectApi, Refused
from storage.models import Job

FAULTS: Sequence[tuple[str, Mapping[str, Any]]] = (
    ("close", {"where": "after"}),
    ("reset", {"where": "before"}),
    ("hang", {"seconds": 12, "where": "after"}),
    ("hang", {}),
    ("drip", {"seconds": 8}),
    ("truncate", {"where": "after"}),
    ("server_error", {"status": 503, "times": 3}),
    ("server_error", {"status": 500, "where": "after"}),
    ("html", {"times": 2}),
    ("odd_success", {}),
    ("secondary_limit", {"seconds": 20}),
    ("primary_limit", {"seconds": 60}),
    ("bad_credentials", {}),
    ("no_such_commit", {}),
    ("lag", {"seconds": 4, "times": 3}),
    ("redirect", {}),
)
"""Faults of the stand-in that end by themselves: see fake_github/faults.py."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """Causes faults: each call one, described in the result."""

    github: StandIn
    prefect: PrefectApi
    random: Random

    async def at_github(self) -> str:
        """Cause a fault of the next requests."""
        kind, fields = self.random.choice(FAULTS)
        await self.github.fault(kind, **fields)
        return f"GitHub: {kind} {dict(fields) or ''}".rstrip()

    async def of_a_job(self, jobs: Sequence[Job]) -> str | None:
        """Kill, cancel, or stop for a while one of the running *jobs*; None: none runs."""
        running = [job for job in jobs if job.state is JobState.RUNNING and job.pid is not None]
        if not running:
            return None
        job = self.random.choice(running)
        how = self.random.choice(("killed", "terminated", "cancelled"))
        if how == "cancelled":
            with suppress(Refused):  # it has ended meanwhile
                await self.prefect.set_state(str(job.id), "CANCELLING")
        else:
            number = signal.SIGKILL if how == "killed" else signal.SIGTERM
            with suppress(ProcessLookupError):  # it has ended meanwhile
                os.kill(job.pid or 0, number)
        return f"job {job.number} {how}"

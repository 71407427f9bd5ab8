"""Simulates a day: jobs of many repositories, three credentials, two outages, a storm of rate limits.

Jobs, tasks and reconciliation run the real `deliver`, claims, backlog and ledger; only Prefect is left out. Tests
assert on the requests the stand-in has seen and the statuses it holds at midnight.
"""

import asyncio
import random
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from ledger_jobs import accept, begin, end, recorded
from log_lines import nothing_logged
from promise import histories
from simulated import SimulatedClock, Simulation, in_simulated_time
from world import World

from benchmarks.peers.with_reportback import deliver_as_task
from domain.delivery.budget import WriteBudget
from domain.delivery.policy import Policy
from domain.delivery.target import Target
from domain.jobs.execution import Order
from domain.jobs.job_states import JobState
from fake_github.app import FakeGitHub
from fake_github.faults import Fault, Kind
from fake_github.limits import Limits
from fake_github.requests import Seen
from fake_github.surfaces.surface import Rules
from tasks.delivery.deliver_due import deliver_due
from tasks.report_status import Undelivered, deliver_report

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
REPOSITORIES = 50
CREDENTIALS = ("env:ONE", "env:TWO", "env:THREE")
WORK = (6 * HOUR, 20 * HOUR)
"""Hours in which jobs begin; the night is for the backlog."""

STORM = (17 * HOUR, 20 * HOUR)
DRAINED = 4 * HOUR
"""How long a storm delays the outcomes it affects: its last pause, and the backlog."""

PASS, SENDERS, INTERVAL = timedelta(seconds=50), 8, MINUTE
"""The defaults of settings.py."""


def name_of(number: int) -> str:
    return f"acme/site-{number}"


def credential_of(repository: str) -> str:
    return CREDENTIALS[int(repository.partition("-")[2]) % len(CREDENTIALS)]


@dataclass(frozen=True, slots=True)
class Size:
    """The number of jobs. `in_storm` of them begin while GitHub limits the first credential."""

    jobs: int
    in_storm: int
    budget: WriteBudget


@dataclass(frozen=True, slots=True)
class Trouble:
    """Faults of GitHub from `start` to `end`, counted from midnight, for one credential or for all."""

    start: timedelta
    end: timedelta
    faults: tuple[dict[str, object], ...]
    credential: str | None = None
    sequel: timedelta = 80 * MINUTE
    """How long it delays the outcomes it affects: the longest backoff is an hour, give or take a fifth."""

    def given(self) -> Iterator[Fault]:
        """Its faults, one for each affected repository."""
        for repository in map(name_of, range(REPOSITORIES)):
            if self.credential in (None, credential_of(repository)):
                for fault in self.faults:
                    yield Fault.model_validate({**fault, "repository": repository, "times": 0})


STRUCK = (CREDENTIALS[0], DRAINED)

TROUBLES = (
    Trouble(9 * HOUR, 10 * HOUR, ({"kind": Kind.SERVER_ERROR, "method": "*"},)),
    Trouble(
        13 * HOUR,
        13 * HOUR + 30 * MINUTE,
        ({"kind": Kind.CLOSE, "where": "after"}, {"kind": Kind.SERVER_ERROR, "method": "GET"}),
    ),
    Trouble(STORM[0], 18 * HOUR, ({"kind": Kind.PRIMARY_LIMIT, "seconds": 1500, "method": "*"},), *STRUCK),
    Trouble(
        18 * HOUR, 19 * HOUR, ({"kind": Kind.SECONDARY_LIMIT, "seconds": 700, "status": 429, "method": "*"},), *STRUCK
    ),
    Trouble(19 * HOUR, STORM[1], ({"kind": Kind.SECONDARY_LIMIT, "method": "*"},), *STRUCK),
)
"""GitHub is down; stores but loses its replies; limits one credential, with or without naming a time."""


@dataclass
class Day(Simulation):
    """A day that begins at midnight, and its results. The same seed always makes the same day."""

    size: Size
    is_quiet: bool = False  # nothing was recorded since a pass that left nothing over

    async def pass_by(self) -> None:
        """Run the day, and as much of the night as is needed."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._reconciliations())
            group.create_task(self._weather())
            for number, (start, target) in enumerate(self._jobs()):
                group.create_task(self._job(number, start, target))
        self.histories = await histories(self.world)

    def _jobs(self) -> Iterator[tuple[timedelta, Target]]:
        """The begin and target of each job; one in five is for a commit that had a job already."""
        for number in range(self.size.jobs):
            in_storm = number < self.size.in_storm
            first, last = STORM if in_storm else WORK
            start = first + self.chance.random() * (last - first)
            repository = self.chance.randrange(0, REPOSITORIES, 3) if in_storm else self.chance.randrange(REPOSITORIES)
            sha = f"{self.chance.randrange(1 + 4 * number // 5):040x}"
            yield start, Target(name_of(repository), sha, "docs/sphinx")

    async def _weather(self) -> None:
        """Set GitHub's faults for each hour."""
        for moment in sorted({moment for trouble in TROUBLES for moment in (trouble.start, trouble.end)}):
            await self.until(moment)
            script = self.world.github.script
            script.clear()
            script.add(
                *(fault for trouble in TROUBLES if trouble.start <= moment < trouble.end for fault in trouble.given())
            )

    async def _job(self, number: int, start: timedelta, target: Target) -> None:
        await self.until(start)
        url = f"https://github.com/{target.repository}/commit/{target.sha}"
        order = Order(UUID(int=number + 1), "sphinx", {}, None, target, url, credential_of(target.repository))
        self.is_quiet = False
        execution = await accept(self.world.ledger, order)
        with suppress(Undelivered):
            await deliver_report(self.world.reporter, recorded(execution.report))
        await begin(self.world.ledger, execution)
        await asyncio.sleep(self.chance.uniform(20, 600))
        state = self.chance.choice((JobState.SUCCEEDED, JobState.FAILED))
        self.is_quiet = False
        outcome = await end(self.world.ledger, execution, state, credential=order.credential)
        if self.chance.random() > 0.05:  # else its process dies here
            await deliver_as_task(self.world.reporter, recorded(outcome))

    async def _reconciliations(self) -> None:
        """A reconciliation run every minute, except where it would find nothing."""
        for number in range(int(2 * 24 * HOUR / INTERVAL)):
            await self.until(number * INTERVAL)
            if self.is_quiet and self.world.clock.now > self.began + WORK[1] + HOUR:
                return
            if not self.is_quiet:
                self.is_quiet = True
                with nothing_logged():
                    result = await deliver_due(self.world.reporter, UUID(int=number), budget=PASS, senders=SENDERS)
                self.is_quiet = self.is_quiet and result.undelivered == 0
        raise AssertionError("not done by the next midnight")

    def requests(self, credential: str) -> list[Seen]:
        """The requests that GitHub saw of a credential, oldest first."""
        return [
            seen for seen in self.world.github.requests.seen if credential_of(seen.path.split("/")[3]) == credential
        ]

    def troubles(self, credential: str) -> list[Trouble]:
        return [trouble for trouble in TROUBLES if trouble.credential in (None, credential)]


def simulated_day(url: str, size: Size, seed: int) -> Day:
    """Run the day *seed* on the ledger at *url*."""

    def github(clock: SimulatedClock) -> FakeGitHub:
        return FakeGitHub(
            Rules(limits=Limits(writes_per_minute=size.budget.per_minute)), clock=clock, sleep=clock.sleep
        )

    async def pass_by(world: World) -> Day:
        world.tokens = {name: f"token-of-{name[4:]}" for name in CREDENTIALS}
        day = Day(world, random.Random(seed), size)  # noqa: S311  # a day that can be had again
        await day.pass_by()
        return day

    return in_simulated_time(url, Policy(budget=size.budget), pass_by, github)

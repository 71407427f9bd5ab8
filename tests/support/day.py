"""Simulates a day: jobs of many repositories, three credentials, two outages, a storm of rate limits.

Jobs, tasks and reconciliation run the real `deliver`, claims, backlog and ledger; only Prefect is left out. Tests
assert on the requests the stand-in has seen and the statuses it holds at midnight.
"""

import asyncio
import random
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from log_lines import nothing_logged
from promise import histories
from simulated import SimulatedClock, Simulation, in_simulated_time
from world import World, accept, begin, end, recorded

from domain.delivery.budget import WriteBudget
from domain.delivery.policy import Policy
from domain.delivery.report import RecordedReport
from domain.delivery.target import Target
from domain.jobs.execution import Order
from domain.jobs.job_states import JobState
from fake_github.app import FakeGitHub
from fake_github.faults import Fault, Kind
from fake_github.limits import Limits
from fake_github.requests import Seen
from fake_github.surfaces.surface import Rules
from tasks.delivery.deliver_due import deliver_due
from tasks.delivery.reporter import Reporter
from tasks.report_status import RETRIES, Undelivered, deliver_report

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
            await report_status(self.world.reporter, recorded(outcome))

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


async def report_status(reporter: Reporter, report: RecordedReport) -> None:
    """The task `report_status`, with Prefect's retries."""
    for number in range(RETRIES + 1):
        try:
            await deliver_report(reporter, report, job_ends_now=True)
        except Undelivered as error:
            if not error.may_help or number == RETRIES:
                return
            await asyncio.sleep(2**number)
        else:
            return


def earliest(before: list[datetime], count: int, budget: WriteBudget, *, start: datetime) -> list[datetime]:
    """The earliest time at which *count* requests could have left, from *start* on and after those *before* them."""
    windows = ((1, budget.spacing), (budget.per_minute, MINUTE), (budget.per_hour, HOUR))
    sent = list(before)
    for _ in range(count):
        sent.append(max([start, *(sent[-most] + span for most, span in windows if len(sent) >= most)]))
    return sent[len(before) :]


def drain_time(count: int, budget: WriteBudget) -> timedelta:
    """The least time to send *count* reports, if nothing was sent in the hour before.

    In closed form, from the first request to the last: full hours, then full minutes, then the spacing of requests. An
    hour must have room for `per_hour` requests at that spacing; a minute without room for `per_minute` does not bind.
    """
    hours, rest = divmod(count - 1, budget.per_hour)
    per_minute = budget.per_minute if budget.per_minute * budget.spacing <= MINUTE else budget.per_hour
    minutes, last = divmod(rest, per_minute)
    return hours * HOUR + minutes * MINUTE + last * budget.spacing


# What is wrong with a day.


def impatient(day: Day) -> list[str]:
    """Requests made during a pause that GitHub had asked for."""
    found = []
    for name in CREDENTIALS:
        told_at = wait_until = day.began
        for seen in day.requests(name):
            if told_at < seen.at < wait_until:
                found.append(f"{name} asked at {seen.at}, having been told at {told_at} to wait until {wait_until}")
            if seen.answered in (403, 429):
                told_at, wait_until = seen.at, seen.at + _named_wait(day, name, seen.at)
    return found


def _named_wait(day: Day, credential: str, at: datetime) -> timedelta:
    """The pause that GitHub asks for; a minute where it names none."""
    strikes = (trouble for trouble in day.troubles(credential) if trouble.start <= at - day.began < trouble.end)
    seconds = [fault.get("seconds", 60) for trouble in strikes for fault in trouble.faults]
    assert seconds, f"a limit of GitHub's own at {at}: the budget was not kept"
    return timedelta(seconds=float(str(seconds[0])))


def starved(day: Day) -> list[str]:
    """Outcomes that waited longer than their own credential's faults explain."""
    found = []
    for of in day.histories:
        newest = of.newest
        assert newest is not None and newest.delivered_at is not None
        recorded = newest.created_at - day.began
        mine = day.troubles(of.target.credential or "")
        excused = [one.end + one.sequel for one in mine if one.start <= recorded < one.end + one.sequel]
        latest = max([recorded + 2 * INTERVAL, *excused])
        if newest.delivered_at - day.began > latest:
            found.append(f"{of.target.repository}: {recorded} recorded, {newest.delivered_at - day.began} delivered")
    return found


def unbound_by_hour(budget: WriteBudget) -> WriteBudget:
    """The part of *budget* that binds outcomes."""
    return replace(budget, per_hour=10**9)


def drain(day: Day) -> tuple[int, timedelta, timedelta]:
    """The backlog of the storm: number of reports, the time they took, and the least possible time."""
    posts = [seen for seen in day.requests(CREDENTIALS[0]) if seen.method == "POST"]
    after = [seen.at for seen in posts if seen.at > day.began + STORM[1]]
    before = [seen.at for seen in posts if seen.at <= day.began + STORM[1]]
    ideal = earliest(before, len(after), unbound_by_hour(day.size.budget), start=after[0])
    return len(after), after[-1] - after[0], ideal[-1] - after[0]

"""Simulates hours of many outcomes with one credential, and measures how long they take to reach GitHub.

As a program, `make load`: three hours at 2,000 outcomes an hour, once with a GitHub that enforces 80 statuses a minute,
once with one that enforces 500 an hour too; each in a process of its own. It prints the results.

Meanwhile a host freezes for ten minutes, this side's clock is two hours ahead of GitHub's, a reply in a hundred is
lost, GitHub answers 502 for a minute, and one job in fifty dies before it has reported. No sender is frozen between its
last check and its request, the limit that docs/guarantee.md describes.
"""

import asyncio
import random
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from day import HOUR, INTERVAL, MINUTE, PASS, SENDERS
from ledger_jobs import accept, begin, end, order, recorded
from log_lines import nothing_logged
from promise import histories
from simulated import SimulatedClock, Simulation, in_simulated_time
from world import World

from benchmarks.peers.with_reportback import deliver_as_task
from domain.delivery.budget import WriteBudget
from domain.delivery.policy import Policy
from domain.delivery.report import Rank
from fake_github.app import FakeGitHub
from fake_github.faults import Fault, Kind
from fake_github.limits import Limits
from fake_github.surfaces.surface import Rules
from tasks.delivery.deliver_due import deliver_due
from tasks.delivery.reporter import Reporter
from tasks.report_status import Undelivered, deliver_report

SKEW = 2 * HOUR
"""How far this side's clock is ahead of GitHub's."""

LOST_REPLIES = 0.01
DIE = 0.02
HOSTS = 3


@dataclass(frozen=True, slots=True)
class Load:
    """Outcomes an hour for `lasts`, within `budget`; GitHub enforces its minute and `enforced_per_hour`."""

    outcomes_per_hour: int = 2000
    lasts: timedelta = 3 * HOUR
    budget: WriteBudget = field(default_factory=WriteBudget)
    enforced_per_hour: int | None = None

    @property
    def frozen(self) -> tuple[timedelta, timedelta]:
        """When the last host is frozen: start and end."""
        return self.lasts / 4, self.lasts / 4 + min(10 * MINUTE, self.lasts / 4)

    @property
    def fails(self) -> tuple[timedelta, timedelta]:
        """When GitHub answers 502: start and end."""
        return self.lasts * 2 / 3, self.lasts * 2 / 3 + MINUTE


@dataclass
class Run(Simulation):
    """A run of the load."""

    load: Load
    thawed: asyncio.Event = field(default_factory=asyncio.Event)
    at_rest_at: datetime | None = None

    async def pass_by(self) -> None:
        self.thawed.set()
        reporters = [await self._reporter(number == HOSTS - 1) for number in range(HOSTS)]
        count = round(self.load.outcomes_per_hour * (self.load.lasts / HOUR))
        async with asyncio.TaskGroup() as group:
            group.create_task(self._trouble())
            jobs = [group.create_task(self._job(number, count, reporters[number % HOSTS])) for number in range(count)]
            await self._reconciliations(reporters[0], jobs)
        self.histories = await histories(self.world)

    async def _reporter(self, freezes: bool) -> Reporter:  # noqa: FBT001  # of a host
        async def step(name: str) -> None:
            if freezes and name not in ("commit", "POST"):
                await self.thawed.wait()

        sender = await self.world.sender(step)
        return replace(sender, time=asyncio.get_running_loop().time, jitter=lambda: self.chance.uniform(-1, 1))

    async def _trouble(self) -> None:
        script = self.world.github.script
        freeze, thaw = self.load.frozen
        fails, heals = self.load.fails
        await self.until(freeze)
        self.thawed.clear()
        await self.until(thaw)
        self.thawed.set()
        await self.until(fails)
        script.add(Fault.model_validate({"kind": Kind.SERVER_ERROR, "method": "*", "times": 0}))
        await self.until(heals)
        script.clear()

    async def _job(self, number: int, count: int, reporter: Reporter) -> None:
        """A job that lasts a minute or two, on the host of *reporter*."""
        ledger = reporter.ledger
        await self.until(self.load.lasts * number / count)
        execution = await accept(ledger, replace(order(sha=f"{number:040x}"), flow_run_id=UUID(int=number + 1)))
        with suppress(Undelivered):
            await deliver_report(reporter, recorded(execution.report), job_ends_now=True)
        await begin(ledger, execution)
        await asyncio.sleep(self.chance.uniform(30, 120))
        outcome = await end(ledger, execution)
        if self.chance.random() < LOST_REPLIES:
            sha = f"{number:040x}"
            self.world.fault(Kind.CLOSE, where="after", sha=sha, method="POST")
        if self.chance.random() > DIE:  # else its process dies here
            await deliver_as_task(reporter, recorded(outcome))

    async def _reconciliations(self, reporter: Reporter, jobs: list[asyncio.Task[None]]) -> None:
        """A reconciliation run every minute, until all jobs have ended and all is delivered."""
        for number in range(10**6):
            await self.until(number * INTERVAL)
            is_over = all(job.done() for job in jobs)
            with nothing_logged():
                passed = await deliver_due(reporter, UUID(int=number), budget=PASS, senders=SENDERS)
            if is_over and passed.undelivered == 0:
                self.at_rest_at = self.world.clock.now
                return


def run(url: str, load: Load, seed: int = 1) -> Run:
    """Run the load *seed* on the empty ledger at *url*."""
    limits = Limits(
        per_hour=10**6, writes_per_minute=load.budget.per_minute, writes_per_hour=load.enforced_per_hour
    )  # fmt: skip

    def github(clock: SimulatedClock) -> FakeGitHub:
        return FakeGitHub(Rules(limits=limits), clock=lambda: clock.now - SKEW, sleep=clock.sleep)

    async def go(world: World) -> Run:
        going = Run(world, random.Random(seed), load)  # noqa: S311  # a load that can be had again
        await going.pass_by()
        return going

    return in_simulated_time(url, Policy(budget=load.budget), go, github)


# What came of it.


def made_while_limited(of: Run) -> int:
    """Requests made during a pause that GitHub had asked for: `Retry-After`, else a minute."""
    told_at = wait_until = datetime.min.replace(tzinfo=of.began.tzinfo)
    count = 0
    for seen in of.world.github.requests.seen:
        count += told_at < seen.at < wait_until
        if seen.answered in (403, 429):
            told_at, wait_until = seen.at, seen.at + MINUTE
    return count


def refused(of: Run) -> int:
    """Requests that GitHub answered with a limit."""
    return sum(seen.answered in (403, 429) for seen in of.world.github.requests.seen)


def latencies(of: Run, *, untroubled: bool = False) -> list[timedelta]:
    """Times from the end of each job to GitHub's answer, shortest first.

    *untroubled*: without reports that were in doubt (a lost reply, a 502, a lease of the frozen host).
    """
    return sorted(
        newest.delivered_at - newest.created_at
        for one in of.histories
        if (newest := one.newest) is not None and newest.delivered_at is not None
        if not (untroubled and newest.read_back)
    )


def pendings(of: Run) -> tuple[int, int]:
    """The number of jobs that showed `pending`, and of all jobs."""
    shown = sum(
        one.rank == Rank.PENDING and one.delivered_at is not None for history in of.histories for one in history.reports
    )
    return shown, len(of.histories)


def figures(of: Run) -> Iterator[str]:
    """The lines that `make load` prints."""
    every, untroubled = latencies(of), latencies(of, untroubled=True)
    shown, jobs = pendings(of)
    wrong = of.lost_or_doubled()
    yield f"{jobs} outcomes in {of.load.lasts}, GitHub enforces {of.load.budget.per_minute}/min" + (
        f" and {of.load.enforced_per_hour}/h" if of.load.enforced_per_hour else ""
    )
    yield f"  lost or doubled             {len(wrong)}"
    yield f"  slowest outcome             {every[-1]}; half of them within {every[len(every) // 2]}"
    yield f"  slowest without trouble     {untroubled[-1]} (it was never in doubt)"
    yield f"  all delivered               {(of.at_rest_at or of.began) - of.began} after the first"
    yield f"  answered with a limit       {refused(of)} requests"
    yield f"  made while limited          {made_while_limited(of)} requests"
    yield f"  jobs that showed `pending`  {shown}"
    yield from (f"  wrong: {words}" for words in wrong[:10])


def _figures(folder: str, load: Load) -> list[str]:
    return list(figures(run(f"sqlite:///{folder}/{load.enforced_per_hour or 0}.db", load)))


def main(share: float) -> None:
    loads = [Load(lasts=3 * HOUR * share), Load(lasts=3 * HOUR * share, enforced_per_hour=500)]
    with tempfile.TemporaryDirectory(prefix="reportback-load-") as folder, ProcessPoolExecutor(2) as pool:
        for lines in pool.map(partial(_figures, folder), loads):
            sys.stdout.write("\n".join([*lines, ""]))
            sys.stdout.flush()


if __name__ == "__main__":
    main(float(sys.argv[1]) if sys.argv[1:] else 1.0)

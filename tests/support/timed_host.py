"""Clocks that are wrong: a host's wall clock below that of a SQLite ledger, and a PostgreSQL server's."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from ledger_jobs import order, run_job
from log_lines import nothing_logged
from steps import AtEffect, Died
from world import Clock, World

from domain.delivery.budget import WriteBudget
from domain.delivery.policy import Policy
from storage.sqlite_clock import Host, HostClock
from tasks.delivery.deliver_due import deliver_due
from tasks.jobs.lost import end_lost_jobs

HOUR, YEAR = timedelta(hours=1), timedelta(days=365)
POLICY = Policy(first_delay=timedelta(seconds=2), budget=WriteBudget())


@dataclass
class TimedHost:
    """A host with the time `true`, whose wall clock is wrong by `wrong_by`."""

    true: Clock
    wrong_by: timedelta = timedelta(0)
    boot: str | None = "a boot"
    booted_at: datetime = datetime(2026, 11, 20, tzinfo=UTC)

    def reboot(self, *, down_for: timedelta = timedelta(minutes=1)) -> None:
        """Shut down and boot again, with a new boot id; the wall clock goes on."""
        self.true.now += down_for
        self.boot, self.booted_at = uuid4().hex, self.true.now

    def of_ledger(self) -> HostClock:
        """The clock of a SQLite ledger on this host."""
        wall = Host(lambda: self.boot, lambda: self.true.now - self.booted_at, lambda: self.true.now + self.wrong_by)
        return HostClock(wall)


@dataclass
class WrongClock:
    """A ledger's clock that is wrong by `by`: a PostgreSQL server's."""

    true: Clock
    by: timedelta = timedelta(0)

    def now(self) -> datetime:
        return self.true.now + self.by

    def of_ledger(self, _: object) -> datetime:
        return self.now()

    def jump(self, by: timedelta) -> None:
        self.by = by


async def a_pass(world: World, *, lasts: float = 50) -> None:
    """Make a reconciliation run that looks for due reports for so many seconds."""
    reporter = world.reporter
    with nothing_logged():
        await end_lost_jobs(reporter)
        await deliver_due(reporter, uuid4(), budget=timedelta(seconds=lasts), senders=2)


async def claimed_by_one_that_dies(world: World) -> None:
    """Take a lease, by a sender that dies before its request."""
    await run_job(world.ledger, order())
    with pytest.raises(Died):
        await world.deliver(by=await world.sender(AtEffect(0, counted=("POST",))))
    assert (await world.target()).lease_expires_at is not None

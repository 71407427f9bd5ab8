"""A host whose wall clock is wrong, for the clock of a SQLite ledger."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from world import Clock

from storage.sqlite_clock import Host, HostClock


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

"""The clock of a SQLite ledger: CLOCK_BOOTTIME of its host, tied to UTC by a row of the ledger, once for each boot.

Steps of the wall clock do not move it, so that a lease, doubt or pause lasts as long as it should. After a boot it
starts at the wall clock, but never before the latest time in the ledger. A reconciliation run sets it to the wall clock
while nothing is leased or in doubt; stored times that are still in use are moved along, so that every length stays.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Update, func
from sqlalchemy.dialects.sqlite import insert
from sqlmodel import Session, SQLModel, and_, col, exists, or_, select, update

from domain.delivery.budget import HOUR
from domain.delivery.report import EventKind
from storage.models import (
    Credential,
    HostAnchor,
    Job,
    Reconciliation,
    RefusedSecret,
    ReportEvent,
    StatusReport,
    StatusTarget,
)
from storage.transaction import Transaction

STEP = timedelta(seconds=2)
"""The smallest difference that is corrected; more than a leap second."""

EARLIEST = datetime(2026, 1, 1, tzinfo=UTC)
"""A wall clock before this has not been set yet, as on a machine without a clock battery: it is not followed."""

ANCHOR = select(col(HostAnchor.boot), col(HostAnchor.booted_at))


@dataclass(frozen=True, slots=True)
class Host:
    """The clocks of a host. `boot`: id of the current boot; None: not known, and `since_boot` cannot be used.

    `since_boot` includes the time that the host was suspended.
    """

    boot: Callable[[], str | None]
    since_boot: Callable[[], timedelta]
    wall: Callable[[], datetime]


@cache
def _boot() -> str | None:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:  # no Linux, or a sandbox that shows no /proc
        return None


@cache
def _namespace_offset() -> timedelta:
    """The offset of CLOCK_BOOTTIME in this process's time namespace: time_namespaces(7)."""
    try:
        lines = Path("/proc/self/timens_offsets").read_text(encoding="ascii").splitlines()
    except OSError:
        return timedelta(0)
    offsets = {name: timedelta(seconds=int(s), microseconds=int(ns) / 1000) for name, s, ns in map(str.split, lines)}
    return offsets.get("boottime", timedelta(0))


def since_boot() -> timedelta:
    """CLOCK_BOOTTIME, which cannot be set; the monotonic clock where there is none."""
    kind = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
    return timedelta(microseconds=time.clock_gettime_ns(kind) / 1000) - _namespace_offset()


def _wall() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class HostClock:
    """The clock of a SQLite ledger on *host*; the wall clock if the boot id is not known."""

    host: Host = Host(_boot, since_boot, _wall)

    def __call__(self, session: Session) -> datetime:
        """The ledger's time, UTC. The first transaction of a boot that may write ties the clock to that boot."""
        connection = session.connection()
        now, seen = self._read(connection)
        if seen is not None and not _only_reads(connection):
            self._tie(connection, now, seen)
        return now

    def peek(self, connection: Connection) -> datetime:
        """The ledger's time, UTC; nothing is written."""
        return self._read(connection)[0]

    def _read(self, connection: Connection) -> tuple[datetime, datetime | None]:
        """The ledger's time; if the clock is not tied to this boot yet, also the time that it has certainly reached.

        That is the latest time in the ledger. A container may have a boot id of its own (systemd-nspawn, LXC): if a
        container with another boot id has tied the clock to the same kernel, the clock has gone on since.
        """
        anchor = connection.execute(ANCHOR).one_or_none()
        boot = self.host.boot()
        if boot is None:
            return self.host.wall(), None
        if anchor is not None and anchor.boot == boot:
            return anchor.booted_at + self.host.since_boot(), None
        wall = self.host.wall()
        seen = _seen(connection) or wall
        if anchor is not None and (anchored := anchor.booted_at + self.host.since_boot()) < wall + STEP:
            seen = max(seen, anchored)
        return max(wall, seen), seen

    def _tie(self, connection: Connection, now: datetime, seen: datetime) -> None:
        """Tie the clock to this boot. The downtime is not known: leases and doubts continue from *seen*."""
        moved = [
            _move(StatusTarget, now - seen, "lease_expires_at", where=col(StatusTarget.lease).is_not(None)),
            _move(StatusTarget, now - seen, "doubt_until", where=col(StatusTarget.doubt_until) > seen),
        ]
        for statement in moved if now > seen else ():
            connection.execute(statement)
        row = {"boot": self.host.boot(), "booted_at": now - self.host.since_boot()}
        tied = insert(HostAnchor).values(number=1, **row)
        connection.execute(tied.on_conflict_do_update(index_elements=["number"], set_=row))

    def follow(self, tx: Transaction) -> None:
        """Set the clock to the wall clock, unless a target is leased or in doubt, and move times in use along."""
        now, wall = tx.now, self.host.wall()
        step = timedelta(milliseconds=round((wall - now) / timedelta(milliseconds=1)))
        connection = tx.session.connection()
        if self.host.boot() is None or abs(step) < STEP or wall < EARLIEST or _is_busy(connection, now):
            return
        for statement in _live(now, step):
            connection.execute(statement)
        connection.execute(update(HostAnchor).values(booted_at=now + step - self.host.since_boot()))
        del tx.now  # that was the time before


def _only_reads(connection: Connection) -> bool:
    return bool(connection.get_execution_options().get("only_reads"))


def _seen(connection: Connection) -> datetime | None:
    """The time of the row written last: an earlier row may have been written by a clock too far ahead."""
    event = select(ReportEvent.at).order_by(col(ReportEvent.id).desc()).limit(1)
    begun = func.coalesce(Reconciliation.ended_at, Reconciliation.started_at)
    latest_pass = select(begun).order_by(col(Reconciliation.id).desc()).limit(1)
    row = connection.execute(select(event.scalar_subquery(), latest_pass.scalar_subquery())).one()
    return max((moment for moment in row if moment is not None), default=None)


def _is_busy(connection: Connection, now: datetime) -> bool:
    """Whether a target is leased or in doubt, so that the clock must not be set."""
    busy = or_(col(StatusTarget.lease).is_not(None), col(StatusTarget.doubt_until) > now)
    return bool(connection.execute(select(exists().where(busy))).scalar_one())


def _live(now: datetime, step: timedelta) -> Iterator[Update]:
    """Statements that move by *step* all times still in use. Times of settled rows are kept."""
    is_open = or_(col(StatusTarget.due_at).is_not(None), col(StatusTarget.verify_at).is_not(None))
    targets = select(StatusTarget.id).where(is_open)
    reports = select(StatusReport.id).where(col(StatusReport.target_id).in_(targets))
    posted = and_(col(ReportEvent.kind) == EventKind.POSTED, col(ReportEvent.at) > now - HOUR)
    sent = select(ReportEvent.id).where(col(ReportEvent.credential).in_(select(Credential.name)), posted)
    events = select(ReportEvent.id).where(col(ReportEvent.report_id).in_(reports))
    yield _move(ReportEvent, step, "at", where=col(ReportEvent.id).in_(events.union(sent)))
    in_targets = col(StatusReport.target_id).in_(targets)
    yield _move(StatusReport, step, "created_at", "delivered_at", "rejected_at", where=in_targets)
    is_live = or_(col(Job.ended_at).is_(None), col(Job.target_id).in_(targets))
    yield _move(Job, step, "beat_at", "started_at", "ended_at", where=is_live)
    yield _move(Credential, step, "paused_until", "refused_until", "rate_reset_at")
    yield _move(RefusedSecret, step, "paused_until")
    yield _move(StatusTarget, step, "due_at", "doubt_until", "verify_at", "refused_since")
    if step < timedelta(0):  # a step forward leaves a gap, by which pruning detects that the clock has jumped
        recent = col(Reconciliation.started_at) > now + step - HOUR
        yield _move(Reconciliation, step, "started_at", "ended_at", where=recent)


def _move(table: type[SQLModel], step: timedelta, *columns: str, where: Any = None) -> Update:  # noqa: ANN401  # a condition
    """Move the times in *columns* by *step*, to the millisecond; NULL stays NULL."""
    modifier = f"{step / timedelta(seconds=1):+.3f} seconds"
    stored = SQLModel.metadata.tables[str(table.__tablename__)].c
    moved = {name: func.strftime("%Y-%m-%d %H:%M:%f000", stored[name], modifier) for name in columns}
    is_set = or_(*(stored[name].is_not(None) for name in columns))
    return update(table).where(is_set if where is None else where).values(moved)

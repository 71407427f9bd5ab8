"""Moves a ledger to another database, as a whole or not at all, so that only one ledger is ever usable."""

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, inspect, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError
from sqlmodel import col, delete, func, select

from domain.text import one_line
from storage import moved_marker
from storage.engines import LOCK_WAIT, make_engine, place_of
from storage.jobs.jobs import OLD_HEARTBEAT
from storage.maintenance import copy_rows
from storage.models import Job, LedgerIdentity, StatusTarget
from storage.schema import NotUpgraded, is_current_within, upgrade_within
from storage.sqlite_clock import HostClock
from storage.unavailable import LedgerUnavailable, is_unavailable

MOST_SKEW = timedelta(seconds=5)
"""The ledger's times are compared with the other database's clock after the move; doubts tolerate this difference."""

Time = Callable[[Connection], datetime]
OnRows = Callable[[int], None]


class CannotMove(ValueError):
    """The ledger stays where it is; the message says why, and what to do."""


def ledger_time(connection: Connection) -> datetime:
    """The time with which a ledger writes its rows: PostgreSQL's, or its host's."""
    if connection.dialect.name == "sqlite":
        return HostClock().peek(connection)
    now: datetime = connection.execute(select(func.clock_timestamp())).scalar_one()
    return now.astimezone(UTC)


def _ignore(_: int) -> None:
    """Default callback: does nothing."""


def move(
    source: str,
    destination: str,
    *,
    local: Collection[str] = (),
    time: Time = ledger_time,
    on_begin: OnRows = _ignore,
    on_rows: OnRows = _ignore,
) -> int | None:
    """Move the ledger at *source* to *destination*; how many rows it has. None: it was moved there before.

    Both are locked meanwhile. If the move dies, the source remains in use. Only between its two commits, when the
    source is marked and the destination still empty, neither can be used until the move is repeated.

    Args:
        source: as in `storage.ledger.open_ledger`; at this version's schema.
        destination: an empty database, or a ledger at this version's schema without a row.
        local: as in `storage.ledger.open_ledger`.
        time: the time of a ledger.
        on_begin: called with the total of rows to handle: each is copied, then compared.
        on_rows: called with the number of rows handled since the last call.

    Raises:
        CannotMove: the source is in use, the destination is not empty, or their clocks differ.
        UnsoundLedger: one of them could not keep the promise.
        NotUpgraded: the source is not at this version's schema.
        LedgerUnavailable: one of them cannot be used now.
    """
    if (place := place_of(make_url(destination))) == place_of(make_url(source)):
        raise CannotMove(f"{place} is where the ledger is")
    # The source, the inner one, commits first. Otherwise a crash between the two would leave two ledgers.
    with _alone(destination, local, given_as="--to") as there, _alone(source, local) as here:
        is_again = _is_again(here, place)
        _prepare(there, place)
        if is_again and _id_of(here) == _id_of(there):
            return None
        _lock(there)
        _lock(here)
        _refuse(here, there, place, time)
        _transfer(here, there, on_begin, on_rows)
        if not is_again:
            moved_marker.mark(here, place)
        return copy_rows.count(there)


@contextmanager
def _alone(url: str, local: Collection[str], *, given_as: str = "REPORTBACK_DATABASE_URL") -> Iterator[Connection]:
    """A transaction on the database at *url*, whatever it holds."""
    engine = make_engine(url, local=local, takes_long=True, given_as=given_as)
    try:
        with engine.begin() as connection:
            yield connection
    except (DBAPIError, OSError) as error:
        if is_unavailable(error):
            raise LedgerUnavailable(error, "not moved, or not seen to be; run the same again") from error
        raise CannotMove(f"the ledger stays where it is: {one_line(str(error))}") from error
    finally:
        engine.dispose()


def _is_again(here: Connection, place: str) -> bool:
    """Whether the ledger has been marked as moved to *place* before."""
    if not moved_marker.is_marked(here):
        if not is_current_within(here):
            raise NotUpgraded
        return False
    if (other := moved_marker.place(here)) != place:
        raise CannotMove(f"the ledger in REPORTBACK_DATABASE_URL was moved to {other} before, so not to {place}")
    return True


def _prepare(there: Connection, place: str) -> None:
    """Create the schema unless it exists."""
    if inspect(there).get_table_names():
        try:
            is_current = is_current_within(there)
        except NotUpgraded:
            is_current = False
        if not is_current:
            raise CannotMove(f"{place} holds tables already, and not those of a new ledger: name an empty database")
    upgrade_within(there)


def _id_of(connection: Connection) -> object:
    return connection.execute(select(LedgerIdentity.id)).scalar_one()


def _lock(connection: Connection) -> None:
    """Lock out all other writers until the end. SQLite's transaction does so from its beginning."""
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"SET LOCAL lock_timeout = '{LOCK_WAIT}s'"))
        tables = ", ".join(table.name for table in copy_rows.TABLES)
        connection.execute(text(f"LOCK TABLE {tables} IN SHARE ROW EXCLUSIVE MODE"))


def _refuse(here: Connection, there: Connection, place: str, time: Time) -> None:
    now, then = time(here), time(there)
    if abs(then - now) > MOST_SKEW:
        raise CannotMove(f"the clocks of the two databases are {abs(then - now).total_seconds():.0f} s apart: set them")
    if copy_rows.count(there) > 1:  # its id
        raise CannotMove(f"{place} holds a ledger that is in use: name an empty database")
    active = select(func.count()).where(col(Job.ended_at).is_(None), col(Job.beat_at) > now - OLD_HEARTBEAT)
    leases = select(func.count()).where(col(StatusTarget.lease_expires_at) > now)
    if jobs := here.execute(active).scalar_one():
        raise CannotMove(f"{jobs} jobs are at work: let them end with `reportback drain`, stop the workers, try again")
    if reports := here.execute(leases).scalar_one():
        raise CannotMove(f"{reports} reports are being sent: stop the workers, wait a minute, and try again")


def _transfer(here: Connection, there: Connection, on_begin: OnRows, on_rows: OnRows) -> None:
    on_begin(2 * copy_rows.count(here))
    there.execute(delete(LedgerIdentity))
    copy_rows.copy(here, there, on_rows=on_rows)
    if (table := copy_rows.differing(here, there, on_rows=on_rows)) is not None:
        raise CannotMove(f"the ledger stays where it is: its copy differs from it in table {table}")

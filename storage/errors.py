"""A ledger that cannot be used now, on either database: locked, full, read-only, stopped, or out of reach.

Every error of a database, of its driver or of the way to it counts as that, unless it tells of a bug of ours: the rest
passes, or an operator repairs it, and the outcome of a job waits for that.
"""

import sqlite3

from sqlalchemy import exc

from domain.text import one_line

FAULTS = ("21", "22", "23", "42", "54", "P0001")
"""Beginnings of the SQLSTATEs that tell of a bug of ours: too many rows, a value, a constraint, a statement, a size.
And what a ledger that was moved elsewhere says for good (storage/moved_marker.py).
https://www.postgresql.org/docs/current/errcodes-appendix.html"""

NO_FAULTS = frozenset({"42501", "42703", "42P01", "42P05"})
"""Of these, the ones with causes outside of this program: no permission, another schema (a restore), a pooler."""

SQLITE_FAULTS = frozenset(
    {
        sqlite3.SQLITE_ERROR,
        sqlite3.SQLITE_TOOBIG,
        sqlite3.SQLITE_CONSTRAINT,
        sqlite3.SQLITE_MISMATCH,
        sqlite3.SQLITE_MISUSE,
        sqlite3.SQLITE_RANGE,
    }
)
"""The same for SQLite, by the lowest byte of its code. https://www.sqlite.org/rescode.html"""

SQLITE_NO_FAULTS = ("no such table", "no such column", "no such savepoint")
"""SQLite gives one code to wrong statements, another schema, and a savepoint that is gone since the disk was full."""

ONLY_NOW = ("40", "55P03")
"""What the next transaction on the same connection need not meet: the last one was undone, or waited for a lock."""

SQLITE_ONLY_NOW = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})

FAULTS_WITHOUT_CODE = (exc.ProgrammingError, exc.DataError, exc.IntegrityError, exc.NotSupportedError)


class LedgerUnavailable(Exception):
    """The ledger cannot be used now, in its own words: another try may help.

    The transaction is undone, unless it was lost while it was committed: then only the ledger can tell.
    """

    def __init__(self, error: BaseException, what: str = "the ledger is away") -> None:
        super().__init__(f"{what}: {_words(error)}")


def is_unavailable(error: Exception) -> bool:
    """Whether *error* says that the ledger cannot be used now. False: it tells of a bug of ours, or of no database."""
    if isinstance(error, OSError | exc.TimeoutError | exc.PendingRollbackError):  # no connection was free, or it broke
        return True
    told = error.orig if isinstance(error, exc.DBAPIError) else error
    if isinstance(state := getattr(told, "sqlstate", None), str):
        return state in NO_FAULTS or not state.startswith(FAULTS)
    if isinstance(code := getattr(told, "sqlite_errorcode", None), int):
        return code & 0xFF not in SQLITE_FAULTS or str(told).startswith(SQLITE_NO_FAULTS)
    return _is_away_without_code(error)


def is_of_its_connection(error: Exception) -> bool:
    """Whether a connection that met *error* should be closed: it may lead to a standby, or to a file that was moved."""
    told = error.orig if isinstance(error, exc.DBAPIError) else error
    state, code = getattr(told, "sqlstate", None), getattr(told, "sqlite_errorcode", None)
    only_now = (state or "").startswith(ONLY_NOW) or (code is not None and code & 0xFF in SQLITE_ONLY_NOW)
    return is_unavailable(error) and not only_now


def _is_away_without_code(error: Exception) -> bool:
    """The same for what a driver says by itself: of a connection, unless it refuses a value."""
    if isinstance(error, exc.DBAPIError):
        cause = error.orig.__cause__ if error.orig else None
        return error.connection_invalidated or not (
            isinstance(error, FAULTS_WITHOUT_CODE) or isinstance(cause, ValueError | TypeError)
        )
    of_driver = type(error).__module__.partition(".")[0] == "asyncpg"  # raised while it connects
    return of_driver and not isinstance(error, ValueError)


def _words(error: BaseException) -> str:
    """What the database said: without SQLAlchemy's statement, whose values are nobody's business here."""
    told = error.orig if isinstance(error, exc.DBAPIError) and error.orig else error
    if told is not error and told.__cause__ is not None:
        told = told.__cause__  # asyncpg's own, of which SQLAlchemy quotes the class
    return one_line(str(told)) or type(told).__name__

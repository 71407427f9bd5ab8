"""Decides which database errors mean that the ledger is unavailable: locked, full, read-only, stopped, unreachable.

Every error of a database, its driver or its connection does, unless it indicates a bug of ours: the others pass, or an
operator repairs them, and the outcome of a job waits for that.
"""

import sqlite3

from sqlalchemy import exc

from domain.text import one_line

FAULTS = ("21", "22", "23", "42", "54", "P0001")
"""Prefixes of the SQLSTATEs that indicate a bug of ours: too many rows, a value, a constraint, a statement, a size.
And P0001, the permanent refusal of a ledger that was moved elsewhere (storage/moved_marker.py).
https://www.postgresql.org/docs/current/errcodes-appendix.html"""

NO_FAULTS = frozenset({"42501", "42703", "42P01", "42P05"})
"""Exceptions to these, with causes outside this program: no permission, another schema (a restore), a pooler."""

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

TRANSIENT = ("40", "55P03")
"""Errors of one transaction, not of its connection: it was rolled back, or waited too long for a lock."""

SQLITE_TRANSIENT = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})

FAULTS_WITHOUT_CODE = (exc.ProgrammingError, exc.DataError, exc.IntegrityError, exc.NotSupportedError)


class LedgerUnavailable(Exception):
    """The ledger is temporarily unavailable; a retry may succeed. The message quotes the database.

    The transaction is rolled back, unless the connection was lost during the commit: then only the ledger can tell.
    """

    def __init__(self, error: BaseException, what: str = "the ledger is unavailable") -> None:
        super().__init__(f"{what}: {_words(error)}")


def is_unavailable(error: Exception) -> bool:
    """Whether *error* means that the ledger is unavailable. False: a bug of ours, or not an error of a database."""
    if isinstance(error, OSError | exc.TimeoutError | exc.PendingRollbackError):  # no connection was free, or it broke
        return True
    original = error.orig if isinstance(error, exc.DBAPIError) else error
    if isinstance(state := getattr(original, "sqlstate", None), str):
        return state in NO_FAULTS or not state.startswith(FAULTS)
    if isinstance(code := getattr(original, "sqlite_errorcode", None), int):
        return code & 0xFF not in SQLITE_FAULTS or str(original).startswith(SQLITE_NO_FAULTS)
    return _is_unavailable_without_code(error)


def is_of_its_connection(error: Exception) -> bool:
    """Whether a connection should be closed after *error*: it may lead to a standby, or to a file that was moved."""
    original = error.orig if isinstance(error, exc.DBAPIError) else error
    state, code = getattr(original, "sqlstate", None), getattr(original, "sqlite_errorcode", None)
    is_transient = (state or "").startswith(TRANSIENT) or (code is not None and code & 0xFF in SQLITE_TRANSIENT)
    return is_unavailable(error) and not is_transient


def _is_unavailable_without_code(error: Exception) -> bool:
    """`is_unavailable` for errors without a code: those of a connection are, those that refuse a value are not."""
    if not isinstance(error, exc.DBAPIError):
        return False
    return error.connection_invalidated or not isinstance(error, FAULTS_WITHOUT_CODE)


def _words(error: BaseException) -> str:
    """The database's own message, without SQLAlchemy's statement and its values."""
    original = error.orig if isinstance(error, exc.DBAPIError) and error.orig else error
    return one_line(str(original)) or type(original).__name__

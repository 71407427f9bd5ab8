"""A ledger that cannot be used now: locked, full, stopped or out of reach, on either database."""

import sqlite3

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

from domain.text import one_line

PASSING = ("08", "40", "53", "55P03", "57P", "58")
"""What passes, by the beginnings of its SQLSTATE: a broken connection, a rollback by the server, no disk or memory, a
lock, a server that stops or starts, its disk. https://www.postgresql.org/docs/current/errcodes-appendix.html"""


class LedgerIsAway(Exception):
    """The ledger cannot be used now, in its own words: another try may help.

    The transaction is undone, unless it was lost while it was committed: then only the ledger can tell.
    """

    def __init__(self, error: BaseException, what: str = "the ledger is away") -> None:
        super().__init__(f"{what}: {_words(error)}")


def is_away(error: Exception) -> bool:
    """Whether *error*, of a database or its driver, says that the ledger is away; else it is about what was asked."""
    if isinstance(error, OSError):
        return True
    if (state := _sqlstate(error)) is not None:
        return state.startswith(PASSING)
    if isinstance(error, OperationalError):
        code = getattr(error.orig, "sqlite_errorcode", None)  # also what is wrong with a statement is operational there
        return code != sqlite3.SQLITE_ERROR
    return isinstance(error, InterfaceError) or (isinstance(error, DBAPIError) and error.connection_invalidated)


def is_of_a_database(error: Exception) -> bool:
    """Whether a database, its driver or the way to it raised *error*."""
    return isinstance(error, DBAPIError | sqlite3.Error | OSError) or _sqlstate(error) is not None


def _sqlstate(error: BaseException) -> str | None:
    """PostgreSQL's code: on asyncpg's own errors, raised while it connects, and on those SQLAlchemy makes of them."""
    of_driver = error.orig if isinstance(error, DBAPIError) else error
    return getattr(of_driver, "sqlstate", None)


def _words(error: BaseException) -> str:
    """What the database said: without SQLAlchemy's statement, whose values are nobody's business here."""
    told = error.orig if isinstance(error, DBAPIError) and error.orig else error
    if told is not error and told.__cause__ is not None:
        told = told.__cause__  # asyncpg's own, of which SQLAlchemy quotes the class
    return one_line(str(told)) or type(told).__name__

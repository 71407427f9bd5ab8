"""Describes what a user can correct: errors in the settings, in arguments, of the ledger, of what was to be started."""

from enum import IntEnum

from pydantic import ValidationError

from domain.redact import refusal
from domain.wrong_values import why_refused
from local.no_server import NoAnswer
from local.stack import NotStarted
from storage.identity import WrongLedger
from storage.ledger import LedgerUnavailable, NotUpgraded


class Exit(IntEnum):
    """The exit codes of all commands."""

    SUCCESS = 0
    NO = 1  # what was asked for is not so: a job failed, something is undelivered or wrong
    REFUSED = 2  # not understood, or refused; a job that could not be executed
    UNREACHABLE = 3  # Prefect, GitHub or the ledger


CODES: dict[type[Exception], Exit] = {
    NoAnswer: Exit.UNREACHABLE,
    LedgerUnavailable: Exit.UNREACHABLE,
    NotStarted: Exit.NO,
    NotUpgraded: Exit.REFUSED,
    WrongLedger: Exit.REFUSED,
    ValueError: Exit.REFUSED,
}
"""The errors that a user can correct, the special ones first."""


def words_of(error: Exception) -> tuple[str, Exit] | None:
    """The message of an error that a user can correct, and the exit code; None: it is a bug of ours."""
    if isinstance(error, ValidationError):
        return "\n".join(problems(error)), Exit.REFUSED
    for kind, code in CODES.items():
        if isinstance(error, kind):
            return str(error), code
    return None


def problems(error: ValidationError) -> list[str]:
    """A line for each error, with the name of its variable."""
    return [
        _problem(".".join(map(str, one["loc"])), why_refused(one["type"], one["msg"], one.get("ctx")))
        for one in error.errors()
    ]


def _problem(field: str, words: str) -> str:
    return refusal(words if not field or words.startswith("REPORTBACK_") else f"REPORTBACK_{field.upper()}: {words}")

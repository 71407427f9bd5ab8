"""Describes what a user can correct: errors in the settings, in arguments, of the ledger, of what was to be started."""

from pydantic import ValidationError

from domain.redact import refusal
from local.stack import NotStarted
from storage.identity import WrongLedger
from storage.ledger import LedgerUnavailable, NotUpgraded


def words_of(error: Exception) -> str | None:
    """The message of an error that a user can correct; None: it is a bug of ours."""
    if isinstance(error, ValidationError):
        return "\n            ".join(problems(error))
    corrected = (NotStarted, NotUpgraded, WrongLedger, LedgerUnavailable, ValueError)
    return str(error) if isinstance(error, corrected) else None


def problems(error: ValidationError) -> list[str]:
    """A line for each error, with the name of its variable."""
    return [_problem(".".join(map(str, one["loc"])), one["msg"]) for one in error.errors()]


def _problem(field: str, message: str) -> str:
    words = message.removeprefix("Value error, ")
    return refusal(words if not field or words.startswith("REPORTBACK_") else f"REPORTBACK_{field.upper()}: {words}")

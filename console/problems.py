"""Describes errors in the settings."""

from pydantic import ValidationError

from domain.redact import refusal


def problems(error: ValidationError) -> list[str]:
    """A line for each error, with the name of its variable."""
    return [_problem(".".join(map(str, one["loc"])), one["msg"]) for one in error.errors()]


def _problem(field: str, message: str) -> str:
    words = message.removeprefix("Value error, ")
    return refusal(words if not field or words.startswith("REPORTBACK_") else f"REPORTBACK_{field.upper()}: {words}")

"""Says in one sentence what is wrong with a command line, and what to do."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import Enum
from pathlib import Path
from typing import Any, get_args
from uuid import UUID

from cyclopts import Argument, CycloptsError, UnknownCommandError, UnknownOptionError
from cyclopts.exceptions import (
    CoercionError,
    MissingArgumentError,
    RepeatArgumentError,
    UnusedCliTokensError,
    ValidationError,
)

from console.refusals.near_words import nearest
from domain.text import quoted

KINDS: dict[object, str] = {
    int: "a whole number",
    UUID: "the id of a flow run",
    timedelta: "a span such as 90s, 10m, 2h or 3d",
    datetime: "a time such as 2026-05-01T12:00",
    Path: "a path",
}
"""What a value of each type is called."""

BOUNDS = {"Must be >= 1.": "it has to be at least 1"}
"""Messages of Cyclopts' validators, in our words."""


def words_of_call(error: CycloptsError) -> str:
    """What is wrong, and the command whose help describes what is allowed."""
    called = " ".join(("reportback", *(error.command_chain or ())))
    return f"{_what(error, called)}; see `{called} --help`"


def _what(error: CycloptsError, called: str) -> str:
    match error:
        case UnknownCommandError(unused_tokens=[name, *_], app=app):
            names = [one for one in app or () if not one.startswith("-")]
            return f"there is no command {quoted(name)}{_nearest(name, names)}"
        case UnknownOptionError(token=token, argument_collection=known):
            name = (token.keyword or token.value).partition("=")[0]
            return f"`{called}` has no option {name}{_nearest(name, (one for had in known for one in had.names))}"
        case MissingArgumentError(argument=Argument() as argument):
            return f"{error.keyword} needs a value" if error.keyword else f"{_missing(argument)} is missing"
        case CoercionError(token=token, target_type=kind) if token is not None:
            return f"{_name(error)}: {quoted(token.value)} is not {_allowed(kind, token.value)}"
        case ValidationError(argument=Argument() as argument):
            words = BOUNDS.get(error.exception_message, error.exception_message.rstrip("."))
            return f"{_name(error)}: {quoted(str(argument.value))} is not allowed: {words}"
        case RepeatArgumentError(token=token):
            return f"{token.keyword} is given twice"
        case UnusedCliTokensError(unused_tokens=[word, *_]):
            return f"`{called}` takes no {quoted(word)}"
        case _:
            return " ".join(str(error).split()).rstrip(".")


def _name(error: CycloptsError) -> str:
    """The name of the option or argument, as it was written."""
    argument, token = error.argument, getattr(error, "token", None)
    tokens = [*([token] if token else []), *(argument.tokens if argument else ())]
    return next((one.keyword for one in tokens if one.keyword), _written(argument.name) if argument else "an argument")


def _missing(argument: Argument) -> str:
    return argument.name if argument.field_info.is_keyword_only else _written(argument.name)


def _written(name: str) -> str:
    """*name* of an argument without a name of its own, as the help has it."""
    return name.removeprefix("--").upper()


def _nearest(name: str, names: Iterable[str]) -> str:
    close = nearest(name, names)
    return f" (did you mean {close}?)" if close else ""


def _allowed(kind: Any, value: str) -> str:  # noqa: ANN401  # a type of any form
    """What is allowed for a value of the type *kind*."""
    kinds = [one for one in get_args(kind) or (kind,) if one is not type(None)]
    for one in kinds:
        if isinstance(one, type) and issubclass(one, Enum):
            names = [member.lower().replace("_", "-") for member in one.__members__]
            return f"one of {', '.join(names)}{_nearest(value, names)}"
    return " or ".join(dict.fromkeys(KINDS.get(one, "allowed there") for one in kinds))

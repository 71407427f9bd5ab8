"""Parses a job's options from the command line, by the types that the job type declares."""

import json
from collections.abc import Iterable, Mapping

from domain.jobs.options import BadOptions, Option, check_options


def given_options(words: Iterable[str], declared: Mapping[str, Option] | None) -> dict[str, object]:
    """The options in *words*, each "name=value", with the types of *declared*.

    If *declared* is None, the job type is not known here: a JSON integer, boolean or string is parsed as such, every
    other value is taken as text, and nothing is checked.

    Raises:
        BadOptions: a word is not "name=value", is given twice, or does not fit its declaration.
    """
    given: dict[str, object] = {}
    for word in words:
        name, is_there, value = word.partition("=")
        if not (name and is_there):
            raise BadOptions(f"{word[:60]!r} is not name=value")
        if name in given:
            raise BadOptions(f"{name[:60]} is given twice")
        option = declared.get(name) if declared is not None else None
        given[name] = _guessed(value) if declared is None else option.typed(value) if option else value
    if declared is not None:
        check_options(declared, given)
    return given


def _guessed(value: str) -> object:
    try:
        read = json.loads(value)
    except (ValueError, RecursionError):
        return value
    return read if isinstance(read, bool | int | str) else value

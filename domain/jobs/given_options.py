"""A job's options as a command line gives them: texts that become what the job type declares."""

import json
import re
from collections.abc import Iterable, Mapping

from domain.jobs.options import BadOptions, FlagOption, IntegerOption, Option, check_options

FLAGS = {"true": True, "false": False}


def given_options(words: Iterable[str], declared: Mapping[str, Option] | None) -> dict[str, object]:
    """The options in *words*, each "name=value", as *declared* types them.

    Where *declared* is None, nothing is known of them here: a value that is a whole number, true, false or a text in
    double quotes, as JSON writes them, is taken for that, everything else for a text, and nothing is checked.

    Raises:
        BadOptions: one is not "name=value", is given twice, or does not fit its declaration.
    """
    given: dict[str, object] = {}
    for word in words:
        name, is_there, value = word.partition("=")
        if not (name and is_there):
            raise BadOptions(f"{word[:60]!r} is not name=value")
        if name in given:
            raise BadOptions(f"{name[:60]} is given twice")
        given[name] = _guessed(value) if declared is None else _typed(value, declared.get(name))
    if declared is not None:
        check_options(declared, given)
    return given


def _typed(value: str, option: Option | None) -> object:
    """*value* as *option* wants it; as it is where that cannot be, which the check then says."""
    match option:
        case IntegerOption() if re.fullmatch(r"-?[0-9]{1,18}", value):
            return int(value)
        case FlagOption():
            return FLAGS.get(value.lower(), value)
        case _:
            return value


def _guessed(value: str) -> object:
    try:
        read = json.loads(value)
    except (ValueError, RecursionError):
        return value
    return read if isinstance(read, bool | int | str) else value

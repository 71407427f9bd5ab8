"""Regular expressions that take no longer than a text is long, whatever they are and whatever is in it.

They are those of Rust's regex, which pydantic brings: https://docs.rs/regex/latest/regex/#untrusted-input. Python's own
may try for years what does not match.
"""

import re
from collections.abc import Callable
from contextlib import suppress
from functools import cache

from pydantic_core import SchemaError, SchemaValidator
from pydantic_core.core_schema import str_schema

TOO_LARGE = "size limit"
"""In what is said of a pattern whose counts make it too large, as those of Unicode's 140,000 \\w do."""

WORD_EDGE = re.compile(r"\\[bB<>]")
"""Between letters of which ASCII lacks one there is an edge of a word in ASCII alone."""

CURES = (
    (TOO_LARGE, "", r"write [0-9A-Za-z_] for \w, or a smaller count"),
    ("unrecognized escape", r"\\Z", r"write \z for \Z"),
    ("expects a valid decimal", r"\{,\d", "write {0,5} for {,5}"),
)
"""In what is said, what is found in the pattern, and what to write in its place."""


@cache
def whole(pattern: str) -> Callable[[str], bool]:
    r"""Whether a text matches *pattern* as a whole; one too large for Unicode's \w, \d and \s has those of ASCII.

    Raises:
        ValueError: *pattern* is no regular expression, is too large, or needs what takes more time.
    """
    try:
        SchemaValidator(str_schema(pattern=pattern))  # alone it must hold, too: "a)|(b" would lift the bounds below
        return _bounded(f"(?:{pattern})")
    except SchemaError as error:
        if TOO_LARGE in str(error) and not WORD_EDGE.search(pattern):
            with suppress(SchemaError):  # as where it then took bytes that are no text
                return _bounded(f"(?-u:{pattern})")
        raise ValueError(_refusal(pattern, str(error))) from None


def _bounded(pattern: str) -> Callable[[str], bool]:
    return SchemaValidator(str_schema(pattern=rf"\A{pattern}\z")).isinstance_python


def _refusal(pattern: str, error: str) -> str:
    why = error.splitlines()[-1].strip().removeprefix("error: ").removeprefix("SchemaError: ").rstrip(".")
    remedies = "".join(f"; {remedy}" for said, found, remedy in CURES if said in why and re.search(found, pattern))
    return f"{pattern!r} is not a regular expression that can be used here: {why}{remedies}"

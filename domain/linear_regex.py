"""Regular expressions that match in linear time, whatever the pattern and the text.

Uses Rust's regex, included in pydantic: https://docs.rs/regex/latest/regex/#untrusted-input. Python's own may take
years on a text that does not match.
"""

import re
from collections.abc import Callable
from contextlib import suppress
from functools import cache

from pydantic_core import SchemaError, SchemaValidator
from pydantic_core.core_schema import str_schema

TOO_LARGE = "size limit"
"""Part of the error message for a pattern whose counts make it too large, as with Unicode's 140,000 \\w."""

WORD_EDGE = re.compile(r"\\[bB<>]")
"""Word boundaries: they differ between ASCII and Unicode beside letters that ASCII lacks."""

REMEDIES = (
    (TOO_LARGE, "", r"write [0-9A-Za-z_] for \w, or a smaller count"),
    ("unrecognized escape", r"\\Z", r"write \z for \Z"),
    ("expects a valid decimal", r"\{,\d", "write {0,5} for {,5}"),
)
"""Part of the error message, what to find in the pattern, and what to write instead."""


@cache
def whole(pattern: str) -> Callable[[str], bool]:
    r"""A predicate: a text matches *pattern* as a whole. A pattern too large with Unicode's \w, \d, \s uses ASCII's.

    Raises:
        ValueError: *pattern* is not a regular expression, is too large, or cannot be matched in linear time.
    """
    try:
        SchemaValidator(str_schema(pattern=pattern))  # must be valid by itself: "a)|(b" would escape the group below
        return _bounded(f"(?:{pattern})")
    except SchemaError as error:
        if TOO_LARGE in str(error) and not WORD_EDGE.search(pattern):
            with suppress(SchemaError):  # for example if it could then match bytes that are not UTF-8
                return _bounded(f"(?-u:{pattern})")
        raise ValueError(_refusal(pattern, str(error))) from None


def _bounded(pattern: str) -> Callable[[str], bool]:
    return SchemaValidator(str_schema(pattern=rf"\A{pattern}\z")).isinstance_python


def _refusal(pattern: str, error: str) -> str:
    why = error.splitlines()[-1].strip().removeprefix("error: ").removeprefix("SchemaError: ").rstrip(".")
    remedies = "".join(f"; {remedy}" for said, found, remedy in REMEDIES if said in why and re.search(found, pattern))
    return f"{pattern!r} is not a regular expression that can be used here: {why}{remedies}"

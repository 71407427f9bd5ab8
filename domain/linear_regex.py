"""Regular expressions that match in linear time, whatever the pattern and the text: https://github.com/google/re2.

Python's own may take years on a text that does not match.
"""

import re
from typing import Any

import re2

OPTIONS = re2.Options()
OPTIONS.log_errors = False

LITERAL_COUNT = re.compile(r"(?<!\\)\{,\d")
"""Python reads {,5} as {0,5}, RE2 as it stands: no value would match."""

LACKS = (
    (r"\(\?<?[=!]", "it has no look-around"),
    (r"\\[1-9]|\(\?P=", "it has no back-references"),
    (r"\\Z", r"it has no \Z: write \z"),
)
"""What patterns for Python may have, and what to say about it."""


def compiled(pattern: str) -> Any:  # noqa: ANN401  # re2 has no types; it has the methods of re.Pattern[str]
    r"""*pattern* as an object like Python's `re.Pattern`; \w, \d, \s and \b are ASCII's.

    Raises:
        ValueError: RE2 cannot use *pattern*; the message says what it lacks.
    """
    if LITERAL_COUNT.search(pattern):
        raise _refused("it has no {,5}: write {0,5}")
    try:
        return re2.compile(pattern, OPTIONS)
    except re2.error as error:
        lacking = (words for found, words in LACKS if re.search(found, pattern))
        raise _refused(next(lacking, error.args[0].decode())) from None


def _refused(why: str) -> ValueError:
    return ValueError(f"RE2 cannot use this regular expression: {why}")

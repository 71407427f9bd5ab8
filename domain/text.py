"""Outside text made fit to store and to show."""

from collections.abc import Callable
from typing import TypeAlias

Say: TypeAlias = Callable[[str], None]
"""Who is told a line: an operator's log, or a terminal."""

MAX_DESCRIPTION = 140
"""Characters GitHub takes in a status's description: "description is too long (maximum is 140 characters)"."""

ELLIPSIS = "…"
LAST_OF_THREE_BYTES = 0xFFFF


def clean(text: str) -> str:
    """*text* without NUL (PostgreSQL refuses it) and without lone surrogates (they have no UTF-8)."""
    return text.replace("\0", "").encode("utf-8", "replace").decode("utf-8")


def one_line(text: str) -> str:
    """*text* with every run of white space and control characters as one blank, none at its ends."""
    return " ".join("".join(c if c.isprintable() else " " for c in clean(text)).split())


def fit_description(text: str) -> str:
    """*text* as GitHub takes it: one line, at most 140 characters, cut between characters with an ellipsis.

    GitHub answers 422 to characters above U+FFFF ("description doesn't accept 4-byte Unicode"): they become "?".
    """
    fitting = one_line("".join(c if ord(c) <= LAST_OF_THREE_BYTES else "?" for c in clean(text)))
    if len(fitting) <= MAX_DESCRIPTION:
        return fitting
    return fitting[: MAX_DESCRIPTION - 1].rstrip() + ELLIPSIS

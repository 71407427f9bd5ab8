"""Cleans text from outside so that it can be stored and shown."""

import re
from collections.abc import Callable
from typing import TypeAlias

from domain.addresses import without_user

LogLine: TypeAlias = Callable[[str], None]
"""Writes a line to an operator's log or a terminal."""

MAX_DESCRIPTION = 140
"""Characters GitHub takes in a status's description: "description is too long (maximum is 140 characters)"."""

ELLIPSIS = "…"
LAST_OF_THREE_BYTES = 0xFFFF

SEQUENCE = re.compile(
    r"(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x90\x98\x9c-\x9f]*(?:\x07|\x1b\\|\x9c)"  # titles, links, data
    r"|(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"  # colours, movements, modes
    r"|\x1b[ -/]*[0-~]"
)
"""Terminal control sequences, of 7 and 8 bits. Of an unterminated one only the beginning is removed:
https://www.ecma-international.org/publications-and-standards/standards/ecma-48/"""
SEPARATOR = re.compile(r"[\r\v\f\x1c-\x1f\x85\u2028\u2029]")
UNSEEN = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u180e\u200b\u200e\u200f"
    r"\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3"
    r"\U0001d173-\U0001d17a\U000e0001-\U000e007f]"
)
"""Control characters except line feed and tab, and Unicode's invisible "format" characters except the two joiners,
which writing systems and emoji need."""


def clean(text: str) -> str:
    """*text* without NUL (PostgreSQL refuses it) and without lone surrogates (they have no UTF-8)."""
    return text.replace("\0", "").encode("utf-8", "replace").decode("utf-8")


def readable(text: str) -> str:
    """*text* safe for logs, terminals and pages: without control characters except line feed and tab.

    Removes terminal control sequences (colours, titles, links) and characters that hide or reorder their neighbours.
    Other line separators become blanks.
    """
    if text.isprintable():
        return text
    return UNSEEN.sub("", SEPARATOR.sub(" ", SEQUENCE.sub("", clean(text))))


def cut(text: str, most: int) -> str:
    """*text* cut to at most *most* characters, with an ellipsis as the last one if it was longer."""
    return text if len(text) <= most else text[: most - 1].rstrip() + ELLIPSIS


def cut_bytes(text: str, most: int) -> str:
    """*text* cut between characters to at most *most* bytes of UTF-8, with an ellipsis at its end if it was longer."""
    encoded = text.encode()
    if len(encoded) <= most:
        return text
    return encoded[: most - len(ELLIPSIS.encode())].decode(errors="ignore").rstrip() + ELLIPSIS


def quoted(value: object) -> str:
    """*value* for an error message; of a container only its type, as its values may hold secrets."""
    if isinstance(value, list | tuple | dict):
        return f"a {type(value).__name__}"
    return repr(without_user(str(value)[:1000])[:60])


def one_line(text: str) -> str:
    """*text* with every run of white space as one blank, none at its ends, and without what `readable` removes."""
    return " ".join("".join(c if c.isprintable() else " " for c in readable(text)).split())


def fit_description(text: str) -> str:
    """*text* as GitHub accepts it: one line, at most 140 characters, cut between characters with an ellipsis.

    GitHub answers 422 to characters above U+FFFF ("description doesn't accept 4-byte Unicode"): they become "?".
    """
    fitting = one_line("".join(c if ord(c) <= LAST_OF_THREE_BYTES else "?" for c in clean(text)))
    return cut(fitting, MAX_DESCRIPTION)

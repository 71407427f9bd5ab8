"""Builds Markdown in which text from outside stays text: it makes no link, HTML or heading, and ends no fence."""

import re
from collections.abc import Iterable, Sequence

from domain.text import ELLIPSIS, cut, one_line, readable

MEANS_SOMETHING = re.compile(r"[\\`*_{}\[\]<>|&~@:#$!]|(?<=www)\.", re.IGNORECASE)
"""Characters with a meaning in Markdown within a line. The colon, "@" and "www." would make links by themselves:
https://github.github.com/gfm/#autolinks-extension-"""

LONG_WORD = re.compile(r"([^\s-]{27})[^\s-]{2,}")
"""A line on a phone has about 28 characters, and Prefect's UI drops every hint where a word may break."""

TAB = "    "


def literal(text: str) -> str:
    """*text* as one line of Markdown that shows it as it is."""
    return MEANS_SOMETHING.sub(r"\\\g<0>", one_line(text))


def narrow(text: str) -> str:
    """*text* as one line of Markdown that phones show without scrolling sideways: long words are cut."""
    return literal(cut_words(text))


def cut_words(text: str) -> str:
    """*text* with every word cut that is longer than a line on a phone."""
    return LONG_WORD.sub(rf"\1{ELLIPSIS}", text)


def code(text: str) -> str:
    """*text* as one line of code, also in a table, where "|" must be escaped even within code."""
    shown = one_line(text)
    quote = "`" * (_longest_run("`", shown) + 1)
    blank = " " if shown.startswith("`") or shown.endswith("`") else ""
    return f"{quote}{blank}{shown}{blank}{quote}".replace("|", "\\|") if shown else ""


def fenced(lines: Iterable[str], *, width: int) -> str:
    """*lines* as a code block, each cut to *width* characters. Its fence is longer than any in them."""
    shown = [cut(_printable(line), width) for line in lines]
    fence = "`" * max(3, 1 + max((_longest_run("`", line) for line in shown), default=0))
    return "\n".join([f"{fence}text", *shown, fence])


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; its cells are Markdown already."""
    return "\n".join(map(table_row, (head, ["---"] * len(head), *rows)))


def table_row(cells: Sequence[str]) -> str:
    """A row of a table."""
    return f"| {' | '.join(cells)} |"


def link(words: str, url: str) -> str:
    """A link to *url*, which is one of ours: an http(s) address without blanks, "<" or ">"."""
    return f"[{literal(words)}](<{url}>)"


def _longest_run(character: str, text: str) -> int:
    return max(map(len, re.findall(f"{re.escape(character)}+", text)), default=0)


def _printable(line: str) -> str:
    return "".join(c if c.isprintable() else " " for c in readable(line).replace("\t", TAB)).rstrip()

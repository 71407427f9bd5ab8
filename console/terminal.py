"""Where words go: results to stdout, all else to stderr. Tables for people, JSON for programs."""

import asyncio
import json
import logging
import os
import re
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime

from rich.console import Console
from rich.table import Table
from rich.text import Text

from domain.delivery.notifications import Notification
from domain.operations.log_format import level_of, line_of
from domain.text import UNSEEN, one_line

WIDE = 200
"""Columns where nothing says how many there are, such as in a pipe."""


def results() -> Console:
    """The console on stdout."""
    width = None if sys.stdout.isatty() or "COLUMNS" in os.environ else WIDE
    return Console(width=width, highlight=False)


def aside() -> Console:
    """The console on stderr: questions, progress, what went wrong."""
    return Console(stderr=True, highlight=False, soft_wrap=True)


def say(words: str) -> None:
    """A line on stderr."""
    aside().print(plain(words))


def logged(notification: Notification) -> str:
    """*news* as a line of a log has it."""
    return f"{logging.getLevelName(level_of(notification))} {line_of(notification)}"


def table(*columns: str) -> Table:
    """An empty table, as every command has it."""
    made = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for column in columns:
        made.add_column(column, overflow="fold")
    return made


def plain(text: object) -> Text:
    """Outside text as it is: one line without control characters, and no markup in it."""
    return Text(one_line(str(text)))


def write_json(data: Mapping[str, object] | Sequence[object]) -> None:
    """*data* on stdout, for programs. Times are ISO 8601."""
    text = json.dumps(data, indent=2, ensure_ascii=False, default=_written)
    sys.stdout.write(UNSEEN.sub(_escaped, text) + "\n")


def _escaped(character: re.Match[str]) -> str:
    """Whole for who parses it, and nothing that a terminal obeys."""
    return json.dumps(character[0])[1:-1]


def _written(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


async def agreed(question: str) -> bool:
    """Whether the person at the terminal says yes. Ctrl-C is heard meanwhile; `input` would keep it waiting."""
    sys.stderr.write(f"{question} [y/N] ")
    sys.stderr.flush()
    answered, loop = asyncio.Event(), asyncio.get_running_loop()
    loop.add_reader(sys.stdin, answered.set)
    try:
        await answered.wait()
    finally:
        loop.remove_reader(sys.stdin)
    return sys.stdin.readline().strip().lower() in ("y", "yes")

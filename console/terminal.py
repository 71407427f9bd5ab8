"""Prints results to stdout and all else to stderr: tables for people, JSON for programs."""

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

from domain.delivery.budget import BULK_SIZE
from domain.delivery.notifications import Notification
from domain.operations.notification_lines import level_of, line_of
from domain.text import UNSEEN, one_line

WIDE = 200
"""Columns where the width is not known, such as in a pipe."""


def results() -> Console:
    """The console on stdout."""
    width = None if sys.stdout.isatty() or "COLUMNS" in os.environ else WIDE
    return Console(width=width, highlight=False)


def stdout_console() -> Console:
    """The console on stdout for text that is not a result: its lines are copied, so none is wrapped."""
    return Console(highlight=False, soft_wrap=True)


def prose() -> Console:
    """The console on stdout for paragraphs, which are wrapped at words."""
    return Console(highlight=False)


def stderr_console() -> Console:
    """The console on stderr: questions, progress, errors."""
    return Console(stderr=True, highlight=False, soft_wrap=True)


def say(words: str) -> None:
    """Print a line on stderr."""
    stderr_console().print(plain(words))


def log_line(notification: Notification) -> str:
    """*notification* as a log line."""
    return f"{logging.getLevelName(level_of(notification))} {line_of(notification)}"


def table(*columns: str) -> Table:
    """An empty table in the style of all commands."""
    made = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for column in columns:
        made.add_column(column, overflow="fold")
    return made


def plain(text: object) -> Text:
    """External text as one line, without control characters or markup."""
    return Text(one_line(str(text)))


def write_json(data: Mapping[str, object] | Sequence[object]) -> None:
    """Write *data* to stdout as JSON. Times are ISO 8601."""
    text = json.dumps(data, indent=2, ensure_ascii=False, default=_written)
    sys.stdout.write(UNSEEN.sub(_escaped, text) + "\n")


def _escaped(character: re.Match[str]) -> str:
    """An escape that a parser reads back, and a terminal does not interpret."""
    return json.dumps(character[0])[1:-1]


def _written(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


async def refusal(count: int, things: str, *, is_sure: bool) -> str | None:
    """Why *count* *things* are not retried: more than a few need a person's word. None: they are."""
    if count <= BULK_SIZE or is_sure:
        return None
    if not sys.stdin.isatty():
        return f"these are {count} {things}: see them with --dry-run, then say --yes"
    return None if await confirm(f"Retry {count} {things}?") else "nothing was tried"


async def confirm(question: str) -> bool:
    """Ask the person at the terminal; True: yes. Reacts to Ctrl-C meanwhile, unlike `input`."""
    sys.stderr.write(f"{question} [y/N] ")
    sys.stderr.flush()
    answered, loop = asyncio.Event(), asyncio.get_running_loop()
    loop.add_reader(sys.stdin, answered.set)
    try:
        await answered.wait()
    finally:
        loop.remove_reader(sys.stdin)
    return sys.stdin.readline().strip().lower() in ("y", "yes")

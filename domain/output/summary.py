"""Summarises how a command ended, for a status's description."""

import re
from collections.abc import Collection
from datetime import timedelta
from signal import Signals

from domain.process.ended_by import EndedBy
from domain.text import ELLIPSIS, MAX_DESCRIPTION, fit_description
from domain.units import in_words

CAUSE = re.compile(r": (?=\S)")
ROOM = MAX_DESCRIPTION - len("exit code 255: : … ")
"""Characters of an error line that a description has room for."""

TELLING = 20
"""Characters from which on the beginning of a cause is shown."""


def summarise(
    ended_by: EndedBy,
    *,
    exit_code: int | None,
    signal: int | None,
    error_line: str,
    counts: str,
    elapsed: timedelta,
    timeout: timedelta,
    success_codes: Collection[int | None] = (0,),
) -> str:
    """One line on how a command ended, short enough for a status's description.

    *error_line*: the line of its output that best explains a failure, already redacted. *counts*: counts in its output.
    """
    match ended_by:
        case EndedBy.PROCESS_LIMIT:
            said = f"stopped after {in_words(elapsed)}: more processes at once than its limit"
        case EndedBy.OUT_OF_MEMORY:
            said = f"out of memory after {in_words(elapsed)}: the kernel killed a process"
        case EndedBy.TIME_LIMIT:
            said = _with(f"stopped after its time limit of {in_words(timeout)}", counts)
        case EndedBy.SIGNAL if signal == Signals.SIGXFSZ:
            said = f"stopped after {in_words(elapsed)}: a file larger than its limit"
        case EndedBy.SIGNAL:
            said = f"ended by {_signal_name(signal)} after {in_words(elapsed)}"
        case EndedBy.EXITED if exit_code in success_codes:
            code = f", exit code {exit_code}" if exit_code else ""
            said = _with(f"succeeded in {in_words(elapsed)}{code}", counts)
        case EndedBy.EXITED:
            said = _with(f"exit code {exit_code}", _short(error_line))
    return fit_description(said)


def skipped(why: str) -> str:
    """One line on a job that had nothing to do."""
    return fit_description(f"skipped: {why}")


def _with(words: str, more: str) -> str:
    return f"{words}: {more}" if more else words


def _short(error_line: str) -> str:
    """*error_line*; of a long chain of causes, "a: b: c: d", the first and the last ones."""
    first, *others = CAUSE.split(error_line)
    if len(error_line) <= ROOM or len(others) < 2 or len(first) + len(others[-1]) > ROOM:  # noqa: PLR2004
        return error_line
    while len(first) + sum(len(one) + 2 for one in others) > ROOM:
        left_out = others.pop(0)
    begun = _begin(left_out, ROOM - len(first) - sum(len(one) + 2 for one in others) - 2)
    return f"{first}: {begun}{ELLIPSIS} {': '.join(others)}"


def _begin(cause: str, room: int) -> str:
    """The first words of a cause that is left out, if they say something."""
    words = cause[: max(room, 0)].rpartition(" ")[0]
    return f"{words} " if len(words) >= TELLING else ""


def _signal_name(signal: int | None) -> str:
    try:
        return "a signal" if signal is None else Signals(signal).name
    except ValueError:  # a real-time signal has no name
        return f"signal {signal}"

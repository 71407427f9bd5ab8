"""Formats notifications as log lines: a phrase, then the facts as `key=value`.

Problems that resolve themselves are WARNING at most. An ERROR needs an operator.
"""

import json
import re
from collections.abc import Iterator
from datetime import datetime
from logging import ERROR, INFO, WARNING
from typing import assert_never

from domain.delivery.notifications import (
    Covered,
    Lost,
    Move,
    NeverStarted,
    Notification,
    Overdue,
    Paused,
    ReportName,
    Resumed,
)
from domain.delivery.outcome import Reason
from domain.delivery.report import EventKind
from domain.text import one_line

PHRASES: dict[EventKind, tuple[int, str]] = {
    EventKind.POSTED: (INFO, "sending to GitHub"),
    EventKind.DELIVERED: (INFO, "on GitHub"),
    EventKind.PROGRESSED: (INFO, "one of its requests is done"),
    EventKind.FOUND: (INFO, "on GitHub: an earlier try had got through"),
    EventKind.ABSENT: (INFO, "not on GitHub so far"),
    EventKind.UNKNOWN: (WARNING, "perhaps on GitHub: it is read back before it is sent again"),
    EventKind.NOT_SENT: (WARNING, "not sent"),
    EventKind.THROTTLED: (WARNING, "waits for its credential"),
    EventKind.REJECTED: (WARNING, "refused by GitHub, and tried again: the commit may still arrive"),
    EventKind.SUPERSEDED: (INFO, "superseded by a newer report"),
    EventKind.REOPENED: (INFO, "reopened"),
    EventKind.RECOVERED: (WARNING, "left by a sender that died: it is read back before it is sent again"),
    EventKind.LATE: (WARNING, "answered after the sender's lease had ended: GitHub's list is verified"),
    EventKind.DOUBLED: (WARNING, "twice on GitHub"),
    EventKind.REPAIRED: (WARNING, "covered by an older status, and sent again"),
    EventKind.OVERRIDDEN: (WARNING, "below a status on GitHub that is not ours, and left there"),
}
REFUSED = "refused by GitHub: an operator has to act"
PLAIN = re.compile(r"""[^\s="\\]+""")


def level_of(notification: Notification) -> int:
    """The level of `logging` for a notification."""
    match notification:
        case Move(kind=EventKind.REJECTED, rejection=str()) | Paused(reason=Reason.BAD_CREDENTIALS):
            return ERROR
        case Move(kind=kind):
            return PHRASES[kind][0]
        case Overdue() | Paused() | Lost() | NeverStarted() | Covered():
            return WARNING
        case Resumed():
            return INFO
        case other:
            assert_never(other)


def line_of(notification: Notification) -> str:
    """The log line of a notification."""
    facts = (f"{key}={_written(value)}" for key, value in _facts(notification) if value is not None)
    return " ".join((f"{_phrase(notification)}:", *facts))


def _phrase(notification: Notification) -> str:
    match notification:
        case Move(kind=EventKind.REJECTED, rejection=str()):
            return REFUSED
        case Move(kind=kind):
            return PHRASES[kind][1]
        case Overdue():
            return "still not on GitHub"
        case Paused():
            return "the credential pauses"
        case Resumed():
            return "the pauses of the credential were ended"
        case Lost():
            return "a job is lost"
        case NeverStarted():
            return "a job never started"
        case Covered():
            return "one outcome covers another, with other options"
        case other:
            assert_never(other)


def _facts(notification: Notification) -> Iterator[tuple[str, object]]:
    match notification:
        case Move():
            yield from _name(notification.report)
            yield "attempt", notification.attempt
            yield "outcome", notification.kind
            yield "reason", notification.rejection
            yield "http_status", notification.http_status
            yield "request_id", notification.request_id
            yield "seconds", None if notification.seconds is None else f"{notification.seconds:.3f}"
            yield "note", notification.note
        case Overdue():
            yield from _name(notification.report)
            yield "since", notification.recorded_at
            yield "last_error", notification.last_error
        case Paused():
            yield "credential", notification.credential
            yield "until", notification.until
            yield "reason", notification.reason
        case Resumed():
            yield "credential", notification.credential
            yield "actor", notification.actor
        case Lost():
            yield "job", notification.job_id
            yield "execution", notification.execution
            yield "words", notification.words
        case NeverStarted() | Covered():
            yield "job", notification.job_id
            yield "words", notification.words
        case other:
            assert_never(other)


def _name(report: ReportName) -> Iterator[tuple[str, object]]:
    yield "report", report.id
    yield "state", report.state
    yield "target", f"{report.target.repository}@{report.target.sha}:{report.target.context}"
    yield "job", report.job_id
    yield "execution", report.execution


def _written(value: object) -> str:
    """*value* in logfmt: quoted if it contains a blank, a quote or "="."""
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    text = one_line(str(value))
    return text if PLAIN.fullmatch(text) else json.dumps(text, ensure_ascii=False)

"""Log lines of events: a sentence, fields to search for, and a level that says whether to act."""

from dataclasses import replace
from datetime import UTC, datetime
from logging import ERROR, INFO, WARNING
from uuid import UUID

import pytest

from domain.delivery.notifications import Lost, Move, Notification, Overdue, Paused, ReportName, Resumed
from domain.delivery.outcome import Reason
from domain.delivery.report import EventKind
from domain.delivery.target import StatusState, Target
from domain.operations.notification_lines import PHRASES, level_of, line_of
from storage.after_commit import UNPUBLISHED

AT = datetime(2026, 11, 23, 12, tzinfo=UTC)
JOB = UUID(int=7)
REPORT = ReportName(17, StatusState.SUCCESS, JOB, 2, Target("acme/site", "3f2a91c0" * 5, "docs/sphinx"))
MOVE = Move(REPORT, None, EventKind.DELIVERED, AT, "ann", "env:TOKEN", 3, 201, "0ABC:1", 0.21345)
NAMED = f"report=17 state=success target=acme/site@{'3f2a91c0' * 5}:docs/sphinx job={JOB} execution=2"


def test_a_line_says_what_happened_and_then_its_facts() -> None:
    assert line_of(MOVE) == (
        f"on GitHub: {NAMED} attempt=3 outcome=delivered http_status=201 request_id=0ABC:1 seconds=0.213"
    )


def test_unknown_fields_are_left_out() -> None:
    superseded = Move(REPORT, None, EventKind.SUPERSEDED, AT, "ann")
    assert line_of(superseded) == f"superseded by a newer report: {NAMED} outcome=superseded"


@pytest.mark.parametrize(
    ("note", "written"),
    [
        ("refused", "note=refused"),
        ("not found", 'note="not found"'),
        ('say "please"', r'note="say \"please\""'),
        ("a=b", 'note="a=b"'),
        ("two\nlines", 'note="two lines"'),
        ("", 'note=""'),
    ],
)
def test_a_value_is_quoted_where_it_could_be_taken_for_more_than_one(note: str, written: str) -> None:
    assert line_of(replace(MOVE, note=note)).endswith(f" {written}")


@pytest.mark.parametrize("kind", sorted(set(EventKind) - UNPUBLISHED))
def test_each_move_has_its_phrase_and_a_level_below_error(kind: EventKind) -> None:
    move = replace(MOVE, kind=kind)
    assert line_of(move).startswith(f"{PHRASES[kind][1]}: report=17 ")
    assert level_of(move) in {INFO, WARNING}


@pytest.mark.parametrize(
    ("notification", "level", "line"),
    [
        (
            replace(MOVE, kind=EventKind.REJECTED, rejection="archived"),
            ERROR,
            f"refused by GitHub: an operator has to act: {NAMED} attempt=3 outcome=rejected reason=archived ",
        ),
        (
            replace(MOVE, kind=EventKind.LATE, rejection="archived"),
            WARNING,
            "answered after the sender's lease had ended: GitHub's list is verified: ",
        ),
        (
            Overdue(REPORT, AT, "HTTP 502"),
            WARNING,
            f'still not on GitHub: {NAMED} since=2026-11-23T12:00:00+00:00 last_error="HTTP 502"',
        ),
        (
            Paused("env:TOKEN", AT, Reason.RATE_LIMITED),
            WARNING,
            "the credential pauses: credential=env:TOKEN until=2026-11-23T12:00:00+00:00 reason=rate_limited",
        ),
        (Paused("env:TOKEN", AT, Reason.BAD_CREDENTIALS), ERROR, "the credential pauses: credential=env:TOKEN "),
        (
            Resumed("env:TOKEN", "alice"),
            INFO,
            "the pauses of the credential were ended: credential=env:TOKEN actor=alice",
        ),
        (Lost(JOB, 2, "it died"), WARNING, f'a job is lost: job={JOB} execution=2 words="it died"'),
    ],
)
def test_only_what_needs_a_person_is_an_error(notification: Notification, level: int, line: str) -> None:
    assert level_of(notification) == level
    assert line_of(notification).startswith(line)

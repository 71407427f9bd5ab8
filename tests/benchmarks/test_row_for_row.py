"""Compares a ledger with what the stand-in holds."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from benchmarks.row_for_row import Rows, differences, unsettled
from domain.delivery.commit_status import marked
from domain.delivery.report import Rank, marker
from domain.delivery.target import StatusState
from domain.jobs.job_states import JobState
from fake_github.exchange import Json
from storage.models import Job, StatusReport, StatusTarget

JOB = UUID("0a1b2c3d-0000-4000-8000-000000000000")
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
PENDING, SUCCESS = 1, 2


def report(number: int, **facts: Any) -> StatusReport:  # noqa: ANN401  # any column
    state, rank = {PENDING: (StatusState.PENDING, Rank.PENDING), SUCCESS: (StatusState.SUCCESS, Rank.OWN_OUTCOME)}[
        number
    ]
    edition = facts.pop("edition", 1)
    delivered = {"delivered_at": NOW, "github_status_id": 100 + number}
    return StatusReport(
        id=number, job_id=JOB, execution=1, state=state, target_id=7, turn=1, rank=rank, edition=edition,
        marker=marker(JOB, 1, state, edition), description=f"it is {state}", created_at=NOW,
        target_url=url(number, edition), **{**delivered, **facts},
    )  # fmt: skip


def url(number: int, edition: int = 1) -> str:
    state = StatusState.PENDING if number == PENDING else StatusState.SUCCESS
    return marked("https://docs.test/job", marker(JOB, 1, state, edition))


def status(number: int, **facts: object) -> Json:
    state = "pending" if number == PENDING else "success"
    said = {"id": 100 + number, "state": state, "description": f"it is {state}", "context": "docs/sphinx"}
    return {**said, "target_url": url(number), **facts}


def rows(*reports: StatusReport, **facts: Any) -> Rows:  # noqa: ANN401  # any column
    sha = "3f2a91c07be5d8846a1f0c9b2e7d5538a4c6e190"
    target = StatusTarget(
        id=7, key="k", repository="acme/site", sha=sha, context="docs/sphinx", newest_id=reports[-1].id, **facts
    )
    return Rows((), {7: target}, reports)


UNDELIVERED = {"delivered_at": None, "github_status_id": None}
REJECTED = {**UNDELIVERED, "rejected_at": NOW, "rejection": "not_found"}

EQUAL = {
    "both were delivered": (rows(report(PENDING), report(SUCCESS)), [status(PENDING), status(SUCCESS)]),
    "pending was overtaken": (rows(report(PENDING, **UNDELIVERED), report(SUCCESS)), [status(SUCCESS)]),
    "and was stored in doubt": (
        rows(report(PENDING, **UNDELIVERED, read_back=True), report(SUCCESS)),
        [status(PENDING), status(SUCCESS)],
    ),
    "the current report was rejected": (rows(report(PENDING), report(SUCCESS, **REJECTED)), [status(PENDING)]),
    "it was sent again, since it was covered": (
        rows(report(SUCCESS, edition=2, github_status_id=103)),
        [status(SUCCESS), status(SUCCESS, id=103, target_url=url(SUCCESS, 2))],
    ),
}

DIFFERENT = {
    "is delivered, and is there 0 times": (rows(report(SUCCESS)), []),
    "is delivered, and is there 2 times": (rows(report(SUCCESS)), [status(SUCCESS), status(SUCCESS)]),
    "is covered by an older one": (rows(report(PENDING), report(SUCCESS)), [status(SUCCESS), status(PENDING)]),
    "is current, and is not delivered": (rows(report(SUCCESS, **UNDELIVERED)), []),
    "is there, although it was never delivered": (
        rows(report(PENDING, **UNDELIVERED), report(SUCCESS)),
        [status(PENDING), status(SUCCESS)],
    ),
    "of no report": (rows(report(SUCCESS)), [status(SUCCESS), status(SUCCESS, target_url="https://docs.test/else")]),
    "is there as": (rows(report(SUCCESS)), [status(SUCCESS, description="other words")]),
}


@pytest.mark.parametrize("what", EQUAL)
def test_a_ledger_and_github_are_equal_though(what: str) -> None:
    ledger, held = EQUAL[what]
    assert differences(ledger, held) == []


@pytest.mark.parametrize("words", DIFFERENT)
def test_a_difference_is_named(words: str) -> None:
    ledger, held = DIFFERENT[words]
    (difference,) = differences(ledger, held)
    assert words in difference


def test_unsettled_reports_are_named() -> None:
    waiting = Job(number=3, id=JOB, type="sphinx", state=JobState.WAITING, beat_at=NOW)
    over = Job(number=4, id=JOB, type="sphinx", state=JobState.LOST, beat_at=NOW, ended_at=NOW)
    due = rows(report(SUCCESS, **UNDELIVERED), due_at=NOW + timedelta(seconds=9), last_error="GitHub is away").targets
    assert unsettled(Rows((waiting, over), due, ())) == [
        f"job 3 ({JOB}) is waiting",
        "docs/sphinx is due: GitHub is away",
    ]

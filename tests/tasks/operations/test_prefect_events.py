"""Which notifications become Prefect events, their payload and their related flow runs."""

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import pytest

from domain.delivery.notifications import Lost, Move, Notification, Overdue, Paused, ReportName
from domain.delivery.outcome import Reason
from domain.delivery.report import EventKind
from domain.delivery.target import StatusState, Target
from settings import ROOT
from storage.after_commit import UNPUBLISHED
from tasks.operations.prefect_events import event_of

AT = datetime(2026, 11, 23, 12, tzinfo=UTC)
JOB, PASS = UUID(int=7), UUID(int=8)
REPORT = ReportName(17, StatusState.SUCCESS, JOB, 2, Target("acme/site", "3f2a91c0" * 5, "docs/sphinx"))
MOVE = Move(REPORT, None, EventKind.DELIVERED, AT, "ann", "env:TOKEN", 3, 201, "0ABC:1", 0.25)
OVERDUE, PAUSED = Overdue(REPORT, AT, "HTTP 502"), Paused("env:TOKEN", AT, Reason.RATE_LIMITED)
LOST = Lost(JOB, 2, "it died")
SETTLED = (
    replace(MOVE, kind=EventKind.REJECTED, rejection="archived"),
    replace(MOVE, kind=EventKind.SUPERSEDED, attempt=None),
)
ABOUT = {
    "report": 17, "job": JOB, "execution": 2, "sha": "3f2a91c0" * 5, "state": "success", "repository": "acme/site",
    "context": "docs/sphinx",
}  # fmt: skip
ALL: tuple[Notification, ...] = (
    *(replace(MOVE, kind=kind) for kind in EventKind if kind not in UNPUBLISHED),
    *SETTLED,
    OVERDUE,
    PAUSED,
    LOST,
)


def name_of(notification: Notification) -> str | None:
    event = event_of(notification, PASS)
    return event.event.removeprefix("reportback.report.") if event else None


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (EventKind.DELIVERED, "delivered"),
        (EventKind.FOUND, "delivered"),
        (EventKind.LATE, "late"),
        (EventKind.REPAIRED, "repaired"),
        (EventKind.OVERRIDDEN, "overridden"),
        (EventKind.REJECTED, None),  # it may heal
        (EventKind.SUPERSEDED, None),  # a sender noticed; the event was published before
        (EventKind.POSTED, None),
        (EventKind.UNKNOWN, None),
    ],
)
def test_a_move_that_changes_what_is_on_the_commit_is_an_event(kind: EventKind, name: str | None) -> None:
    assert name_of(replace(MOVE, kind=kind)) == name


def test_rejected_and_superseded_reports_are_events() -> None:
    assert [name_of(one) for one in SETTLED] == ["rejected", "superseded"]


def test_an_event_has_its_subject_action_and_result() -> None:
    event = event_of(MOVE, PASS)
    assert event is not None
    assert event.payload == ABOUT | {
        "at": AT, "actor": "ann", "attempt": 3, "outcome": "delivered", "http_status": 201, "request_id": "0ABC:1",
        "seconds": 0.25,
    }  # fmt: skip
    assert event.resource.root == {
        "prefect.resource.id": "reportback.report.17",
        "prefect.resource.name": "success of acme/site@3f2a91c docs/sphinx",
        "reportback.state": "success",
        "reportback.repository": "acme/site",
        "reportback.context": "docs/sphinx",
    }


@pytest.mark.parametrize("notification", [MOVE, OVERDUE, LOST], ids=type)
def test_the_jobs_flow_run_comes_before_the_publishers(notification: Notification) -> None:
    event = event_of(notification, PASS)
    assert event is not None
    assert [(one.role, one.id) for one in event.related] == [
        ("flow-run", f"prefect.flow-run.{JOB}"),
        ("teller", f"prefect.flow-run.{PASS}"),
    ]


def test_a_flow_run_that_publishes_its_own_job_is_related_once() -> None:
    event = event_of(MOVE, JOB)
    assert event is not None
    assert [(one.role, one.id) for one in event.related] == [("flow-run", f"prefect.flow-run.{JOB}")]


@pytest.mark.parametrize(
    ("notification", "name", "told"),
    [
        (OVERDUE, "reportback.report.undelivered", ABOUT | {"recorded_at": AT, "words": "HTTP 502"}),
        (PAUSED, "reportback.credential.paused", {"credential": "env:TOKEN", "until": AT, "reason": "rate_limited"}),
        (LOST, "reportback.job.lost", {"job": JOB, "execution": 2, "words": "it died"}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_other_notifications_are_events_of_their_own(
    notification: Notification, name: str, told: dict[str, object]
) -> None:
    event = event_of(notification, PASS)
    assert event is not None
    assert (event.event, event.payload) == (name, told)


def test_a_reason_can_be_matched_by_an_automation() -> None:
    refused = event_of(SETTLED[0], PASS)
    paused = event_of(PAUSED, PASS)
    assert refused is not None
    assert paused is not None
    assert refused.resource["reportback.reason"] == "archived"
    assert paused.resource["reportback.reason"] == "rate_limited"


@pytest.mark.parametrize("name", sorted({event.event for one in ALL if (event := event_of(one, PASS))}))
def test_each_event_is_explained(name: str) -> None:
    assert f"| `{name}` |" in (ROOT / "docs" / "operate.md").read_text(encoding="utf-8")

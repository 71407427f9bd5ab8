"""A report's next step in an operator's words, and the remedy for a rejection."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from domain.delivery.outcome import Reason
from domain.delivery.report import EventKind, Phase
from domain.delivery.target import StatusState
from domain.operations.job_history import Blockers, Event, ReportHistory, retry_result, what_next
from domain.operations.remedies import REMEDIES, remedy

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
LATER = NOW + timedelta(minutes=2, seconds=5)
PAST = NOW - timedelta(minutes=1)
REJECTIONS = Path(__file__).resolve().parents[3] / "docs" / "rejections.md"


def report(phase: Phase, **fields: object) -> ReportHistory:
    return ReportHistory(7, 1, StatusState.SUCCESS, phase, **fields)  # type: ignore[arg-type]  # a test's shorthand


def due(**blockers: object) -> str:
    return what_next(report(Phase.DUE, blockers=Blockers(**blockers)), NOW)  # type: ignore[arg-type]  # a test's shorthand


@pytest.mark.parametrize("phase", Phase)
def test_every_phase_has_a_next_step(phase: Phase) -> None:
    assert what_next(report(phase), NOW).endswith(".")


def test_delivered_and_superseded_reports_have_no_next_step() -> None:
    assert "as status 9000000001" in what_next(report(Phase.DELIVERED, status_id=9_000_000_001), NOW)
    assert "never sent again" in what_next(report(Phase.SUPERSEDED), NOW)


def event(kind: EventKind, note: str | None = None) -> Event:
    return Event(PAST, kind, "reconciliation", note=note)


def test_an_override_is_shown_until_the_report_is_sent_again() -> None:
    delivered, override = event(EventKind.DELIVERED), event(EventKind.OVERRIDDEN, "status 31: failure by ann")
    words = what_next(report(Phase.DELIVERED, status_id=9, events=(delivered, override)), NOW)
    assert words == (
        "GitHub has it, as status 9. A status that is not ours was on top of it at 2026-11-23 11:59:00 UTC: "
        "status 31\\: failure by ann. It is left there."
    )
    for kind in (EventKind.DELIVERED, EventKind.FOUND):
        again = report(Phase.DELIVERED, status_id=9, events=(delivered, override, event(kind)))
        assert "on top" not in what_next(again, NOW)
    assert "Nothing is left" in what_next(report(Phase.DELIVERED, status_id=9, events=(delivered,)), NOW)


@pytest.mark.parametrize("reason", Reason)
def test_a_rejection_shows_its_reason_its_remedy_and_how_to_retry(reason: Reason) -> None:
    words = what_next(report(Phase.REJECTED, rejection=reason.value), NOW)
    assert f"`{reason}`" in words
    assert REMEDIES[reason] in words
    assert "retry this flow run, or run `retry-reports`" in words


def test_a_reason_of_another_version_is_no_error() -> None:
    assert "another version" in remedy("bored").lower()


def test_a_due_report_says_when_and_why_not_sooner() -> None:
    assert "after 2026-11-23 12:02:05 UTC" in due(due_at=LATER)
    assert "due now" in due(due_at=PAST)
    assert "due now" in due(due_at=PAST, doubt_until=PAST, paused_until=PAST)
    assert "may still turn up until 2026-11-23 12:02:05 UTC" in due(due_at=NOW, doubt_until=LATER)
    paused = due(due_at=NOW, doubt_until=LATER, paused_until=LATER, pause_reason="bad_credentials")
    assert paused.startswith("Its credential pauses until 2026-11-23 12:02:05 UTC: `bad_credentials`. Renew the token")


def test_a_report_being_sent_shows_the_end_of_its_lease() -> None:
    sending = report(Phase.SENDING, blockers=Blockers(due_at=NOW, lease_until=LATER))
    assert what_next(sending, NOW) == "It is being sent until 2026-11-23 12:02:05 UTC."


def test_a_retry_with_nothing_to_do_says_so() -> None:
    assert [before for before in (None, *Phase) if retry_result(before, before).startswith("nothing to do: ")] == [
        None,
        Phase.DELIVERED,
        Phase.SUPERSEDED,
    ]
    assert "not executed again; its report is delivered" in retry_result(Phase.REJECTED, Phase.DELIVERED)
    assert "not executed again; its report is due" in retry_result(Phase.DUE, Phase.DUE)


def test_the_documented_remedies_are_those_of_the_code() -> None:
    rows = re.findall(r"^\| `(\w+)` \| .* \| (.*) \|$", REJECTIONS.read_text(encoding="utf-8"), re.MULTILINE)
    assert dict(rows) == {reason.value: words for reason, words in REMEDIES.items()}
    assert set(REMEDIES) == set(Reason)

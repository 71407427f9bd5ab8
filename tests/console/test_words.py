"""How the shell describes the state of a report."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from console.arguments import ReportFilter
from console.list import next_try, reason, why
from domain.delivery.report import Phase
from domain.delivery.target import StatusState, Target
from domain.operations.job_history import Blockers, next_try_at
from domain.operations.overview import Listed
from domain.units import ahead, span

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
SOON, LATER = NOW + timedelta(minutes=4, seconds=10), NOW + timedelta(hours=2)
DUE = Listed(
    id=1, job_id=uuid4(), execution=1, target=Target("acme/site", "0" * 40, "docs"), state=StatusState.SUCCESS,
    phase=Phase.DUE, recorded_at=NOW, delivered_at=None, status_id=None, credential="env:T", rejection=None,
    last_error=None, blockers=Blockers(due_at=NOW),
)  # fmt: skip
REJECTED = replace(
    DUE, phase=Phase.REJECTED, rejection="archived", last_error="archived: read-only", blockers=Blockers()
)
PAUSED = replace(DUE, blockers=Blockers(due_at=NOW, paused_until=SOON, pause_reason="rate_limited"))


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(-5, "0 s"), (0, "0 s"), (59.9, "59 s"), (60, "1 min"), (3599, "59 min"), (3600, "1 h"), (86400 * 12, "12 d")],
)
def test_a_span_is_shown_in_its_largest_whole_unit(seconds: float, words: str) -> None:
    assert span(timedelta(seconds=seconds)) == words


def test_a_past_time_is_shown_as_now() -> None:
    assert [ahead(moment, NOW) for moment in (NOW - timedelta(days=1), NOW, SOON)] == ["now", "now", "in 4 min"]


@pytest.mark.parametrize(
    ("blockers", "moment"),
    [
        (Blockers(due_at=NOW), NOW),
        (Blockers(due_at=NOW, doubt_until=SOON), SOON),
        (Blockers(due_at=SOON, doubt_until=NOW, paused_until=LATER), LATER),
        (Blockers(), None),
    ],
)
def test_a_due_report_is_tried_once_nothing_blocks_it(blockers: Blockers, moment: datetime | None) -> None:
    assert next_try_at(Phase.DUE, blockers) == moment


@pytest.mark.parametrize("phase", [one for one in Phase if one is not Phase.DUE])
def test_a_report_that_is_not_due_is_not_tried(phase: Phase) -> None:
    assert next_try_at(phase, Blockers(due_at=NOW)) is None


@pytest.mark.parametrize(
    ("report", "words"),
    [
        (DUE, "now"),
        (PAUSED, "in 4 min"),
        (REJECTED, "by hand"),
        (replace(DUE, phase=Phase.SENDING), "at it"),
        (replace(DUE, phase=Phase.DELIVERED, blockers=Blockers()), ""),
        (replace(DUE, phase=Phase.SUPERSEDED, blockers=Blockers()), ""),
    ],
)
def test_when_it_is_tried_again(report: Listed, words: str) -> None:
    assert next_try(report, NOW) == words


@pytest.mark.parametrize(
    ("report", "known", "words"),
    [
        (DUE, None, ""),
        (replace(DUE, last_error="HTTP 502"), None, "HTTP 502"),
        (REJECTED, "archived", "archived: read-only"),
        (PAUSED, "rate_limited", "credential pauses: rate_limited"),
        (replace(PAUSED, last_error="HTTP 502"), "rate_limited", "credential pauses: rate_limited; HTTP 502"),
        (replace(DUE, blockers=Blockers(paused_until=NOW, pause_reason="rate_limited")), None, ""),
        (replace(DUE, last_error="a\x1b[31m\nb"), None, "a b"),
    ],
)
def test_why_it_is_not_on_github(report: Listed, known: str | None, words: str) -> None:
    assert (reason(report, NOW), why(report, NOW)) == (known, words)


@pytest.mark.parametrize(
    ("since", "meant"),
    [
        (None, None),
        (timedelta(hours=2), NOW - timedelta(hours=2)),
        (datetime(2026, 5, 1, 8), datetime(2026, 5, 1, 8, tzinfo=UTC)),  # noqa: DTZ001  # as it comes from a command line
        (LATER, LATER),
    ],
)
def test_since_is_a_span_back_from_now_or_a_time_of_utc(
    since: timedelta | datetime | None, meant: datetime | None
) -> None:
    assert ReportFilter(since=since).selection(NOW).since == meant

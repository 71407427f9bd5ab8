"""Which flow runs without a job are dead, and what one that has not ended is doing."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from domain.operations.job_runs import LATE_AFTER, LONGEST_START, NO_HEARTBEAT, JobRun, Standing, standing, why_dead

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
A_MOMENT = timedelta(seconds=1)
RUN = JobRun(UUID(int=7), "sphinx 3f2a91c acme/site", "PENDING", "Submitting", NOW, NOW)


def in_state(state: str, age: timedelta = timedelta(0), *, is_attended: bool | None = True) -> JobRun:
    return replace(RUN, state=state, state_at=NOW - age, is_attended=is_attended)


@pytest.mark.parametrize("state", ["FAILED", "CRASHED"])
def test_what_prefect_says_has_failed_or_crashed_is_dead_at_once(state: str) -> None:
    assert why_dead(in_state(state), NOW)


@pytest.mark.parametrize("state", ["SCHEDULED", "CANCELLED", "CANCELLING", "COMPLETED", "PAUSED"])
def test_what_no_worker_took_or_was_ended_on_purpose_is_not_dead_however_long_ago(state: str) -> None:
    assert why_dead(in_state(state, timedelta(days=1), is_attended=False), NOW) is None


@pytest.mark.parametrize("state", ["PENDING", "RUNNING"])
@pytest.mark.parametrize(
    ("age", "is_attended", "is_dead"),
    [
        (NO_HEARTBEAT, False, False),
        (NO_HEARTBEAT + A_MOMENT, False, True),
        (NO_HEARTBEAT + A_MOMENT, True, False),
        (NO_HEARTBEAT + A_MOMENT, None, False),
        (LONGEST_START, True, False),
        (LONGEST_START + A_MOMENT, True, True),
        (LONGEST_START + A_MOMENT, None, True),
    ],
)
def test_what_starts_is_dead_without_its_worker_or_after_ten_minutes(
    state: str,
    age: timedelta,
    is_attended: bool | None,  # noqa: FBT001  # a table
    is_dead: bool,  # noqa: FBT001  # a table
) -> None:
    assert bool(why_dead(in_state(state, age, is_attended=is_attended), NOW)) is is_dead


def test_what_was_to_start_over_a_minute_ago_is_late() -> None:
    for late_by, expected in ((LATE_AFTER, Standing.WAITING), (LATE_AFTER + A_MOMENT, Standing.LATE)):
        run = replace(in_state("SCHEDULED"), due_at=NOW - late_by)
        assert standing(run, NOW, is_accepted=False) is expected


def test_what_a_worker_took_runs_once_its_job_is_accepted() -> None:
    assert standing(RUN, NOW, is_accepted=False) is Standing.STARTING
    assert standing(RUN, NOW, is_accepted=True) is Standing.RUNNING

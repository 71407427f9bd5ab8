"""A simulated day, with about a twentieth of its jobs and budget. Whole days with other seeds: `make soak`."""

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from day import Day, Size, simulated_day
from day_checks import drain, drain_time, earliest, impatient, starved, unbound_by_hour
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.delivery.budget import WriteBudget

SMALL = Size(jobs=50, in_storm=33, budget=WriteBudget(per_minute=4, per_hour=25))
START = datetime(2026, 11, 23, tzinfo=UTC)


@pytest.fixture(scope="module")
def day(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Day:
    path = tmp_path_factory.mktemp("day") / "ledger.db"
    shutil.copy(sqlite_template, path)
    return simulated_day(f"sqlite:///{path}", SMALL, seed=1)


def test_every_newest_outcome_of_a_day_is_delivered_once(day: Day) -> None:
    assert day.lost_or_doubled() == []


def test_no_request_is_made_while_github_wants_to_be_left_alone(day: Day) -> None:
    assert impatient(day) == []


def test_one_credentials_trouble_delays_no_other(day: Day) -> None:
    assert starved(day) == []


def test_a_backlog_drains_as_fast_as_the_budget_allows(day: Day) -> None:
    count, took, ideal = drain(day)
    assert count > SMALL.budget.per_hour  # more than an hour has room for: it does not bind
    assert took <= 1.05 * ideal


@settings(derandomize=True, max_examples=60)
@given(count=st.integers(1, 700), minute=st.integers(1, 90), hour=st.integers(1, 200))
def test_the_closed_form_is_the_earliest_that_the_windows_allow(count: int, minute: int, hour: int) -> None:
    budget = WriteBudget(minute, min(hour, 60 * minute))
    assert START + drain_time(count, budget) == earliest([], count, budget, start=START)[-1]


@pytest.mark.parametrize(
    ("count", "took", "enforced"),
    [
        (1, "0:00:00", "0:00:00"),
        (100, "0:01:39", "0:01:39"),
        (500, "0:08:19", "0:08:19"),
        (501, "0:08:20", "1:00:00"),
        (1000, "0:16:39", "1:08:19"),
        (5000, "1:23:19", "9:08:19"),
    ],
)
def test_the_table_in_the_docs_is_true(count: int, took: str, enforced: str) -> None:
    assert str(drain_time(count, unbound_by_hour(WriteBudget()))) == took
    assert str(drain_time(count, WriteBudget())) == enforced
    page = (Path(__file__).parents[3] / "docs" / "capacity.md").read_text(encoding="utf-8")
    assert f"| {count} | {took} | {enforced} |" in page


def test_a_request_may_leave_as_soon_as_each_window_has_room() -> None:
    budget = WriteBudget(per_minute=2, per_hour=3)
    seconds = [(at - START) // timedelta(seconds=1) for at in earliest([], 5, budget, start=START)]
    assert seconds == [0, 1, 60, 3600, 3601]

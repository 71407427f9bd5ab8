"""Backoff and pause: bounds and direction, for every time."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.delivery.policy import FIRST_PAUSE, LONGEST_BACKOFF, LONGEST_PAUSE, SPREAD, Policy, backoff, pause

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
AGES = st.timedeltas(timedelta(0), timedelta(days=30))
FIRST_DELAYS = st.timedeltas(timedelta(seconds=1), timedelta(hours=2))
JITTERS = st.floats(-1, 1)
TICK = timedelta(microseconds=2)
"""What rounding to whole microseconds may add or take."""


@given(age=AGES, first_delay=FIRST_DELAYS, jitter=JITTERS)
def test_a_backoff_stays_within_first_delay_and_an_hour_give_or_take_its_spread(
    age: timedelta, first_delay: timedelta, jitter: float
) -> None:
    wait = backoff(age, first_delay=first_delay, jitter=jitter)
    assert first_delay * (1 - SPREAD) - TICK <= wait <= max(first_delay, LONGEST_BACKOFF) * (1 + SPREAD) + TICK


@given(younger=AGES, older=AGES, first_delay=FIRST_DELAYS, jitter=JITTERS)
def test_an_older_report_never_waits_less(
    younger: timedelta, older: timedelta, first_delay: timedelta, jitter: float
) -> None:
    younger, older = sorted((younger, older))
    assert backoff(younger, first_delay=first_delay, jitter=jitter) <= backoff(
        older, first_delay=first_delay, jitter=jitter
    )


@pytest.mark.parametrize(
    ("age", "wait"),
    [
        (timedelta(0), timedelta(minutes=1)),
        (timedelta(minutes=2), timedelta(minutes=1)),
        (timedelta(minutes=2, seconds=2), timedelta(seconds=61)),
        (timedelta(minutes=20), timedelta(minutes=10)),
        (timedelta(hours=2), timedelta(hours=1)),
        (timedelta(days=6), timedelta(hours=1)),
    ],
)
def test_between_its_bounds_a_backoff_is_half_the_age(age: timedelta, wait: timedelta) -> None:
    assert backoff(age, first_delay=timedelta(minutes=1), jitter=0) == wait


@given(age=AGES)
def test_a_first_delay_beyond_an_hour_is_kept(age: timedelta) -> None:
    assert backoff(age, first_delay=timedelta(hours=2), jitter=0) == timedelta(hours=2)


@given(ahead=st.timedeltas(timedelta(days=-1), timedelta(days=400)), previous=st.none() | st.just(LONGEST_PAUSE))
def test_a_time_github_names_is_kept_within_a_second_and_an_hour(ahead: timedelta, previous: timedelta | None) -> None:
    wait = pause(NOW + ahead, previous, now=NOW)
    assert timedelta(seconds=1) <= wait <= LONGEST_PAUSE
    if timedelta(seconds=1) <= ahead <= LONGEST_PAUSE:
        assert wait == ahead


@given(previous=st.none() | st.timedeltas(timedelta(0), timedelta(days=1)))
def test_a_pause_of_our_own_is_between_a_minute_and_an_hour(previous: timedelta | None) -> None:
    assert FIRST_PAUSE <= pause(None, previous, now=NOW) <= LONGEST_PAUSE


def test_pauses_in_a_row_double_up_to_an_hour() -> None:
    waits: list[timedelta] = []
    for _ in range(8):
        waits.append(pause(None, waits[-1] if waits else None, now=NOW))
    assert [wait.total_seconds() / 60 for wait in waits] == [1, 2, 4, 8, 16, 32, 60, 60]


def test_the_default_times_are_sound() -> None:
    policy = Policy()
    assert policy.lease >= 2 * policy.timeout
    assert policy.settle_after >= timedelta(seconds=15)

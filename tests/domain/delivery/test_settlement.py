"""The settlement that each outcome of an attempt leads to."""

from datetime import UTC, datetime, timedelta

import pytest

from domain.delivery.outcome import Delivered, NoToken, NotSent, Outcome, Reason, Rejected, Throttled, Unknown
from domain.delivery.policy import Policy
from domain.delivery.report import EventKind
from domain.delivery.settlement import Settlement, Tries, settle

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
POLICY = Policy()
SECOND = timedelta(seconds=1)
DAYS = frozenset((NOW - timedelta(days=ago)).date() for ago in range(1, 5))
MISSING = Rejected(Reason.NO_SUCH_COMMIT, "No commit found for SHA", may_heal=True)


def settled(outcome: Outcome, *, jitter: float = 0, age: timedelta = SECOND, **tries: object) -> Settlement:
    so_far = Tries(NOW - age, **tries)  # type: ignore[arg-type]  # fields of Tries, by name
    return settle(outcome, so_far, POLICY, now=NOW, jitter=jitter)


def test_delivered_is_the_end_of_it() -> None:
    assert settled(Delivered(7)) == Settlement(EventKind.DELIVERED, status_id=7)


def test_rejected_is_the_end_of_it_with_githubs_words() -> None:
    done = settled(Rejected(Reason.NOT_FOUND, "Not Found"))
    assert done == Settlement(EventKind.REJECTED, "not_found: Not Found", rejection=Reason.NOT_FOUND)


def test_a_throttled_report_is_due_when_its_credentials_pause_ends() -> None:
    done = settled(Throttled(Reason.RATE_LIMITED, "wait", NOW + timedelta(hours=1)))
    assert done == Settlement(EventKind.THROTTLED, "rate_limited: wait", due_at=NOW)


def test_not_sent_is_due_later_and_starts_no_doubt() -> None:
    done = settled(NotSent("refused"))
    assert done == Settlement(EventKind.NOT_SENT, "refused", due_at=NOW + POLICY.first_delay)
    assert not done.read_back


def test_unknown_is_read_back_and_nothing_is_sent_while_it_may_turn_up() -> None:
    done = settled(Unknown("HTTP 502"))
    assert done.read_back
    assert (done.doubt_until, done.due_at) == (NOW + POLICY.settle_after, NOW + POLICY.first_delay)


@pytest.mark.parametrize(("jitter", "minutes"), [(-1, 24), (0, 30), (1, 36)])
@pytest.mark.parametrize("outcome", [NotSent("refused"), Unknown("HTTP 502"), MISSING])
def test_a_retry_waits_for_about_half_the_reports_age(outcome: Outcome, jitter: float, minutes: int) -> None:
    done = settled(outcome, age=timedelta(hours=1), jitter=jitter)
    assert done.due_at == NOW + timedelta(minutes=minutes)


@pytest.mark.parametrize(
    ("ago", "is_over"), [(None, False), (timedelta(hours=1) - SECOND, False), (timedelta(hours=1), True)]
)
def test_a_missing_commit_has_an_hour_from_the_first_such_answer(ago: timedelta | None, *, is_over: bool) -> None:
    since = None if ago is None else NOW - ago
    done = settled(MISSING, refused_since=since)
    assert done.kind is EventKind.REJECTED
    assert (done.rejection is Reason.NO_SUCH_COMMIT) is is_over
    assert done.refused_since == (None if is_over else since or NOW)
    assert (done.due_at is None) is is_over


@pytest.mark.parametrize(
    ("outcome", "is_kept"),
    [
        (NotSent("refused"), True),
        (Unknown("HTTP 502"), True),
        (Throttled(Reason.RATE_LIMITED, "wait"), False),
        (Delivered(7), False),
        (Rejected(Reason.GONE, "Gone"), False),
    ],
)
def test_only_another_answer_ends_the_hour_of_a_missing_commit(outcome: Outcome, *, is_kept: bool) -> None:
    assert (settled(outcome, refused_since=NOW - SECOND).refused_since is not None) is is_kept


@pytest.mark.parametrize("outcome", [NotSent("refused"), Unknown("refused")])
@pytest.mark.parametrize(("ago", "is_over"), [(timedelta(days=7) - SECOND, False), (timedelta(days=7), True)])
def test_a_report_undelivered_for_a_week_is_given_up(outcome: Outcome, ago: timedelta, *, is_over: bool) -> None:
    done = settled(outcome, failing_since=NOW - ago, failed_on=DAYS)
    assert (done.rejection is Reason.EXPIRED) is is_over
    assert "refused" in done.note


def test_the_day_of_a_try_counts_once() -> None:
    """The fifth try of the fourth day is one on four days."""
    tried_today = (DAYS - {min(DAYS)}) | {NOW.date()}
    assert settled(NotSent("refused"), failing_since=NOW - timedelta(days=7), failed_on=tried_today).rejection is None


def test_a_missing_token_waits_as_an_unsent_request_does() -> None:
    done = settled(NoToken("none here"), refused_since=NOW)
    assert done == Settlement(EventKind.THROTTLED, "none here", due_at=NOW + POLICY.first_delay, refused_since=NOW)


@pytest.mark.parametrize("outcome", [Delivered(7), Throttled(Reason.RATE_LIMITED, "wait"), NoToken("none"), MISSING])
def test_neither_an_answer_nor_a_missing_token_expires(outcome: Outcome) -> None:
    assert settled(outcome, failing_since=NOW - timedelta(days=30), failed_on=DAYS).rejection is not Reason.EXPIRED

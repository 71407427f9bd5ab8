"""Which report of a target is current, and how a report recognises its own status."""

from itertools import product
from uuid import UUID

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from domain.delivery.commit_status import carries, marked
from domain.delivery.report import Rank, marker, supersedes
from domain.delivery.target import StatusState
from domain.jobs.job_states import JobState, rank, shown_as

JOB = UUID("6f1d6f0e-2a57-4d57-9a3c-0b6a4a1c5b11")
TURNS_AND_RANKS = list(product(range(1, 4), (int(r) for r in Rank)))
PAIRS = list(product(TURNS_AND_RANKS, repeat=2))

NAMES = st.text("abcdefghijklmnopqrstuvwxyz0123456789-_.~%", min_size=1, max_size=12)
PARAMETERS = st.lists(st.builds("{}={}".format, NAMES, NAMES), max_size=3).map("&".join)
URLS = st.builds(
    lambda scheme, host, path, query, fragment: (
        f"{scheme}://{host}/{path}" + (f"?{query}" if query else "") + (f"#{fragment}" if fragment else "")
    ),
    st.sampled_from(["http", "https"]),
    st.sampled_from(["docs.example.org", "localhost:4200", "[::1]:8080", "user@example.org"]),
    st.lists(NAMES, max_size=3).map("/".join),
    PARAMETERS,
    st.one_of(st.just(""), NAMES, st.just("/runs/flow-run/1?tab=logs")),
)
MARKERS = st.builds(marker, st.uuids(), st.integers(1, 99), st.sampled_from(list(StatusState)), st.integers(1, 99))


@pytest.mark.parametrize("state", JobState)
def test_an_outcome_outranks_a_loss_and_a_loss_outranks_pending(state: JobState) -> None:
    expected = Rank.THOUGHT_LOST if state is JobState.LOST else Rank.OWN_OUTCOME if state.is_over else Rank.PENDING
    assert rank(state) is expected


@pytest.mark.parametrize("state", JobState)
def test_rank_zero_is_what_shows_as_pending(state: JobState) -> None:
    assert (rank(state) is Rank.PENDING) is (shown_as(state) is StatusState.PENDING)


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_the_later_turn_is_current_and_within_a_turn_the_higher_rank(
    one: tuple[int, int], other: tuple[int, int]
) -> None:
    later_turn = one[0] > other[0]
    higher_rank = one[0] == other[0] and one[1] > other[1]
    assert supersedes(one, other) is (later_turn or higher_rank)


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_of_two_different_reports_exactly_one_is_current(one: tuple[int, int], other: tuple[int, int]) -> None:
    assert supersedes(one, other) + supersedes(other, one) == (one != other)


def test_markers_of_a_job_are_distinct_over_execution_state_and_edition() -> None:
    space = list(product(range(1, 13), StatusState, range(1, 13)))
    assert len({marker(JOB, *key) for key in space}) == len(space)


@given(one=st.uuids(), other=st.uuids())
def test_two_jobs_never_share_a_marker(one: UUID, other: UUID) -> None:
    assume(one != other)
    assert marker(one, 1, StatusState.SUCCESS, 1) != marker(other, 1, StatusState.SUCCESS, 1)


def test_a_marker_never_changes_between_versions() -> None:
    # A pinned value: statuses sent by an earlier version must still be found by this one.
    assert marker(JOB, 1, StatusState.SUCCESS, 1) == "2a22d2eb7323502184c0fa5c"


@given(mark=MARKERS)
def test_a_marker_is_24_hex_digits(mark: str) -> None:
    assert len(mark) == 24
    assert set(mark) <= set("0123456789abcdef")


@given(url=URLS, mark=MARKERS)
def test_a_marked_url_carries_its_marker(url: str, mark: str) -> None:
    assert not carries(url, mark)
    assert carries(marked(url, mark), mark)


@given(url=URLS, mark=MARKERS, other=MARKERS)
def test_a_marked_url_carries_no_other_marker(url: str, mark: str, other: str) -> None:
    assume(mark != other)
    assert not carries(marked(url, mark), other)


@given(url=URLS, mark=MARKERS, other=MARKERS)
def test_a_new_marker_takes_the_place_of_an_old_one(url: str, mark: str, other: str) -> None:
    assume(mark != other)
    assert marked(marked(url, other), mark) == marked(url, mark)


@given(mark=MARKERS)
def test_no_url_carries_no_marker(mark: str) -> None:
    assert not carries(None, mark)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://docs.example.org", "https://docs.example.org#:~:report=M"),
        ("https://docs.example.org/a?b=c", "https://docs.example.org/a?b=c#:~:report=M"),
        ("https://docs.example.org/a#top", "https://docs.example.org/a#top:~:report=M"),
        ("https://docs.example.org/#/guide?page=2", "https://docs.example.org/#/guide?page=2:~:report=M"),
        ("https://docs.example.org/a#:~:text=some", "https://docs.example.org/a#:~:text=some&report=M"),
        ("https://docs.example.org/a?report=weekly#top", "https://docs.example.org/a?report=weekly#top:~:report=M"),
        (f"https://docs.example.org/a#:~:report={'0' * 24}", "https://docs.example.org/a#:~:report=M"),
    ],
)
def test_the_link_leads_where_it_led_without_the_marker(url: str, expected: str) -> None:
    mark = marker(JOB, 1, StatusState.SUCCESS, 1)
    assert marked(url, mark) == expected.replace("M", mark)


@pytest.mark.parametrize(
    "url",
    [
        "https://x.test/?report=M",
        "https://x.test/#report-M",
        "https://x.test/#report=M",
        "https://x.test/#:~:report=M0",
        "https://x.test/#:~:text=report=M",
        "https://x.test/:~:report=M",
    ],
)
def test_a_marker_elsewhere_in_a_link_is_none(url: str) -> None:
    mark = marker(JOB, 1, StatusState.SUCCESS, 1)
    assert not carries(url.replace("M", mark), mark)

"""What GitHub shows for each state of a job, and what makes two targets one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.jobs.job import JobState, StatusState, Target, shown_as

SHA = "3f2a91c07be5d8846a1f0c9b2e7d5538a4c6e190"

SHOWN = {
    JobState.WAITING: StatusState.PENDING,
    JobState.RUNNING: StatusState.PENDING,
    JobState.SUCCEEDED: StatusState.SUCCESS,
    JobState.FAILED: StatusState.FAILURE,
    JobState.TIMED_OUT: StatusState.ERROR,
    JobState.CANCELLED: StatusState.ERROR,
    JobState.CRASHED: StatusState.ERROR,
    JobState.LOST: StatusState.ERROR,
}


@pytest.mark.parametrize("state", JobState)
def test_every_job_state_shows_as_one_status(state: JobState) -> None:
    assert shown_as(state) is SHOWN[state]


@pytest.mark.parametrize("state", JobState)
def test_a_job_is_over_exactly_when_its_status_is_not_pending(state: JobState) -> None:
    assert state.is_over is (shown_as(state) is not StatusState.PENDING)


def test_the_words_are_those_github_takes() -> None:
    assert {str(state) for state in StatusState} == {"pending", "success", "failure", "error"}


@pytest.mark.parametrize(
    "same",
    [
        Target("acme/site", SHA, "docs/build"),
        Target("Acme/Site", SHA, "docs/build"),
        Target("acme/site", SHA.upper(), "docs/build"),
        Target("acme/site", SHA, "Docs/Build"),
    ],
)
def test_letter_case_makes_no_other_target(same: Target) -> None:
    assert same.key == Target("acme/site", SHA, "docs/build").key


@pytest.mark.parametrize(
    "other",
    [
        Target("acme/site2", SHA, "docs/build"),
        Target("acme/site", SHA[::-1], "docs/build"),
        Target("acme/site", SHA, "docs/build2"),
    ],
)
def test_another_repository_commit_or_context_is_another_target(other: Target) -> None:
    assert other.key != Target("acme/site", SHA, "docs/build").key


@given(context=st.text(min_size=1, max_size=255), other=st.text(min_size=1, max_size=255))
def test_contexts_share_a_key_only_if_they_differ_by_case(context: str, other: str) -> None:
    same = Target("acme/site", SHA, context).key == Target("acme/site", SHA, other).key
    assert same is (context.lower() == other.lower())

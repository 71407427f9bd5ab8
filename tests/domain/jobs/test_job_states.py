"""Job states: how a job ends in each, what GitHub shows for it, and when two targets are the same."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.delivery.target import StatusState, Target
from domain.jobs.job_states import JobState, shown_as, state_after
from domain.process.ended_by import EndedBy

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


def test_how_a_command_ended_is_the_state_of_its_job() -> None:
    assert state_after(EndedBy.EXITED, 0) is JobState.SUCCEEDED
    assert state_after(EndedBy.EXITED, 1) is JobState.FAILED
    assert state_after(EndedBy.SIGNAL, None) is JobState.CRASHED
    assert state_after(EndedBy.TIME_LIMIT, None) is JobState.TIMED_OUT
    assert state_after(EndedBy.PROCESS_LIMIT, None) is JobState.CRASHED
    assert state_after(EndedBy.OUT_OF_MEMORY, 137) is JobState.CRASHED


def test_which_exit_codes_are_a_success_is_for_the_job_type_to_say() -> None:
    assert state_after(EndedBy.EXITED, 3, (0, 3)) is JobState.SUCCEEDED
    assert state_after(EndedBy.EXITED, 0, (3,)) is JobState.FAILED
    assert state_after(EndedBy.SIGNAL, None, (0,)) is JobState.CRASHED

"""States of a job execution: what leads to each, and what GitHub should show for it."""

from collections.abc import Collection
from enum import StrEnum

from domain.delivery.check_output import Conclusion
from domain.delivery.report import Rank
from domain.delivery.target import StatusState
from domain.process.ended_by import EndedBy


class JobState(StrEnum):
    """State of one execution of a job."""

    WAITING = "waiting"  # accepted; its command has not been started, perhaps because its exclusive group is taken
    RUNNING = "running"  # its process sends heartbeats
    SUCCEEDED = "succeeded"  # the command ended with 0
    FAILED = "failed"  # the command ended with another code
    TIMED_OUT = "timed_out"  # its time limit ended it
    CANCELLED = "cancelled"  # it was cancelled by a user
    CRASHED = "crashed"  # the command did not end by itself: no checkout, a signal, a bug
    LOST = "lost"  # its heartbeat stopped; only this state can be left again, if the process turns out to be alive

    @property
    def is_over(self) -> bool:
        """Whether the execution has ended; a lost one counts as ended."""
        return self not in (JobState.WAITING, JobState.RUNNING)


def shown_as(state: JobState) -> StatusState:
    """What GitHub should show for a job in *state*: `failure` if the command itself failed, `error` otherwise."""
    match state:
        case JobState.WAITING | JobState.RUNNING:
            return StatusState.PENDING
        case JobState.SUCCEEDED:
            return StatusState.SUCCESS
        case JobState.FAILED:
            return StatusState.FAILURE
        case JobState.TIMED_OUT | JobState.CANCELLED | JobState.CRASHED | JobState.LOST:
            return StatusState.ERROR


def concluded_as(state: JobState) -> Conclusion:
    """The conclusion of the check run of a job that ended in *state*."""
    match state:
        case JobState.SUCCEEDED:
            return Conclusion.SUCCESS
        case JobState.TIMED_OUT:
            return Conclusion.TIMED_OUT
        case JobState.CANCELLED:
            return Conclusion.CANCELLED
        case _:
            return Conclusion.FAILURE


def rank(state: JobState) -> Rank:
    """The rank of the report for a job in *state*."""
    match state:
        case JobState.WAITING | JobState.RUNNING:
            return Rank.PENDING
        case JobState.LOST:
            return Rank.THOUGHT_LOST
        case _:
            return Rank.OWN_OUTCOME


def state_after(ended_by: EndedBy, exit_code: int | None, success_codes: Collection[int | None] = (0,)) -> JobState:
    """The state of a job, from how its command ended."""
    match ended_by:
        case EndedBy.EXITED:
            return JobState.SUCCEEDED if exit_code in success_codes else JobState.FAILED
        case EndedBy.SIGNAL | EndedBy.PROCESS_LIMIT | EndedBy.OUT_OF_MEMORY:
            return JobState.CRASHED
        case EndedBy.TIME_LIMIT:
            return JobState.TIMED_OUT

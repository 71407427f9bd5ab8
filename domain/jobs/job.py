"""The states of a docs job: what ends it so, and what GitHub should show for each."""

from collections.abc import Collection
from enum import StrEnum

from domain.delivery.report import Rank
from domain.delivery.target import StatusState
from domain.process.ended_by import EndedBy


class JobState(StrEnum):
    """Where one execution of a job stands."""

    WAITING = "waiting"  # accepted; its command has not been started, perhaps because its exclusive group is taken
    RUNNING = "running"  # its process beats
    SUCCEEDED = "succeeded"  # the command ended with 0
    FAILED = "failed"  # the command ended with another code
    TIMED_OUT = "timed_out"  # its time limit ended it
    CANCELLED = "cancelled"  # a person ended it
    CRASHED = "crashed"  # it never came to an end of its own: no checkout, a signal, a bug
    LOST = "lost"  # its beat stopped; it alone can come back, should its process turn out to live

    @property
    def is_over(self) -> bool:
        """Whether the execution has ended. A lost one is taken to have."""
        return self not in (JobState.WAITING, JobState.RUNNING)


def shown_as(state: JobState) -> StatusState:
    """What GitHub should show for a job in *state*: `failure` is the command's own word, `error` everybody else's."""
    match state:
        case JobState.WAITING | JobState.RUNNING:
            return StatusState.PENDING
        case JobState.SUCCEEDED:
            return StatusState.SUCCESS
        case JobState.FAILED:
            return StatusState.FAILURE
        case JobState.TIMED_OUT | JobState.CANCELLED | JobState.CRASHED | JobState.LOST:
            return StatusState.ERROR


def rank(state: JobState) -> Rank:
    """The rank of what is reported for a job in *state*."""
    match state:
        case JobState.WAITING | JobState.RUNNING:
            return Rank.PENDING
        case JobState.LOST:
            return Rank.THOUGHT_LOST
        case _:
            return Rank.OWN_OUTCOME


def state_after(ended_by: EndedBy, exit_code: int | None, success_codes: Collection[int | None] = (0,)) -> JobState:
    """The state of a job whose command ended so."""
    match ended_by:
        case EndedBy.EXITED:
            return JobState.SUCCEEDED if exit_code in success_codes else JobState.FAILED
        case EndedBy.SIGNAL | EndedBy.PROCESS_LIMIT:
            return JobState.CRASHED
        case EndedBy.TIME_LIMIT:
            return JobState.TIMED_OUT

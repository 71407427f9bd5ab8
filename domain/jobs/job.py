"""A docs job: its states, where it reports, and what GitHub should show for each state."""

from dataclasses import dataclass
from enum import StrEnum

MAX_CONTEXT = 255
"""Characters GitHub takes in a status's context; a longer one is answered 422."""


class StatusState(StrEnum):
    """What a GitHub commit status can say."""

    PENDING = "pending"
    SUCCESS = "success"
    FAILURE = "failure"
    ERROR = "error"


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


def short_enough(context: str) -> str:
    """*context*, if it has at most 255 characters in lower case too, where "İ" has two. Raises ValueError otherwise.

    The key of a target holds it in lower case, in a column that has room for as many.
    """
    if len(context.lower()) > MAX_CONTEXT:
        raise ValueError(f"must have at most {MAX_CONTEXT} characters, also once it is in lower case")
    return context


@dataclass(frozen=True, slots=True)
class Target:
    """Where an outcome shows: a context of a commit of a repository.

    `repository` is "owner/name", `sha` 40 lower-case hex digits, `context` 1 to 255 characters.
    """

    repository: str
    sha: str
    context: str

    @property
    def key(self) -> str:
        """What makes two targets one: GitHub tells neither repositories nor contexts apart by letter case."""
        return f"{self.repository}@{self.sha}:{self.context}".lower()

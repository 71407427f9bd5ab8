"""Models of the fields that are read from an old job file; all others, the token too, are ignored."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, StrictBool

from domain.jobs.job_states import JobState

TIME = "a time with its zone, such as 2026-01-31T23:59:00.000Z"
NAME = "letters, digits, '.', '_' and '-'"

ALLOWED = {
    "id": "a text of 1 to 200 characters",
    "type": "a text of 1 to 100 characters",
    "status": "pending, running, completed, failed, cancelled",
    "createdAt": TIME,
    "completedAt": f"{TIME}; or none",
    "githubStatusReported": "true or false",
    "github": "an object with owner, repo and sha; or none",
    "github.owner": NAME,
    "github.repo": NAME,
    "github.owner, github.repo": NAME,
    "github.sha": "40 hexadecimal digits",
    "github.context": "a text of at most 255 characters",
}
"""Allowed values of each field, for messages."""

UNKNOWN_TIME = datetime(9999, 12, 31, tzinfo=UTC)
"""Request time of a job whose time cannot be read: it may be the newest."""

STATES = {"completed": JobState.SUCCEEDED, "failed": JobState.FAILED, "cancelled": JobState.CANCELLED}

ERRORS = {
    "Job cancelled by user": JobState.CANCELLED,
    "Job lost after API server restart": JobState.CRASHED,
    "Job execution timed out": JobState.TIMED_OUT,
}
"""Beginnings of the error of a failed job, for states that the old system did not have."""


def _in_utc(time: datetime) -> datetime:
    try:
        return time.astimezone(UTC)
    except OverflowError:
        raise ValueError("out of range") from None


def _object(value: object) -> object:
    return value if isinstance(value, dict) else {}


def _text(value: object) -> object:
    return value if isinstance(value, str) else ""


Time = Annotated[AwareDatetime, AfterValidator(_in_utc)]
Text = Annotated[str, BeforeValidator(_text)]


class _Fields(BaseModel):
    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)


class Identity(_Fields):
    """Identity of the job."""

    id: Annotated[str, Field(pattern=r"\S", max_length=200)] = ""
    type: Annotated[str, Field(pattern=r"\S", max_length=100)] = ""


class Place(_Fields):
    """The job's target: `github`."""

    owner: str = ""
    repo: str = ""
    sha: str = ""
    context: str | None = None
    url: Annotated[Text, Field(alias="targetUrl")] = ""


class Result(_Fields):
    """The job's result."""

    success: Any = None  # only `false` has a meaning
    error: Text = ""
    output: Text = ""


class Course(_Fields):
    """The job's status, times and result."""

    status: Literal["pending", "running", "completed", "failed", "cancelled"] = "pending"
    created_at: Annotated[Time, Field(alias="createdAt")] = UNKNOWN_TIME
    completed_at: Annotated[Time | None, Field(alias="completedAt")] = None
    is_reported: Annotated[StrictBool | None, Field(alias="githubStatusReported")] = None
    result: Annotated[Result, BeforeValidator(_object)] = Result()


def ended_as(course: Course) -> JobState | None:
    """The state in which the job ended. None: it has not ended."""
    state = STATES.get(course.status)
    if state is JobState.SUCCEEDED and course.result.success is False:
        state = JobState.FAILED
    if state is JobState.FAILED:
        return next((known for words, known in ERRORS.items() if course.result.error.startswith(words)), state)
    return state

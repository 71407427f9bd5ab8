"""Parses the job files of the system before Reportback. Tokens in them are never passed on."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal
from uuid import UUID, uuid5

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    ValidationError,
)  # fmt: skip

from domain.delivery.target import Target
from domain.jobs.job_states import JobState
from domain.jobs.target_request import TargetRequest
from domain.output.error_line import error_line
from domain.redact import HIDDEN, SHORTEST_SECRET, TOKEN, public, without_credentials
from domain.text import clean, fit_description, one_line
from domain.units import in_words

NAMESPACE = UUID("6b1f6f0e-6a3d-5c0a-9b57-0d6d3a1f7c42")
"""Namespace of the jobs' new ids."""

UNKNOWN_TIME = datetime(9999, 1, 1, tzinfo=UTC)
"""Request time of a job that cannot be read: it may be the newest."""

WRITTEN_TOKEN = re.compile(r'"token"\s*:\s*"[^"]')
MOST = 20_000
"""Characters of a text that are read, from its end: a job's output has no limit."""

STATES = {"completed": JobState.SUCCEEDED, "failed": JobState.FAILED, "cancelled": JobState.CANCELLED}
ERRORS = {
    "Job cancelled by user": JobState.CANCELLED,
    "Job lost after API server restart": JobState.CRASHED,
    "Job execution timed out": JobState.TIMED_OUT,
}
"""Beginnings of the error of a failed job, for states that the old system did not have."""


@dataclass(frozen=True, slots=True)
class OldJob:
    """A job in `file`. `state` None: not finished; `target` None: no target.

    `problem`: its first wrong field, with what is allowed; or why `file` has no jobs. Such a job may be the newest of
    its target, but is never imported.
    """

    file: str
    id: str = ""
    type: str = ""
    target: Target | None = None
    url: str | None = None
    state: JobState | None = None
    created_at: datetime = UNKNOWN_TIME
    ended_at: datetime | None = None
    is_reported: bool = False
    summary: str = ""
    problem: str | None = None

    @property
    def job_id(self) -> UUID | None:
        """Its id here, which is the same in each import. None: it has no target."""
        return uuid5(NAMESPACE, f"{clean(self.id)} {self.target.key}") if self.target else None


def _request(github: object) -> object:
    """The target as `TargetRequest` reads it; without a link that may not be public."""
    if not isinstance(github, dict):
        return github
    owner, repo, url = (github.get(name) for name in ("owner", "repo", "targetUrl"))
    repository = f"{owner}/{repo}" if isinstance(owner, str) and isinstance(repo, str) else None
    context = github.get("context") or ""
    return {"repository": repository, "sha": github.get("sha"), "context": context, "url": url if _is_fit(url) else ""}


def _is_fit(url: object) -> bool:
    try:
        TargetRequest(repository="owner/name", sha="0" * 40, url=url)
    except ValidationError:
        return False
    return HIDDEN not in str(url)


Time = Annotated[AwareDatetime, Field(gt=datetime(1970, 1, 1, tzinfo=UTC), lt=UNKNOWN_TIME)]
Words = Annotated[str, BeforeValidator(lambda value: value if isinstance(value, str) else "")]


class _Place(BaseModel):
    """The fields that make the target."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    type: Annotated[str, Field(pattern=r"\S", max_length=100), AfterValidator(one_line)]
    github: Annotated[TargetRequest | None, BeforeValidator(_request)] = None

    @property
    def target(self) -> Target | None:
        return self.github.to_target(f"docs/{self.type}") if self.github else None


class _Result(BaseModel):
    success: Any = None  # only `false` has a meaning
    error: Words = ""
    output: Words = ""


class _Fields(_Place):
    """All fields that are read."""

    id: Annotated[str, Field(pattern=r"\S", max_length=200), AfterValidator(one_line)]
    status: Literal["pending", "running", "completed", "failed", "cancelled"]
    created_at: Annotated[Time, Field(alias="createdAt")]
    completed_at: Annotated[Time | None, Field(alias="completedAt")] = None
    is_reported: Annotated[StrictBool | None, Field(alias="githubStatusReported")] = None
    result: Annotated[_Result, BeforeValidator(lambda value: value if isinstance(value, dict) else {})] = _Result()

    @property
    def state(self) -> JobState | None:
        """The state in which the job ended. None: it has not ended."""
        state = STATES.get(self.status)
        if state is JobState.SUCCEEDED and self.result.success is False:
            state = JobState.FAILED
        if state is JobState.FAILED:
            return next((known for words, known in ERRORS.items() if self.result.error.startswith(words)), state)
        return state

    @property
    def summary(self) -> str:
        """How the job ended, for the commit; empty if it did not."""
        if self.state is None:
            return ""
        if self.state is JobState.SUCCEEDED:
            took = (self.completed_at or self.created_at) - self.created_at
            return f"succeeded in {in_words(took)}" if took > timedelta() else "succeeded"
        words = public(self.result.error.strip() or self.result.output)
        return fit_description(error_line(words.splitlines())) or self.state.value


def jobs_in(text: str, file: str) -> tuple[list[OldJob], bool]:
    """The jobs in *text*: a JSON object for one job, a list of them, or such a list under "jobs"; is a token in it?"""
    tokens: set[str] = set()

    def found(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        read = dict(pairs)
        token = read.get("token")
        if isinstance(token, str) and token.strip():
            tokens.add(token)
        return read

    has_token = bool(TOKEN.search(text) or WRITTEN_TOKEN.search(text))
    try:
        document = json.loads(text, object_pairs_hook=found)
        document = _without(document, sorted(tokens, key=len, reverse=True))
    except (ValueError, RecursionError):  # also a number of thousands of digits
        return [OldJob(file, problem="not readable as JSON")], has_token
    written = document.get("jobs", [document]) if isinstance(document, dict) else document
    if not isinstance(written, list) or not all(isinstance(one, dict) for one in written):
        return [OldJob(file, problem="holds neither a job nor a list of jobs")], has_token
    return [_job(one, file) for one in written], has_token or bool(tokens)


def _without(value: Any, tokens: list[str]) -> Any:  # noqa: ANN401  # any JSON
    """*value* without *tokens* and anything with the shape of one; of a long text only the end, from a line's start."""
    match value:
        case dict():
            return {name: _without(one, tokens) for name, one in value.items()}
        case list():
            return [_without(one, tokens) for one in value]
        case str():
            for token in tokens:
                if len(token) >= SHORTEST_SECRET:  # a shorter one may be part of a word
                    value = value.replace(token, HIDDEN)
            return without_credentials(value if len(value) <= MOST else value[-MOST:].partition("\n")[2])
        case _:
            return value


def _job(written: Mapping[str, Any], file: str) -> OldJob:
    try:
        read = _Fields.model_validate(written)
    except ValidationError as error:
        id_ = written.get("id")
        shown = one_line(id_)[:200] if isinstance(id_, str) else ""
        return OldJob(file, shown, target=_target(written), problem=_problem(error))
    return OldJob(
        file, read.id, read.type, read.target, (read.github and read.github.url) or None, read.state, read.created_at,
        (read.completed_at or read.created_at) if read.state else None, bool(read.is_reported), read.summary,
    )  # fmt: skip


def _target(written: Mapping[str, Any]) -> Target | None:
    """The target of a job with wrong fields, if it can be read."""
    try:
        return _Place.model_validate(written).target
    except ValidationError:
        return None


def _problem(error: ValidationError) -> str:
    first = error.errors()[0]
    field = ".".join(map(str, first["loc"])).replace("github.repository", "github.owner, github.repo")
    return f"{field}: {first['msg'].removeprefix('Value error, ')}"

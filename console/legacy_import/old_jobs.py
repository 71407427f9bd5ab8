"""Reads the job files of the system before Reportback, and never changes them. Tokens in them are never passed on."""

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal
from uuid import UUID, uuid5

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

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

WRITTEN_TOKEN = re.compile(r'"token"\s*:\s*"([^"]+)')
MOST = 20_000
"""Characters of a text that are read, from its end: a job's output has no limit."""

STATES = {"completed": JobState.SUCCEEDED, "failed": JobState.FAILED, "cancelled": JobState.CANCELLED}
ERRORS = {
    "Job cancelled by user": JobState.CANCELLED,
    "Job lost after API server restart": JobState.CRASHED,
    "Job execution timed out": JobState.TIMED_OUT,
}
"""Beginnings of the error of a failed job, for states that the old system did not have."""

Time = Annotated[AwareDatetime, Field(gt=datetime(1970, 1, 1, tzinfo=UTC), lt=UNKNOWN_TIME)]


def _shown(text: str) -> str:
    return one_line(without_credentials(text))


def _request(github: object) -> object:
    """The target as `TargetRequest` reads it."""
    if not isinstance(github, dict):
        return github
    owner, repo = github.get("owner"), github.get("repo")
    repository = f"{owner}/{repo}" if isinstance(owner, str) and isinstance(repo, str) else None
    texts = {"context": github.get("context") or "", "url": github.get("targetUrl") or ""}
    shown = {name: without_credentials(text) if isinstance(text, str) else text for name, text in texts.items()}
    return {"repository": repository, "sha": github.get("sha"), **shown}


class _Place(BaseModel):
    """The fields that make the target."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    type: Annotated[str, Field(pattern=r"\S", max_length=100), AfterValidator(_shown)]
    github: Annotated[TargetRequest | None, BeforeValidator(_request)] = None

    @property
    def target(self) -> Target | None:
        """Where it reports. None: nowhere."""
        return self.github.to_target(f"docs/{self.type}") if self.github else None


class _Result(BaseModel):
    success: bool | None = None  # only `false` has a meaning
    error: str | None = None
    output: str | None = None


class OldJob(_Place):
    """A job in `file`.

    `problem`: its first wrong field, with what is allowed; or why `file` has no jobs. Such a job may be the newest of
    its target, but is never imported.
    """

    file: str
    problem: str | None = None
    id: Annotated[str, Field(pattern=r"\S", max_length=200), AfterValidator(_shown)]
    status: Literal["pending", "running", "completed", "failed", "cancelled"]
    created_at: Annotated[Time, Field(alias="createdAt")]
    completed_at: Annotated[Time | None, Field(alias="completedAt")] = None
    is_reported: Annotated[bool | None, Field(alias="githubStatusReported", strict=True)] = None
    result: _Result | None = None

    @property
    def job_id(self) -> UUID | None:
        """Its id here, which is the same in each import. None: it has no target."""
        return uuid5(NAMESPACE, f"{clean(self.id)} {self.target.key}") if self.target else None

    @property
    def state(self) -> JobState | None:
        """The state in which the job ended. None: it has not ended."""
        state = STATES.get(self.status)
        if state is JobState.SUCCEEDED and self.result and self.result.success is False:
            state = JobState.FAILED
        if state is JobState.FAILED:
            error = (self.result and self.result.error) or ""
            return next((known for words, known in ERRORS.items() if error.startswith(words)), state)
        return state

    @property
    def ended_at(self) -> datetime | None:
        """When the job ended, as far as is known. None: it has not ended."""
        return (self.completed_at or self.created_at) if self.state else None

    @property
    def summary(self) -> str:
        """How the job ended, for the commit; empty if it did not."""
        if self.state is None:
            return ""
        if self.state is JobState.SUCCEEDED:
            took = (self.completed_at or self.created_at) - self.created_at
            return f"succeeded in {in_words(took)}" if took > timedelta() else "succeeded"
        result = self.result or _Result()
        words = public(((result.error or "").strip() or result.output or "")[-MOST:])
        return fit_description(error_line(words.splitlines())) or self.state.value


def found_in(folder: Path) -> tuple[list[OldJob], list[str]]:
    """The jobs in the `*.json` files of *folder*, without subfolders; and the names of the files that hold a token.

    Raises:
        OSError: the folder cannot be listed.
    """
    jobs: list[OldJob] = []
    with_token = []
    for path in sorted(path for path in folder.iterdir() if path.suffix.lower() == ".json"):
        try:
            found, has_token = jobs_in(_text(path), path.name)
        except OSError as error:
            found, has_token = [_bad(path.name, f"cannot be read: {error.strerror}")], False
        jobs += found
        with_token += [path.name] if has_token else []
    return jobs, with_token


def _text(path: Path) -> str:
    """The text of a plain file; no link is followed, and no pipe waited for."""
    if path.is_symlink() or not path.is_file():
        raise OSError(0, "no plain file")
    return path.read_text(encoding="utf-8-sig", errors="replace")


def jobs_in(text: str, file: str) -> tuple[list[OldJob], bool]:
    """The jobs in *text*: a JSON object for one job, a list of them, or such a list under "jobs"; is a token in it?"""
    tokens = set(WRITTEN_TOKEN.findall(text))
    has_token = bool(tokens or TOKEN.search(text))
    for token in sorted(tokens, key=len, reverse=True):
        if len(token) >= SHORTEST_SECRET:  # a shorter one may be part of a word
            text = text.replace(token, HIDDEN)
    try:
        document = json.loads(TOKEN.sub(HIDDEN, text))
    except (ValueError, RecursionError):  # also a number of thousands of digits
        return [_bad(file, "not readable as JSON")], has_token
    written = document.get("jobs", [document]) if isinstance(document, dict) else document
    if not isinstance(written, list) or not all(isinstance(one, dict) for one in written):
        return [_bad(file, "holds neither a job nor a list of jobs")], has_token
    return [_job(one, file) for one in written], has_token


def _job(written: Mapping[str, Any], file: str) -> OldJob:
    try:
        return OldJob.model_validate({**written, "file": file, "problem": None})
    except ValidationError as error:
        return _bad(file, _problem(error), written)


def _bad(file: str, problem: str, written: Mapping[str, Any] | None = None) -> OldJob:
    """A job that is only listed; with its id and target, if they can be read."""
    known = written or {}
    place = _Place.model_construct(type="", github=None)
    with suppress(ValidationError):
        place = _Place.model_validate(known)
    id_ = known.get("id")
    return OldJob.model_construct(
        file=file, problem=problem, id=_shown(id_)[:200] if isinstance(id_, str) else "", status="pending",
        created_at=UNKNOWN_TIME, type=place.type, github=place.github,
    )  # fmt: skip


def _problem(error: ValidationError) -> str:
    first = error.errors()[0]
    field = ".".join(map(str, first["loc"])).replace("github.repository", "github.owner, github.repo")
    return f"{field}: {first['msg'].removeprefix('Value error, ')}"

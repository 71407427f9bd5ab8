"""Parses the job files of the system before Reportback. Tokens in them are never passed on."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID, uuid5

from pydantic import BaseModel, ValidationError

from domain.delivery.target import Target
from domain.jobs.job_states import JobState
from domain.jobs.target_request import TargetRequest
from domain.legacy_import.old_job_fields import ALLOWED, Course, Identity, Place, ended_as
from domain.legacy_import.old_texts import shown, summary
from domain.redact import TOKEN, without_credentials
from domain.text import clean

NAMESPACE = UUID("6b1f6f0e-6a3d-5c0a-9b57-0d6d3a1f7c42")
"""Namespace of the new ids of jobs whose own id is not a UUID."""

WRITTEN_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
WRITTEN_TOKEN = re.compile(r'"token"\s*:\s*"[^"]')
IN_FILE = {"repository": "github.owner, github.repo"}
Fields = TypeVar("Fields", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class OldJob:
    """A job in `file`; `id` is its old id, `job_id` the new one. `state` None: not finished; `target` None: no target.

    `problem`: the first wrong field, and what is allowed. Such a job may be the newest of its target, but is never
    imported.
    """

    file: str
    id: str
    job_id: UUID
    type: str
    target: Target | None
    url: str | None
    state: JobState | None
    created_at: datetime
    ended_at: datetime | None
    is_reported: bool
    summary: str
    problem: str | None


@dataclass(frozen=True, slots=True)
class Contents:
    """The content of a file."""

    jobs: list[OldJob]
    has_token: bool


class Unreadable(ValueError):
    """A file that holds no jobs; the message says why and quotes nothing."""

    def __init__(self, why: str, *, has_token: bool) -> None:
        super().__init__(why)
        self.has_token = has_token


def jobs_in(text: str, file: str) -> Contents:
    """The jobs in *text*: a JSON object for one job, a list of them, or such a list under "jobs".

    Raises:
        Unreadable: it is something else.
    """
    has_shape = bool(TOKEN.search(text) or WRITTEN_TOKEN.search(text))
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):  # also a number of thousands of digits
        raise Unreadable("not readable as JSON", has_token=has_shape) from None
    written = _listed(document)
    if written is None:
        raise Unreadable("holds neither a job nor a list of jobs", has_token=has_shape)
    tokens = sorted(_tokens(document), key=len, reverse=True)
    return Contents([_job(one, file, tokens) for one in written], has_shape or bool(tokens))


def _listed(document: object) -> list[Mapping[str, Any]] | None:
    found = document.get("jobs", [document]) if isinstance(document, dict) else document
    return found if isinstance(found, list) and all(isinstance(one, dict) for one in found) else None


def _tokens(document: object) -> set[str]:
    """Every token in *document*, at any depth."""
    found, ahead = set(), [document]
    while ahead:
        one = ahead.pop()
        if isinstance(one, dict):
            token = one.get("token")
            found |= {token} if isinstance(token, str) and token.strip() else set()
            ahead.extend(one.values())
        elif isinstance(one, list):
            ahead.extend(one)
    return found


def _job(written: Mapping[str, Any], file: str, tokens: Sequence[str]) -> OldJob:
    identity, wrong_identity = _read(Identity, written)
    course, wrong_course = _read(Course, written)
    job_type = shown(identity.type, tokens)
    target, url, wrong_target = _place(written.get("github"), job_type, tokens)
    state = ended_as(course)
    return OldJob(
        file=file, id=shown(identity.id, tokens), job_id=_id_here(identity.id), type=job_type, target=target, url=url,
        state=state, created_at=course.created_at,
        ended_at=(course.completed_at or course.created_at) if state else None, is_reported=bool(course.is_reported),
        summary=summary(course, state, tokens), problem=wrong_identity or wrong_target or wrong_course,
    )  # fmt: skip


def _read(model: type[Fields], written: Mapping[str, Any], within: str = "") -> tuple[Fields, str | None]:
    """The fields without wrong ones; and the first wrong one, with what is allowed."""
    names = [field.alias or name for name, field in model.model_fields.items()]
    given = {name: written.get(name) for name in names}
    try:
        return model.model_validate(given), None
    except ValidationError as error:
        wrong = [str(one["loc"][0]) for one in error.errors()]
        rest = {name: value for name, value in given.items() if name not in wrong}
        return model.model_validate(rest), _problem(within + wrong[0])


def _problem(field: str) -> str:
    return f"{field}: allowed is {ALLOWED[field]}"


def _place(github: object, job_type: str, tokens: Sequence[str]) -> tuple[Target | None, str | None, str | None]:
    """The job's target, its link, and the problem with them, if any."""
    if github is None:
        return None, None, None
    if not isinstance(github, dict):
        return None, None, _problem("github")
    place, wrong = _read(Place, github, "github.")
    asked = {"repository": f"{place.owner}/{place.repo}", "sha": place.sha, "context": shown(place.context, tokens)}
    try:
        target = TargetRequest.model_validate(asked).to_target(f"docs/{job_type}")
    except ValidationError as error:
        field = str(error.errors()[0]["loc"][0])
        return None, None, wrong or _problem(IN_FILE.get(field, f"github.{field}"))
    return target, _url(place.url, asked, tokens), wrong


def _url(url: str, asked: Mapping[str, str], tokens: Sequence[str]) -> str | None:
    """The link, if it may be public."""
    if not url or without_credentials(url) != url or any(token in url for token in tokens):
        return None
    try:
        return TargetRequest.model_validate({**asked, "url": url}).url
    except ValidationError:
        return None


def _id_here(written: str) -> UUID:
    return UUID(written) if WRITTEN_UUID.fullmatch(written) else uuid5(NAMESPACE, clean(written))

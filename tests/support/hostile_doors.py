"""The entry points for outside input, each with a valid input and a check of how another was handled."""

import json
import os
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any
from unittest.mock import patch

import httpx
from hostile_checks import Door, json_inputs, refused_well, shown_well, storable
from hostile_input import PLACE, RAW, SECRET, TEXTS, Path, fields_of, in_toml, with_place
from pydantic import ValidationError

from console.legacy_import.old_jobs import jobs_in
from console.problems import problems
from console.submission.github_actions import ActionsRun, NoCommit, payload_of
from domain.addresses import names_user
from domain.delivery.outcome import Page
from domain.jobs.job_type import JobType
from domain.jobs.jobs_file import BadJobsFile, parse_job_types
from domain.jobs.options import BadOptions
from domain.jobs.target_request import TargetRequest
from github_api.classify import classify, classify_read
from github_api.response_bodies import status_page
from settings import Settings

SHA = "0123456789abcdef0123456789abcdef01234567"
NOW = datetime(2026, 5, 1, tzinfo=UTC)
URL = f"https://api.github.com/repos/o/r/commits/{SHA}/statuses"


# What a flow run is started with.

TARGET = {"repository": "acme/site", "sha": SHA, "context": "docs/a", "url": "https://example.com/"}
OPTIONS = {"text": "a", "number": 1, "flag": True, "undeclared": 1}
JOB_TYPE = JobType.model_validate(
    {
        "name": "a",
        "command": ["a"],
        "options": {
            "text": {"type": "string", "pattern": ".*", "args": ["{value}"]},
            "number": {"type": "integer", "minimum": 0, "maximum": 9, "args": ["-n{value}"]},
            "flag": {"type": "flag", "args": ["-f"]},
        },
    }
)


def enter_target(path: Path, text: str) -> str | None:
    try:
        asked = TargetRequest.model_validate_json(text)
    except ValidationError as error:
        return refused_well("\n".join(problems(error)), path, "REPORTBACK_", "object", "JSON")
    if names_user(asked.url):
        return "it took a URL with a user"
    return shown_well((asked.to_target("docs/a").repository, asked.sha)) or storable(
        (asked.to_target("docs/a"), asked.url)
    )


def enter_options(path: Path, text: str) -> str | None:
    try:
        options = json.loads(text)
    except (ValueError, RecursionError):
        return None  # no request: Prefect's server has refused it
    try:
        argv = JOB_TYPE.argv(options if isinstance(options, dict) else {"undeclared": options})
    except BadOptions as error:
        return refused_well(str(error), path, "undeclared", "option")
    return storable(argv)


# The settings.

URLS = ("database_url", "github_api_url", "clone_url", "pushgateway_url")


def setting_inputs() -> Iterator[tuple[Path, str, str]]:
    for field in Settings.model_fields:
        for name, text in (TEXTS | RAW).items():
            if "\0" not in text:  # no variable can hold it
                yield (field,), name, text.encode("utf-8", "surrogatepass").decode("utf-8", "surrogateescape")


def enter_setting(path: Path, text: str) -> str | None:
    with patch.dict(os.environ, {f"REPORTBACK_{str(path[0]).upper()}": text}):
        try:
            settings = Settings()
        except ValidationError as error:
            return refused_well("\n".join(problems(error)), (f"REPORTBACK_{str(path[0]).upper()}",))
    if str(path[0]) in URLS and SECRET in repr(settings):
        return "its repr shows a password"
    return storable(settings)


# jobs.toml.

SHOWN = ("name", "description", "context", "output_url")
JOBS: dict[str, Any] = {
    "version": 1,
    "jobs": {
        "a": {
            "description": "d", "command": ["c", "d"], "timeout": "5m", "env": ["VARIABLE"], "exclusive": "group",
            "context": "docs/a", "success_codes": [0], "output": "site", "output_url": "https://example.com/{job}",
            "recognise": ["sphinx"],
            "options": {
                "text": {"type": "string", "pattern": "a", "max_length": 9, "default": "a", "args": ["{value}"]},
                "number": {"type": "integer", "minimum": 0, "maximum": 9, "default": 1, "args": ["-n{value}"]},
                "flag": {"type": "flag", "default": True, "args": ["-f"]},
                "choice": {"type": "string", "choices": ["a"], "required": True, "args": ["{value}"]},
            },
            "prepare": [{"command": ["p"], "timeout": 60, "cache": {"paths": ["q"], "key": ["r"]}}],
            "push": {
                "branch": "main", "paths": ["docs"], "credential": "env:PUSH", "author": "A <a@example.com>",
                "message": "m",
            },
            "limits": {"memory": "2G", "file_size": "1G", "processes": 9, "output": "1G"},
            "patterns": [{"progress": "{done} of {total}", "as": "pages"}, {"error": "ERR"}],
        }
    },
}  # fmt: skip


def toml_of(value: Any) -> str:  # noqa: ANN401  # what TOML can hold
    """*value* as TOML, in line."""
    match value:
        case dict():
            return "{" + ", ".join(f"{json.dumps(key)} = {toml_of(one)}" for key, one in value.items()) + "}"
        case list():
            return "[" + ", ".join(map(toml_of, value)) + "]"
        case _:
            return json.dumps(value)


def jobs_inputs() -> Iterator[tuple[Path, str, str]]:
    for path in fields_of(JOBS):
        document = with_place(JOBS, path)
        lines = [f"{key} = {toml_of(value)}" for key, value in document.items()]
        for name, raw in in_toml():
            yield path, name, "\n".join(lines).replace(f'"{PLACE}"', raw)


def enter_jobs(path: Path, text: str) -> str | None:
    try:
        jobs = parse_job_types(text, "jobs.toml")
    except BadJobsFile as error:
        words = str(error)
        if not words.startswith("jobs.toml"):
            return f"does not begin with the file: {words[:200]!r}"
        return refused_well(words, path, "not TOML", "too many brackets", "jobs.a")
    shown = [str(getattr(job, name)).replace(SECRET, "") for job in jobs.values() for name in SHOWN]  # theirs to write
    return storable([job.model_dump(exclude={"patterns"}) for job in jobs.values()]) or shown_well(shown)


# What GitHub answers.

CREATED = {"id": 7, "context": "docs/a", "state": "success"}
LISTED = [{"id": 7, "state": "success", "context": "docs/a", "target_url": "https://example.com/",
           "created_at": "2026-05-01T00:00:00Z", "creator": {"login": "somebody"}}]  # fmt: skip
REFUSAL = {"message": "m", "documentation_url": "https://docs.github.com/", "errors": [{"field": "f", "code": "c",
           "message": "m"}], "block": {"reason": "tos"}}  # fmt: skip
HEADERS = ("Retry-After", "Date", "Link", "Location", "X-RateLimit-Remaining", "X-RateLimit-Reset",
           "X-RateLimit-Limit", "X-GitHub-Request-Id", "Content-Type", "Server")  # fmt: skip


def answered(status: int, headers: Mapping[str, str], body: bytes) -> str | None:
    """The outcome of an answer to a create and to a read; neither may raise."""
    raw = [(name.encode(), value.encode("utf-8", "surrogatepass")) for name, value in headers.items()]
    named = httpx.Headers([(b"X-GitHub-Request-Id", b"0681:62D5"), *raw])  # as from a socket
    meant = classify(status, named, body, context="docs/a", now=NOW)
    read = classify_read(status, named, body, url=URL, now=NOW, page=status_page)
    return shown_well(meant) or (storable(read) if isinstance(read, Page) else shown_well(read))


def enter_answer(status: int) -> Callable[[Path, str], str | None]:
    return lambda _, text: answered(status, {}, text.encode("utf-8", "surrogatepass"))


def header_inputs() -> Iterator[tuple[Path, str, str]]:
    for name in HEADERS:
        for kind, text in (TEXTS | RAW).items():
            yield (name,), kind, text


def enter_header(path: Path, text: str) -> str | None:
    found = [answered(status, {str(path[0]): text}, b"{}") for status in (200, 201, 301, 403, 429, 502)]
    return next(filter(None, found), None)


# What a workflow was started by; what the system before this one left.

EVENT = {
    "pull_request": {"head": {"sha": SHA, "repo": {"full_name": "a/b"}}, "base": {"repo": {"full_name": "a/b"}}},
    "workflow_run": {"head_sha": SHA, "head_repository": {"full_name": "a/b"}},
    "merge_group": {"head_sha": SHA}, "head_commit": {"id": SHA}, "issue": {"pull_request": {"a": 1}}, "deleted": False,
}  # fmt: skip
OLD_JOB = {
    "id": "1", "type": "fetch", "status": "completed", "createdAt": "2026-01-31T23:59:00Z",
    "completedAt": "2026-01-31T23:59:00Z", "githubStatusReported": False,
    "github": {
        "owner": "a", "repo": "b", "sha": SHA, "context": "c", "targetUrl": "https://example.com/", "token": "t",
    },
    "result": {"success": True, "error": "e", "output": "o"},
}  # fmt: skip


def enter_event(path: Path, text: str) -> str | None:
    try:
        run = ActionsRun("workflow_run", "a/b", SHA, payload_of(text.encode("utf-8", "surrogatepass")))
        repository, sha = run.commit()
    except NoCommit as error:
        return refused_well(str(error), path, "the file", "the event")
    return enter_target((), json.dumps({"repository": repository, "sha": sha}))  # as `submit` goes on


def enter_old_job(path: Path, text: str) -> str | None:
    jobs, _ = jobs_in(text, "jobs.json")
    for job in jobs:
        if job.problem and (
            wrong := refused_well(job.problem, path, "id", "type", "github", "not readable", "holds neither")
        ):
            return wrong
    return shown_well([(job.id, job.type, job.summary, job.target, job.github and job.github.url) for job in jobs])


DOORS = (
    Door("target of a flow run", json_inputs(TARGET), enter_target),
    Door("options of a flow run", json_inputs(OPTIONS), enter_options),
    Door("settings", setting_inputs, enter_setting),
    Door("jobs.toml", jobs_inputs, enter_jobs),
    Door("GitHub: a status was made", json_inputs(CREATED), enter_answer(201)),
    Door("GitHub: a list of statuses", json_inputs(LISTED), enter_answer(200)),
    Door("GitHub: a refusal", json_inputs(REFUSAL), enter_answer(422)),
    Door("GitHub: headers", header_inputs, enter_header),
    Door("events of GitHub Actions", json_inputs(EVENT), enter_event),
    Door("old job files", json_inputs(OLD_JOB), enter_old_job),
)

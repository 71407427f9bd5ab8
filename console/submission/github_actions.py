"""Reads the GitHub Actions run that this command is a step of, and finds its commit from the event that started it.

https://docs.github.com/actions/reference/workflows-and-actions/variables
https://docs.github.com/actions/reference/workflows-and-actions/events-that-trigger-workflows
https://docs.github.com/webhooks/webhook-events-and-payloads
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SHA_IN = {
    "check_run": "check_run.head_sha",
    "check_suite": "check_suite.head_sha",
    "deployment": "deployment.sha",
    "deployment_status": "deployment.sha",
    "merge_group": "merge_group.head_sha",
    "page_build": "build.commit",
    "push": "head_commit.id",
    "repository_dispatch": "client_payload.sha",
    "status": "sha",
    "workflow_run": "workflow_run.head_sha",
}
"""Where an event names its commit. GITHUB_SHA is another: for most of them the default branch's head."""

BRANCH_IN = {
    "check_run": "check_run.check_suite.head_branch",
    "check_suite": "check_suite.head_branch",
    "status": "branches.0",
}
"""Where an event says that its commit is on a branch of the repository; it is not there for one of a fork."""

SINCE_IN = {"push": "before", "merge_group": "merge_group.base_sha"}
"""Where an event names the commit that its own is compared with."""

GITHUB_SHA_IS_MEANT = ("create", "push", "registry_package", "release", "schedule", "workflow_dispatch")
"""Events whose commit GITHUB_SHA is: the tag's, the branch's, or for a schedule the default branch's head."""

NO_COMMIT = "0" * 40
"""A push's `before` where its branch or tag is new."""


class NoCommit(ValueError):
    """The event has no commit that a job could run for, or cannot be read; the message says what to do."""


@dataclass(frozen=True, slots=True)
class ActionsRun:
    """A workflow run and its event. `repository` and `sha` are GITHUB_REPOSITORY and GITHUB_SHA.

    Run again, it keeps its `run_id` and counts the attempts.
    """

    event: str
    repository: str
    sha: str
    payload: Mapping[str, Any]
    run_id: str = ""
    attempt: str = ""

    @property
    def is_of_pull_request(self) -> bool:
        """Whether the event is about a pull request, which it describes."""
        return _found(self.payload, "pull_request") is not None

    @property
    def is_from_fork(self) -> bool:
        """Whether its commit may come from an author without write access."""
        if self.is_of_pull_request:
            head = _found(self.payload, "pull_request.head.repo.full_name")  # a deleted fork is none
            return _differ(head, _text(self.payload, "pull_request.base.repo.full_name"))
        if self.event == "workflow_run":
            return _differ(_found(self.payload, "workflow_run.head_repository.full_name"), self.repository)
        return self.event in BRANCH_IN and _found(self.payload, BRANCH_IN[self.event]) is None

    def commit(self) -> tuple[str, str]:
        """The repository to report to and the sha, which GITHUB_SHA often is not, or the ref of a pull request's head.

        Of a pull request it is the head, which the base repository has too, as refs/pull/N/head; GITHUB_SHA is a
        temporary merge, or the base. Of a pushed tag it is the commit, not the tag. A comment names no commit: of one
        on a pull request it is the head as it is now.

        Raises:
            NoCommit: it has none.
        """
        payload = self.payload
        if self.is_of_pull_request:
            base = _text(payload, "pull_request.base.repo.full_name")
            return base, _text(payload, "pull_request.head.sha")
        if self.event == "delete" or payload.get("deleted") is True:
            raise NoCommit("something was deleted: there is no commit to run for; keep such events out of the workflow")
        if _found(payload, "issue.pull_request") is not None:
            return self.repository, f"refs/pull/{_found(payload, 'issue.number')}/head"
        where = SHA_IN.get(self.event, "")
        if where and _found(payload, where.partition(".")[0]) is not None:
            return self.repository, _text(payload, where)
        if self.event in GITHUB_SHA_IS_MEANT:
            return self.repository, self.sha
        raise NoCommit(f"the event {self.event} names no commit{f' in {where}' if where else ''}: give --sha")

    @property
    def since(self) -> str:
        """The commit that its own is compared with: a pull request's base, a branch before the push; empty: none."""
        where = "pull_request.base.sha" if self.is_of_pull_request else SINCE_IN.get(self.event, "")
        since = _found(self.payload, where) if where else None
        return since if isinstance(since, str) and since != NO_COMMIT else ""


def actions_run(env: Mapping[str, str]) -> ActionsRun | None:
    """The run that the environment *env* belongs to; None outside GitHub Actions.

    Raises:
        NoCommit: the file of its event cannot be read, or holds none.
    """
    if env.get("GITHUB_ACTIONS") != "true":
        return None
    event, repository, sha = (env.get(f"GITHUB_{what}", "") for what in ("EVENT_NAME", "REPOSITORY", "SHA"))
    run_id, attempt = env.get("GITHUB_RUN_ID", ""), env.get("GITHUB_RUN_ATTEMPT", "")
    return ActionsRun(event, repository, sha, payload_of(_event_file(env)), run_id, attempt)


def _event_file(env: Mapping[str, str]) -> bytes:
    try:
        return Path(env["GITHUB_EVENT_PATH"]).read_bytes()
    except (KeyError, OSError) as error:
        raise NoCommit(
            f"GITHUB_EVENT_PATH names no file that can be read here ({type(error).__name__}): it says what the "
            "workflow is about, and a container needs it too"
        ) from None


def payload_of(content: bytes) -> Mapping[str, Any]:
    """The event in the file's *content*.

    Raises:
        NoCommit: it is none.
    """
    try:
        payload = json.loads(content)
    except (ValueError, RecursionError):
        payload = None
    if not isinstance(payload, dict):
        raise NoCommit("GITHUB_EVENT_PATH: not the event of a workflow: the file holds no JSON object")
    return payload


def _found(payload: object, path: str) -> object:
    """The value at *path*. None: it, or what should hold it, is not there."""
    for name in path.split("."):
        if isinstance(payload, list):
            payload = payload[0] if payload and name == "0" else None
        else:
            payload = payload.get(name) if isinstance(payload, dict) else None
    return payload


def _text(payload: object, path: str) -> str:
    text = _found(payload, path)
    if not isinstance(text, str):
        raise NoCommit(f"GITHUB_EVENT_PATH: not the event of a workflow: {path}: not a text")
    return text


def _differ(head: object, base: str) -> bool:
    return not isinstance(head, str) or head.lower() != base.lower()

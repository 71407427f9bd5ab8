"""Finds the commit of a GitHub Actions run from the event that started it.

https://docs.github.com/actions/reference/workflows-and-actions/events-that-trigger-workflows
"""

from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, ValidationError


class NoCommit(ValueError):
    """The event has no commit that a job could run for, or cannot be read; the message says what to do."""


class _Read(BaseModel):
    model_config = ConfigDict(frozen=True)


class _Repository(_Read):
    full_name: str


class _Head(_Read):
    sha: str
    repo: _Repository | None = None  # a deleted fork is none


class _Base(_Read):
    repo: _Repository


class _PullRequest(_Read):
    head: _Head
    base: _Base


class _WorkflowRun(_Read):
    head_sha: str
    head_repository: _Repository | None = None


class _MergeGroup(_Read):
    head_sha: str


class _Commit(_Read):
    id: str


class _Issue(_Read):
    pull_request: dict[str, object] | None = None


class _Payload(_Read):
    """https://docs.github.com/webhooks/webhook-events-and-payloads, as far as it is used here."""

    pull_request: _PullRequest | None = None
    workflow_run: _WorkflowRun | None = None
    merge_group: _MergeGroup | None = None
    head_commit: _Commit | None = None
    issue: _Issue | None = None
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class ActionsEvent:
    """What started a workflow. `repository` and `sha` are GITHUB_REPOSITORY and GITHUB_SHA."""

    name: str
    repository: str
    sha: str
    payload: _Payload

    @property
    def is_from_fork(self) -> bool:
        """Whether its commit may come from an author without write access."""
        if (asked := self.payload.pull_request) is not None:
            return _differ(asked.head.repo, asked.base.repo.full_name)
        if (run := self._workflow_run) is not None:
            return _differ(run.head_repository, self.repository)
        return False

    @property
    def _workflow_run(self) -> _WorkflowRun | None:
        """The run that this one follows. The event of a deployment's status also has a field of that name."""
        return self.payload.workflow_run if self.name == "workflow_run" else None

    def commit(self) -> tuple[str, str]:
        """The repository to report to and the sha, which GITHUB_SHA often is not.

        Of a pull request it is the head, which the base repository has too, as refs/pull/N/head; GITHUB_SHA is a
        temporary merge, or the base. Of a pushed tag it is the commit, not the tag.

        Raises:
            NoCommit: it has none.
        """
        payload = self.payload
        if payload.pull_request is not None:
            return payload.pull_request.base.repo.full_name, payload.pull_request.head.sha
        if self.name == "delete" or payload.deleted:
            raise NoCommit("something was deleted: there is no commit to run for; keep such events out of the workflow")
        if payload.issue is not None and payload.issue.pull_request is not None:
            raise NoCommit(f"the event {self.name} does not say which commit of the pull request is meant: give --sha")
        return self.repository, self._own_sha()

    def _own_sha(self) -> str:
        payload = self.payload
        if self.name == "push" and payload.head_commit is not None:
            return payload.head_commit.id
        named = self._workflow_run or payload.merge_group
        return named.head_sha if named else self.sha


def actions_event(name: str, repository: str, sha: str, payload: bytes) -> ActionsEvent:
    """The event *name* with the content of its file.

    Raises:
        NoCommit: the file is not an event of GitHub's.
    """
    try:
        return ActionsEvent(name, repository, sha, _Payload.model_validate_json(payload))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        raise NoCommit(f"GITHUB_EVENT_PATH: not the event of a workflow: {where}: {first['msg']}") from None


def _differ(head: _Repository | None, base: str) -> bool:
    return head is None or head.full_name.lower() != base.lower()

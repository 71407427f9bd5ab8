"""Finds the commit that a GitHub Actions event is about, by GitHub's own example events, trimmed.

https://docs.github.com/webhooks/webhook-events-and-payloads
"""

from collections.abc import Mapping
from pathlib import Path

import pytest

from console.submission.github_actions import ActionsRun, NoCommit, actions_run

PAYLOADS = Path(__file__).parent / "payloads"
NOT_MEANT = "1111111111111111111111111111111111111111"
"""GITHUB_SHA: a temporary merge commit, or the default branch."""

HELLO, OCTO = "Codertocat/Hello-World", "octo-org/octo-repo"
PULL_REQUEST_HEAD = "ec26c3e57ca3a959ca5aad62de7213c562f8c821"


def run_of(event: str, payload: str, repository: str = HELLO) -> ActionsRun:
    run = actions_run(
        {
            "GITHUB_ACTIONS": "true",
            "GITHUB_EVENT_NAME": event,
            "GITHUB_EVENT_PATH": str(PAYLOADS / f"{payload}.json"),
            "GITHUB_REPOSITORY": repository,
            "GITHUB_SHA": NOT_MEANT,
            "GITHUB_RUN_ID": "1658821493",
            "GITHUB_RUN_ATTEMPT": "2",
        }
    )
    assert run is not None
    return run


@pytest.mark.parametrize(
    ("event", "payload", "repository", "sha"),
    [
        ("push", "push", HELLO, "1481a2de7b2a7d02428ad93446ab166be7793fbb"),
        ("push", "push_of_tag", HELLO, "6113728f27ae82c7b1a177c8d03f9e96e0adf246"),  # not the annotated tag itself
        ("pull_request", "pull_request", HELLO, PULL_REQUEST_HEAD),
        ("pull_request_target", "pull_request", HELLO, PULL_REQUEST_HEAD),
        ("pull_request_review", "pull_request", HELLO, PULL_REQUEST_HEAD),
        ("pull_request", "pull_request_from_fork", HELLO, PULL_REQUEST_HEAD),  # of the base repository all the same
        ("merge_group", "merge_group", OCTO, "2ffea6db159f6b6c47a24e778fb9ef40cf6b1c7d"),
        ("workflow_run", "workflow_run", OCTO, "3484a3fb816e0859fd6e1cea078d76385ff50625"),
        ("workflow_dispatch", "workflow_dispatch", OCTO, NOT_MEANT),
        ("schedule", "schedule", OCTO, NOT_MEANT),
    ],
)
def test_each_event_is_about_one_commit(event: str, payload: str, repository: str, sha: str) -> None:
    assert run_of(event, payload, repository).commit() == (repository, sha)


@pytest.mark.parametrize(
    ("event", "payload", "words"),
    [
        ("push", "push_of_deletion", "something was deleted: there is no commit"),
        ("delete", "schedule", "something was deleted: there is no commit"),
        ("deployment_status", "workflow_run", "deployment_status names no commit in deployment.sha: give --sha"),
        ("repository_dispatch", "schedule", "repository_dispatch names no commit in client_payload.sha: give --sha"),
        *(
            (event, "schedule", f"the event {event} names no commit: give --sha")
            for event in ("issues", "issue_comment", "discussion", "label", "watch", "fork", "gollum", "public", "new")
        ),
    ],
)
def test_an_event_about_no_commit_is_refused(event: str, payload: str, words: str) -> None:
    with pytest.raises(NoCommit, match=words):
        run_of(event, payload).commit()


@pytest.mark.parametrize(
    ("event", "payload", "repository", "is_from_fork"),
    [
        ("pull_request", "pull_request_from_fork", HELLO, True),
        ("pull_request_target", "pull_request_from_fork", HELLO, True),
        ("pull_request", "pull_request_from_deleted_fork", HELLO, True),
        ("workflow_run", "workflow_run", OCTO, True),
        ("pull_request", "pull_request", HELLO, False),
        ("pull_request", "pull_request", HELLO.lower(), False),
        ("push", "push", HELLO, False),
        ("merge_group", "merge_group", OCTO, False),
        ("workflow_dispatch", "workflow_dispatch", OCTO, False),
    ],
)
def test_a_commit_possibly_from_a_fork_is_recognised(
    *, event: str, payload: str, repository: str, is_from_fork: bool
) -> None:
    assert run_of(event, payload, repository).is_from_fork is is_from_fork


MEANT = "2f6f1b0c8a5f4b4f9a2b8d0d3f0a9b7c6e5d4c3b"

NAMED: dict[str, dict[str, object]] = {
    "check_run": {"check_run": {"head_sha": MEANT, "check_suite": {"head_sha": NOT_MEANT, "head_branch": "changes"}}},
    "check_suite": {"check_suite": {"head_sha": MEANT, "head_branch": "changes", "before": NOT_MEANT}},
    "status": {"sha": MEANT, "state": "success", "branches": [{"name": "changes", "commit": {"sha": NOT_MEANT}}]},
    "deployment": {"deployment": {"sha": MEANT, "ref": "changes"}},
    "deployment_status": {"deployment": {"sha": MEANT}, "deployment_status": {}, "workflow_run": {"head_sha": "x"}},
    "page_build": {"build": {"commit": MEANT}},
    "repository_dispatch": {"client_payload": {"sha": MEANT}, "branch": "main"},
}
FROM_A_FORK: dict[str, dict[str, object]] = {
    "check_run": {"check_run": {"head_sha": MEANT, "check_suite": {"head_branch": None}}},
    "check_suite": {"check_suite": {"head_sha": MEANT, "head_branch": None, "pull_requests": []}},
    "status": {"sha": MEANT, "branches": []},
}


def made(event: str, payload: Mapping[str, object]) -> ActionsRun:
    return ActionsRun(event, HELLO, NOT_MEANT, payload)


@pytest.mark.parametrize("event", NAMED)
def test_the_commit_that_an_event_names_is_meant_and_not_the_default_branchs(event: str) -> None:
    run = made(event, NAMED[event])
    assert (run.commit(), run.is_from_fork) == ((HELLO, MEANT), False)


@pytest.mark.parametrize("event", NAMED)
def test_an_event_whose_commit_is_missing_is_refused_by_its_name(event: str) -> None:
    with pytest.raises(NoCommit, match=f"the event {event} names no commit"):
        made(event, {}).commit()


@pytest.mark.parametrize("event", FROM_A_FORK)
def test_a_commit_of_no_branch_of_the_repository_may_be_from_a_fork(event: str) -> None:
    assert made(event, FROM_A_FORK[event]).is_from_fork


@pytest.mark.parametrize("event", ["create", "release", "registry_package", "push"])
def test_the_commit_of_a_tag_or_branch_is_githubs_own(event: str) -> None:
    assert made(event, {"ref": "refs/heads/main"}).commit() == (HELLO, NOT_MEANT)


def test_a_comment_on_a_pull_request_means_its_head() -> None:
    assert run_of("issue_comment", "issue_comment").commit() == (HELLO, "refs/pull/2/head")


@pytest.mark.parametrize(
    ("event", "payload", "since"),
    [
        ("push", {"before": MEANT, "head_commit": {"id": NOT_MEANT}}, MEANT),
        ("push", {"before": "0" * 40}, ""),
        ("pull_request", {"pull_request": {"base": {"sha": MEANT}}, "before": NOT_MEANT}, MEANT),
        ("merge_group", {"merge_group": {"base_sha": MEANT}}, MEANT),
        ("schedule", {"before": MEANT}, ""),
        ("push", {}, ""),
    ],
)
def test_an_event_says_what_its_commit_is_compared_with(event: str, payload: dict[str, object], since: str) -> None:
    assert made(event, payload).since == since


def read_wholly(env: dict[str, str]) -> None:
    run = actions_run(env)
    assert run is not None
    assert run.is_from_fork or run.commit()


def test_a_run_that_is_run_again_keeps_its_id_and_counts() -> None:
    run = run_of("push", "push")
    assert (run.run_id, run.attempt) == ("1658821493", "2")


@pytest.mark.parametrize(
    "content", [None, "", "[]", '{"issue":' * 3000 + "1" + "}" * 3000, '{"pull_request": {"number": 2}}']
)
def test_an_event_that_cannot_be_read_is_refused_by_the_name_of_its_variable(
    tmp_path: Path, content: str | None
) -> None:
    file = tmp_path / "event.json"
    if content is not None:
        file.write_text(content, encoding="utf-8")
    with pytest.raises(NoCommit, match="GITHUB_EVENT_PATH"):
        read_wholly({"GITHUB_ACTIONS": "true", "GITHUB_EVENT_PATH": str(file)})


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ('{"pull_request": {"number": 2}}', "pull_request.base.repo.full_name: not a text"),
        ('{"pull_request": 7}', "pull_request.base.repo.full_name: not a text"),
        ('{"merge_group": {"head_sha": 7}}', "merge_group.head_sha: not a text"),
    ],
)
def test_a_field_that_is_not_githubs_is_named(tmp_path: Path, content: str, words: str) -> None:
    (tmp_path / "event.json").write_text(content, encoding="utf-8")
    with pytest.raises(NoCommit, match=f"not the event of a workflow: {words}"):
        read_wholly(
            {
                "GITHUB_ACTIONS": "true",
                "GITHUB_EVENT_NAME": "merge_group",
                "GITHUB_EVENT_PATH": str(tmp_path / "event.json"),
            }
        )


def test_outside_github_actions_there_is_no_run() -> None:
    assert actions_run({"GITHUB_SHA": NOT_MEANT}) is None

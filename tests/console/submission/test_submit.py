"""`reportback submit` starts a job in Prefect."""

import httpx
import pytest
import respx
from prefect.settings import PREFECT_API_AUTH_STRING, PREFECT_CLIENT_CUSTOM_HEADERS, temporary_settings
from submitting import IN_ACTIONS, SHA, Prefect, in_actions, submitted, words

from console.submission.submit import Exit
from fake_github.process import running

BASE = "f95f852bd8fca8fcc58a9a2d6c842781e32a215e"
"""That of the example's pull request."""


@pytest.mark.usefixtures("server")
async def test_a_job_is_started_and_its_page_is_all_that_stdout_gets(
    prefect: Prefect, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = words(context="docs/de", url="https://docs.example.com/42", options=("processes=8",))
    assert await submitted(asked, waits=False) is Exit.SUCCESS
    target = {"repository": "acme/site", "sha": SHA, "context": "docs/de", "url": "https://docs.example.com/42"}
    assert prefect.asked == [{"job": "sphinx", "options": {"processes": 8}, "target": target}]
    (run,) = prefect.runs.values()
    assert capsys.readouterr() == (f"http://prefect.test/runs/flow-run/{run['id']}\n", "")


@pytest.mark.usefixtures("server")
async def test_in_github_actions_the_commit_and_the_key_come_of_themselves(
    prefect: Prefect, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_actions(monkeypatch, "pull_request", "pull_request")
    assert await submitted(IN_ACTIONS, waits=False) is Exit.SUCCESS
    head = "ec26c3e57ca3a959ca5aad62de7213c562f8c821"
    target = {"repository": "Codertocat/Hello-World", "sha": head, "since": BASE}
    assert [one["target"] for one in prefect.asked] == [target]
    assert list(prefect.runs) == [f"Codertocat/Hello-World:{head}:sphinx:1658821493:1"]


@pytest.mark.usefixtures("server")
async def test_a_trigger_that_comes_twice_starts_nothing_twice_and_a_run_again_does(
    prefect: Prefect, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    in_actions(monkeypatch, "push", "push")
    pages = []
    for attempt in (1, 1, 2):
        in_actions(monkeypatch, "push", "push", attempt=attempt)
        assert await submitted(IN_ACTIONS, waits=False) is Exit.SUCCESS
        pages.append(capsys.readouterr())
    assert len(prefect.runs) == 2
    assert pages[0].out == pages[1].out != pages[2].out
    assert [page.err.startswith("started before") for page in pages] == [False, True, False]


@pytest.mark.usefixtures("server")
async def test_outside_github_actions_each_request_starts_a_job_unless_a_key_says_otherwise(prefect: Prefect) -> None:
    for key in (None, None, "nightly", "nightly"):
        assert await submitted(words(key=key), waits=False) is Exit.SUCCESS
    assert len(prefect.runs) == 3


@pytest.mark.usefixtures("server")
async def test_a_pull_request_from_a_fork_is_taken_where_jobs_have_a_user_of_their_own(
    prefect: Prefect, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_actions(monkeypatch, "pull_request_target", "pull_request_from_fork")
    monkeypatch.setenv("REPORTBACK_JOB_USER", "70000-70063")
    assert await submitted(words(repository=None, ref=None), waits=False) is Exit.SUCCESS
    assert len(prefect.runs) == 1


@pytest.mark.usefixtures("server")
async def test_a_type_that_only_the_deployment_knows_is_left_to_it(prefect: Prefect) -> None:
    assert await submitted(words(job_type="mkdocs", options=("strict=true", "pages=3")), waits=False) is Exit.SUCCESS
    assert prefect.asked[0]["options"] == {"strict": True, "pages": 3}


async def test_a_reply_that_is_lost_starts_nothing_twice(server: respx.Router, prefect: Prefect) -> None:
    def lost(request: httpx.Request) -> httpx.Response:
        prefect.start(request)
        server["start"].mock(side_effect=prefect.start)
        raise httpx.ReadError("reset")

    server["start"].mock(side_effect=lost)
    assert await submitted(words(), waits=False) is Exit.SUCCESS
    assert len(prefect.runs) == 1


async def test_a_proxys_headers_and_the_servers_password_go_with_every_request(
    server: respx.Router, prefect: Prefect
) -> None:
    known = {PREFECT_API_AUTH_STRING: "ada:of-the-server", PREFECT_CLIENT_CUSTOM_HEADERS: {"X-Proxy-Token": "t"}}
    with temporary_settings(known):
        assert await submitted(words(), waits=True) is Exit.SUCCESS
    assert prefect.last is not None
    for call in server.calls:
        assert call.request.headers["x-proxy-token"] == "t"
        assert call.request.headers["authorization"].startswith("Basic ")


async def test_a_branch_is_resolved_and_its_commit_shown(
    server: respx.Router, prefect: Prefect, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    server.route(host="127.0.0.1").pass_through()
    async with running("--ref", f"feature/menu={SHA}") as github:
        monkeypatch.setenv("REPORTBACK_GITHUB_API_URL", github.url)
        monkeypatch.setenv("REPORTBACK_GITHUB_TOKEN", "a-token-of-ours")
        assert await submitted(words(ref="feature/menu"), waits=False) is Exit.SUCCESS
        assert await submitted(words(ref="nothing"), waits=False) is Exit.ERROR
    assert [one["target"]["sha"] for one in prefect.asked] == [SHA]
    found, refused = capsys.readouterr().err.splitlines()
    assert found == f"feature/menu of acme/site is {SHA}"
    assert refused.startswith("reportback: --sha: GitHub knows no single commit nothing of acme/site: HTTP 422: No ")


@pytest.fixture
def reachable_github(server: respx.Router, prefect: Prefect) -> Prefect:
    """Prefect, where other servers of this machine are reached, too."""
    server.route(host="127.0.0.1").pass_through()
    return prefect


@pytest.mark.parametrize(
    ("head", "said"),
    [
        ("Codertocat/Hello-World", f"refs/pull/2/head of Codertocat/Hello-World is {SHA}"),
        ("octocat/Hello-World", "reportback: the pull request is from a fork: its code could be anyone's"),
        (None, "reportback: the pull request is from a fork"),
    ],
)
async def test_a_comment_on_a_pull_request_starts_a_job_for_its_head_unless_that_is_in_a_fork(
    reachable_github: Prefect,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    head: str | None,
    said: str,
) -> None:
    in_actions(monkeypatch, "issue_comment", "issue_comment")
    body = {"head": {"sha": SHA, "repo": {"full_name": head} if head else None}}
    async with running() as github:
        monkeypatch.setenv("REPORTBACK_GITHUB_API_URL", github.url)
        monkeypatch.setenv("REPORTBACK_GITHUB_TOKEN", "a-token-of-ours")
        await github.fault("answer", method="GET", status=200, body=body)
        code = await submitted(IN_ACTIONS, waits=False)
    assert capsys.readouterr().err.startswith(said)
    started = [one["target"]["sha"] for one in reachable_github.asked]
    assert (code, started) == ((Exit.ERROR, []) if "fork" in said else (Exit.SUCCESS, [SHA]))


@pytest.mark.usefixtures("reachable_github")
async def test_a_limited_look_up_is_asked_again_and_ends_as_not_known(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async with running("--ref", f"main={SHA}") as github:
        monkeypatch.setenv("REPORTBACK_GITHUB_API_URL", github.url)
        monkeypatch.setenv("REPORTBACK_GITHUB_TOKEN", "a-token-of-ours")
        await github.fault("secondary_limit", method="GET", status=403, times=0)
        assert await submitted(words(ref="main"), waits=False) is Exit.UNREACHABLE
        assert len(await github.requests()) > 1
        await github.clear()
        await github.fault("primary_limit", method="GET", times=2)
        assert await submitted(words(ref="main"), waits=False) is Exit.SUCCESS
    assert "GitHub does not say which commit main of acme/site is: HTTP 403" in capsys.readouterr().err

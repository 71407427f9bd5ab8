"""`reportback submit` against a Prefect server's answers."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
import respx
from prefect.settings import PREFECT_API_AUTH_STRING, PREFECT_API_URL, PREFECT_CLIENT_CUSTOM_HEADERS, temporary_settings

from console.submission import follow, unreachable
from console.submission.requested_job import Words
from console.submission.submit import Exit, submit
from fake_github.process import running

API = "http://prefect.test/api"
SHA = "3f2a91c0" * 5
PAYLOADS = Path(__file__).parent / "payloads"
FLOW, DEPLOYMENT = str(uuid4()), str(uuid4())
JOBS = """
version = 1
[jobs.sphinx]
command = ["true"]
options.processes = {type = "integer", minimum = 1, maximum = 8, args = ["-j", "{value}"]}
"""


def state(kind: str, name: str = "", message: str | None = None) -> dict[str, object]:
    now = datetime.now(UTC).isoformat()
    return {"id": str(uuid4()), "type": kind, "name": name or kind.title(), "message": message, "timestamp": now}


class Prefect:
    """As much of Prefect's API as starting and watching a flow run takes."""

    def __init__(self) -> None:
        self.runs: dict[str, dict[str, Any]] = {}
        self.states: list[dict[str, object]] = [state("COMPLETED", message="succeeded in 3 s")]
        self.report: dict[str, object] | None = state("COMPLETED")
        self.percent: float | None = None
        self.last: httpx.Request | None = None

    @property
    def asked(self) -> list[dict[str, Any]]:
        """The parameters of each flow run that was made."""
        return [run["parameters"] for run in self.runs.values()]

    def start(self, request: httpx.Request) -> httpx.Response:
        self.last, asked = request, json.loads(request.content)
        is_new = asked["idempotency_key"] not in self.runs
        made = {"id": str(uuid4()), "flow_id": FLOW, "name": "ada", "parameters": asked["parameters"]}
        run = self.runs.setdefault(asked["idempotency_key"], made)
        return httpx.Response(201 if is_new else 200, json=run)

    def read(self, _request: httpx.Request) -> httpx.Response:
        now = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        run = next(iter(self.runs.values()))
        return httpx.Response(200, json={**run, "state": now, "state_type": now["type"], "state_name": now["name"]})

    def reports(self, _request: httpx.Request) -> httpx.Response:
        one = {"id": str(uuid4()), "task_key": "report_status-1", "dynamic_key": "0", "state": self.report}
        return httpx.Response(200, json=[one] if self.report else [])

    def bars(self, _request: httpx.Request) -> httpx.Response:
        bar = {"id": str(uuid4()), "type": "progress", "data": self.percent}
        return httpx.Response(200, json=[bar] if self.percent is not None else [])


@pytest.fixture
def prefect() -> Prefect:
    return Prefect()


@pytest.fixture
def server(prefect: Prefect) -> Iterator[respx.Router]:
    with (
        temporary_settings({PREFECT_API_URL: API}),
        respx.mock(base_url=API, assert_all_called=False) as router,
    ):
        router.post("/work_pools/filter").respond(json=[])
        router.get("/csrf-token").respond(422, json={"detail": "CSRF protection is disabled."})
        router.get("/deployments/name/docs-job/docs-job").respond(
            json={"id": DEPLOYMENT, "name": "docs-job", "flow_id": FLOW}
        )
        router.post(f"/deployments/{DEPLOYMENT}/create_flow_run", name="start").mock(side_effect=prefect.start)
        router.get(path__regex=r"/flow_runs/[0-9a-f-]+", name="read").mock(side_effect=prefect.read)
        router.post("/task_runs/filter").mock(side_effect=prefect.reports)
        router.post("/artifacts/filter").mock(side_effect=prefect.bars)
        yield router


@pytest.fixture(autouse=True)
def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Outside GitHub Actions, one job type, and a patience that tests can wait for."""
    for name in ("GITHUB_ACTIONS", "GITHUB_EVENT_PATH", "REPORTBACK_GITHUB_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "jobs.toml").write_text(JOBS, encoding="utf-8")
    monkeypatch.setenv("REPORTBACK_JOBS_FILE", str(tmp_path / "jobs.toml"))
    monkeypatch.setenv("REPORTBACK_GITHUB_API_URL", "http://127.0.0.1:9")
    monkeypatch.setattr(unreachable, "GIVE_UP_AFTER", timedelta(seconds=0.5))
    monkeypatch.setattr(unreachable, "RETRY_EVERY", timedelta(seconds=0.01))
    monkeypatch.setattr(follow, "POLL_EVERY", timedelta(0))
    monkeypatch.setattr(follow, "SHOWN_LATER", timedelta(0))


def words(**changed: object) -> Words:
    given: dict[str, Any] = {
        "job_type": "sphinx", "repository": "acme/site", "ref": SHA, "context": "", "url": "", "options": (),
        "key": None, **changed,
    }  # fmt: skip
    return Words(**given)


async def submitted(asked: Words, *, waits: bool) -> Exit:
    return await submit(asked.job_type, words=asked, waits=waits)


IN_ACTIONS = words(repository=None, ref=None)


def in_actions(monkeypatch: pytest.MonkeyPatch, event: str, payload: str, *, attempt: int = 1) -> None:
    """Be a step of a workflow that *event* started."""
    for name, value in {
        "ACTIONS": "true",
        "EVENT_NAME": event,
        "EVENT_PATH": str(PAYLOADS / f"{payload}.json"),
        "REPOSITORY": "Codertocat/Hello-World",
        "SHA": "1" * 40,
        "RUN_ID": "1658821493",
        "RUN_ATTEMPT": str(attempt),
    }.items():
        monkeypatch.setenv(f"GITHUB_{name}", value)


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
    assert [one["target"] for one in prefect.asked] == [{"repository": "Codertocat/Hello-World", "sha": head}]
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
async def test_a_key_that_belongs_to_another_job_is_refused(
    prefect: Prefect, capsys: pytest.CaptureFixture[str]
) -> None:
    await submitted(words(key="nightly"), waits=False)
    assert await submitted(words(key="nightly", context="docs/de"), waits=False) is Exit.ERROR
    assert "another job was started with the key nightly: http://prefect.test/" in capsys.readouterr().err
    assert len(prefect.runs) == 1


@pytest.mark.usefixtures("server")
@pytest.mark.parametrize("given", [{}, {"repository": "acme/site", "ref": "main"}])
async def test_a_pull_request_from_a_fork_is_refused(
    prefect: Prefect,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    given: dict[str, str],
) -> None:
    in_actions(monkeypatch, "pull_request_target", "pull_request_from_fork")
    asked = words(**{"repository": None, "ref": None, **given})
    assert await submitted(asked, waits=False) is Exit.ERROR
    said = capsys.readouterr().err
    assert "the pull request is from a fork" in said
    assert "REPORTBACK_JOB_USER" in said
    assert prefect.runs == {}


@pytest.mark.usefixtures("server")
async def test_a_pull_request_from_a_fork_is_taken_where_jobs_have_a_user_of_their_own(
    prefect: Prefect, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_actions(monkeypatch, "pull_request_target", "pull_request_from_fork")
    monkeypatch.setenv("REPORTBACK_JOB_USER", "70000-70063")
    assert await submitted(words(repository=None, ref=None), waits=False) is Exit.SUCCESS
    assert len(prefect.runs) == 1


REFUSED: dict[str, tuple[Words, str]] = {
    "no commit": (words(ref=None), "--repo and --sha are needed: only in GitHub Actions they are known"),
    "no repository": (words(repository=None), "--repo and --sha are needed"),
    "an option out of bounds": (words(options=("processes=9",)), "processes must be a whole number from 1 to 8"),
    "a repository that is none": (words(repository="site"), "--repo: String should match pattern"),
    "a link that is none": (words(url="javascript:alert(1)"), "--url: String should match pattern"),
    "a context of nothing": (words(context=" "), "--context: "),
    "bytes that are no UTF-8 in an option": (words(options=("processes=\udcff",)), "the command line holds text that"),
    "bytes that are no UTF-8 in a key": (words(key="\udcff"), "the command line holds text that is not UTF-8"),
}


@pytest.mark.parametrize("what", REFUSED)
async def test_an_invalid_request_is_refused_in_one_line_without_a_request(
    prefect: Prefect, server: respx.Router, capsys: pytest.CaptureFixture[str], what: str
) -> None:
    asked, problem = REFUSED[what]
    assert await submitted(asked, waits=True) is Exit.ERROR
    out, err = capsys.readouterr()
    assert (out, err.count("\n"), prefect.runs, len(server.calls)) == ("", 1, {}, 0)
    assert err.startswith(f"reportback: {problem}")


@pytest.mark.usefixtures("server")
async def test_in_github_actions_another_repository_needs_a_commit_of_its_own(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    in_actions(monkeypatch, "push", "push")
    assert await submitted(words(ref=None), waits=False) is Exit.ERROR
    assert "--repo acme/site needs a --sha: the workflow is about a commit of Codertocat/" in capsys.readouterr().err
    assert await submitted(words(repository="codertocat/hello-world", ref=None), waits=False) is Exit.SUCCESS


@pytest.mark.usefixtures("server")
async def test_a_deleted_branch_is_refused(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    in_actions(monkeypatch, "push", "push_of_deletion")
    assert await submitted(IN_ACTIONS, waits=False) is Exit.ERROR
    assert "something was deleted" in capsys.readouterr().err


@pytest.mark.usefixtures("server")
async def test_a_type_that_only_the_deployment_knows_is_left_to_it(prefect: Prefect) -> None:
    assert await submitted(words(job_type="mkdocs", options=("strict=true", "pages=3")), waits=False) is Exit.SUCCESS
    assert prefect.asked[0]["options"] == {"strict": True, "pages": 3}


FORM = {
    "Error creating flow run: Validation failed for field 'job'. Failure reason: 'rm' is not one of ['sphinx']": (
        "TYPE: 'rm' is not one of ['sphinx']"
    ),
    "Error creating flow run: Validation failed for field 'target.sha'. Failure reason: 'a' does not match 'b'": (
        "--sha: 'a' does not match 'b'"
    ),
    "Error creating flow run: Validation failed. Failure reason: 'job' is a required property": (
        "Error creating flow run: Validation failed. Failure reason: 'job' is a required property"
    ),
}


@pytest.mark.parametrize("detail", FORM)
@pytest.mark.parametrize("status", [409, 422])
async def test_a_field_refused_by_the_deployments_form_is_named_as_the_command_names_it(
    server: respx.Router, capsys: pytest.CaptureFixture[str], *, detail: str, status: int
) -> None:
    server["start"].respond(status, json={"detail": detail})
    assert await submitted(words(), waits=False) is Exit.ERROR
    assert capsys.readouterr().err == f"reportback: {FORM[detail]}\n"


async def test_a_deployment_that_is_not_there_is_refused(
    server: respx.Router, capsys: pytest.CaptureFixture[str]
) -> None:
    server.get("/deployments/name/docs-job/docs-job").respond(404, json={"detail": "Deployment not found"})
    assert await submitted(words(), waits=False) is Exit.ERROR
    assert "has no deployment docs-job/docs-job: run `make deploy`" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (httpx.Response(401, json={"exception_message": "Unauthorized"}), "answered 401"),
        (httpx.Response(200, html="<html>Log in</html>"), "is not Prefect's API: a proxy's log-in page"),
    ],
)
async def test_a_server_that_will_never_let_us_in_is_an_error_at_once(
    server: respx.Router, capsys: pytest.CaptureFixture[str], answer: httpx.Response, problem: str
) -> None:
    pools = server.post("/work_pools/filter").mock(return_value=answer)
    assert await submitted(words(), waits=False) is Exit.ERROR
    assert problem in capsys.readouterr().err
    assert pools.call_count == 1


AWAY: dict[str, tuple[str, httpx.Response | Exception, str]] = {
    "at once": ("/work_pools/filter", httpx.ConnectError("refused"), "cannot be reached: ConnectError: refused"),
    "its proxy says so": ("/work_pools/filter", httpx.Response(504), "answered 504"),
    "once it is asked to start": (
        f"/deployments/{DEPLOYMENT}/create_flow_run",
        httpx.ReadTimeout("60 s"),
        "does not answer: ReadTimeout: 60 s",
    ),
}


@pytest.mark.parametrize("when", AWAY)
async def test_an_unavailable_server_is_retried_for_a_while_with_a_message(
    server: respx.Router, capsys: pytest.CaptureFixture[str], when: str
) -> None:
    path, answer, problem = AWAY[when]
    asked = server.post(path).mock(side_effect=[answer] * 1000)
    assert await submitted(words(), waits=False) is Exit.UNREACHABLE
    err = capsys.readouterr().err
    assert err.count("\n") == 2
    assert err.splitlines()[1].startswith("reportback: tried for ")
    assert problem in err.splitlines()[1]
    assert asked.call_count > 1


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


ENDS: list[tuple[dict[str, object], Exit, str]] = [
    (state("COMPLETED", message="succeeded in 3 s"), Exit.SUCCESS, "success: succeeded in 3 s"),
    (state("FAILED", message="exit code 3: no title"), Exit.FAILURE, "failure: exit code 3: no title"),
    (state("FAILED", "TimedOut", "stopped after 5 min"), Exit.ERROR, "error: stopped after 5 min"),
    (state("FAILED", "Crashed", "preparation failed"), Exit.ERROR, "error: preparation failed"),
    (state("FAILED", message="Flow run encountered an exception: BadOptions: x"), Exit.ERROR, "error: Flow run enc"),
    (state("CANCELLED", message="cancelled"), Exit.ERROR, "error: cancelled"),
    (state("CRASHED"), Exit.ERROR, "error: Crashed"),
]


@pytest.mark.usefixtures("server")
@pytest.mark.parametrize(("end", "code", "line"), ENDS)
async def test_waiting_returns_the_outcome_as_exit_code_and_words(
    prefect: Prefect, capsys: pytest.CaptureFixture[str], end: dict[str, object], code: Exit, line: str
) -> None:
    prefect.states = [end]
    assert await submitted(words(), waits=True) is code
    out, err = capsys.readouterr()
    assert out.splitlines()[1].startswith(line)
    assert err == "Its outcome is on the commit.\n"


@pytest.mark.usefixtures("server")
async def test_a_log_gets_a_line_for_each_change(
    prefect: Prefect, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    prefect.percent = 57.1
    prefect.states = [
        *[state("SCHEDULED")] * 2,
        state("SCHEDULED", "Late"),
        state("PENDING"),
        *[state("RUNNING")] * 3,
        state("RUNNING", "Waiting", "waits for sphinx 3f2a91c acme/site"),
        state("CANCELLING"),
        state("CANCELLED", message="cancelled"),
    ]
    await submitted(words(), waits=True)
    assert capsys.readouterr().err.splitlines() == [
        "Scheduled: waits for a worker",
        "Late: waits for a worker: does one run for the pool reportback-jobs, and has it a place left?",
        "Pending: 50 %",
        "Running: 50 %",
        "Waiting: waits for sphinx 3f2a91c acme/site",
        "Cancelling: 50 %",
        "Its outcome is on the commit.",
    ]


@pytest.mark.usefixtures("server")
@pytest.mark.parametrize(
    ("report", "line"),
    [
        (state("FAILED", message="rejected: archived"), "Its outcome is not on the commit (rejected: archived); "),
        (None, "Nothing is known yet of its report; "),
        (state("RUNNING"), "Nothing is known yet of its report; "),
    ],
)
async def test_a_job_is_a_success_although_its_report_is_not_there_yet(
    prefect: Prefect, capsys: pytest.CaptureFixture[str], report: dict[str, object] | None, line: str
) -> None:
    prefect.report = report
    assert await submitted(words(), waits=True) is Exit.SUCCESS
    (run_id,) = (UUID(run["id"]) for run in prefect.runs.values())
    assert capsys.readouterr().err == f"{line}`reportback reports show {run_id}` shows more.\n"


async def test_a_server_that_becomes_unavailable_while_waiting_is_waited_for(
    server: respx.Router, prefect: Prefect
) -> None:
    away: list[httpx.Response | Exception] = [
        httpx.ConnectError("restarting"),
        httpx.Response(502, headers={"Retry-After": "0"}),
    ]

    def read(request: httpx.Request) -> httpx.Response:
        if not away:
            return prefect.read(request)
        if isinstance(answer := away.pop(0), Exception):
            raise answer
        return answer

    server["read"].mock(side_effect=read)
    assert await submitted(words(), waits=True) is Exit.SUCCESS
    assert away == []


async def test_a_server_that_stays_unavailable_leaves_the_outcome_unknown(
    server: respx.Router, capsys: pytest.CaptureFixture[str]
) -> None:
    server["read"].mock(side_effect=httpx.ConnectError("gone"))
    assert await submitted(words(), waits=True) is Exit.UNREACHABLE
    out, err = capsys.readouterr()
    assert out.startswith("http://prefect.test/runs/flow-run/")
    assert "tried for " in err


async def test_a_run_that_is_deleted_meanwhile_is_an_error(
    server: respx.Router, capsys: pytest.CaptureFixture[str]
) -> None:
    server["read"].respond(404, json={"detail": "Flow run not found"})
    assert await submitted(words(), waits=True) is Exit.ERROR
    assert "was deleted" in capsys.readouterr().err


async def test_a_repository_that_is_not_allowed_is_refused_without_a_request(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("REPORTBACK_ALLOWED_REPOSITORIES", "others/*")
    assert await submitted(words(), waits=False) is Exit.ERROR
    assert "REPORTBACK_ALLOWED_REPOSITORIES does not name acme/site" in capsys.readouterr().err


async def test_a_link_with_a_password_is_refused_without_showing_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert await submitted(words(url="https://ann:pa55word@docs.test/"), waits=False) is Exit.ERROR
    said = capsys.readouterr().err
    assert "--url: must not hold a user or password" in said
    assert "pa55word" not in said


async def test_without_a_server_nothing_is_started(capsys: pytest.CaptureFixture[str]) -> None:
    with temporary_settings({PREFECT_API_URL: None}):
        assert await submitted(words(), waits=False) is Exit.ERROR
    assert "PREFECT_API_URL is not set" in capsys.readouterr().err


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


async def test_a_github_that_does_not_answer_is_unreachable(
    server: respx.Router, prefect: Prefect, capsys: pytest.CaptureFixture[str]
) -> None:
    server.route(host="127.0.0.1").pass_through()
    assert await submitted(words(ref="main"), waits=False) is Exit.UNREACHABLE
    assert "GitHub does not say which commit main of acme/site is: ConnectError" in capsys.readouterr().err
    assert prefect.runs == {}

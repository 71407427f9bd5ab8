"""`reportback submit` refuses a request, or finds no server to start it."""

import httpx
import pytest
import respx
from prefect.settings import PREFECT_API_URL, temporary_settings
from submitting import DEPLOYMENT, IN_ACTIONS, Prefect, in_actions, submitted, words

from console.submission.requested_job import Words
from console.submission.submit import Exit


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


REFUSED: dict[str, tuple[Words, str]] = {
    "no commit": (words(ref=None), "--repo and --sha are needed: only in GitHub Actions they are known"),
    "no repository": (words(repository=None), "--repo and --sha are needed"),
    "an option out of bounds": (words(options=("processes=9",)), "processes must be a whole number from 1 to 8"),
    "a repository that is none": (
        words(repository="site"),
        "--repo: has to be a repository, as owner/name",
    ),
    "a link that is none": (
        words(url="javascript:alert(1)"),
        "--url: has to be an address that begins with",
    ),
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


IN_FIELD = "Error creating flow run: Validation failed for field '{}'. Failure reason: {}"
FORM = {
    IN_FIELD.format("job", "'rm' is not one of ['sphinx', 'links']"): (
        "TYPE: has to be one of 'sphinx', 'links', not 'rm'"
    ),
    IN_FIELD.format("target.sha", "'a' does not match '^[0-9a-fA-F]{40}$'"): (
        "--sha: has to be a commit's whole hash, 40 hexadecimal digits, not 'a'"
    ),
    IN_FIELD.format("target.context", "'aaa' is too long"): "--context: it is too long",
    IN_FIELD.format("target", "'repository' is a required property"): "target: repository is missing",
    IN_FIELD.format("target", "Additional properties are not allowed ('branch' was unexpected)"): (
        "target: it has no 'branch'"
    ),
    IN_FIELD.format("options", "[1] is not of type 'object'"): ("--option: it has to be given by names, not as [1]"),
    IN_FIELD.format("options", "of a later version"): "--option: of a later version",
    "Error creating flow run: Validation failed. Failure reason: 'job' is a required property": "job is missing",
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


async def test_a_github_that_does_not_answer_is_unreachable(
    server: respx.Router, prefect: Prefect, capsys: pytest.CaptureFixture[str]
) -> None:
    server.route(host="127.0.0.1").pass_through()
    assert await submitted(words(ref="main"), waits=False) is Exit.UNREACHABLE
    assert "GitHub does not say which commit main of acme/site is: ConnectError" in capsys.readouterr().err
    assert prefect.runs == {}

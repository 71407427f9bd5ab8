"""`reportback submit` follows a job to its end."""

from uuid import UUID

import httpx
import pytest
import respx
from submitting import Prefect, state, submitted, words

from console.submission.submit import Exit

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


@pytest.mark.usefixtures("server")
@pytest.mark.parametrize("name", ["Scheduled", "Late"])
@pytest.mark.parametrize(
    ("is_paused", "worker", "said"),
    [
        (True, "ONLINE", "work pool reportback-jobs: is paused, so that nothing of it starts: `reportback resume"),
        (False, None, "workers of reportback-jobs: none is online, there never was one: `prefect worker start"),
        (False, "OFFLINE", "workers of reportback-jobs: none is online, the last one, w1, was seen 0 s ago"),
    ],
)
async def test_waiting_names_what_keeps_the_job_from_starting(
    prefect: Prefect, capsys: pytest.CaptureFixture[str], *, is_paused: bool, worker: str | None, said: str, name: str
) -> None:
    prefect.pool_is_paused, prefect.worker = is_paused, worker
    prefect.states = [state("SCHEDULED", name), state("COMPLETED", message="succeeded in 3 s")]
    assert await submitted(words(), waits=True) is Exit.SUCCESS
    assert capsys.readouterr().err.startswith(f"{name}: {said}")


@pytest.mark.parametrize("answer", [httpx.Response(403), httpx.Response(200, text="<html>"), httpx.ConnectError("x")])
async def test_a_pool_that_may_not_be_read_is_not_named(
    server: respx.Router, prefect: Prefect, capsys: pytest.CaptureFixture[str], answer: httpx.Response | Exception
) -> None:
    server.get("/work_pools/reportback-jobs").mock(side_effect=[answer])
    prefect.states = [state("SCHEDULED"), state("COMPLETED", message="succeeded in 3 s")]
    assert await submitted(words(), waits=True) is Exit.SUCCESS
    assert capsys.readouterr().err.startswith("Scheduled: waits for a worker")

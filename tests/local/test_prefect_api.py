"""Requests to a Prefect server's REST API."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest
import respx

from local import prefect_api as module
from local.prefect_api import PrefectApi, Refused, RunState, prefect_api

API = "http://prefect.test/api"
RUN = "0a1b2c3d-0000-4000-8000-000000000000"
NAME = "/deployments/name/docs-job/docs-job"
CREATE = "/deployments/17/create_flow_run"


@pytest.fixture
def server() -> Iterator[respx.Router]:
    with respx.mock(base_url=API, assert_all_called=False) as router:
        router.get(NAME).respond(json={"id": "17"})
        router.get("/csrf-token").respond(422, json={"detail": "CSRF protection is disabled."})
        yield router


@pytest.fixture
async def prefect(
    server: respx.Router,  # noqa: ARG001  # it has to be there first
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[PrefectApi]:
    monkeypatch.setattr(module, "POLL_EVERY", timedelta(0))
    async with prefect_api(API) as api:
        yield api


def state(kind: str, message: str | None = None) -> httpx.Response:
    return httpx.Response(200, json={"state": {"type": kind, "name": kind.title(), "message": message}})


async def test_a_flow_run_is_made_of_a_deployment_and_its_parameters(server: respx.Router, prefect: PrefectApi) -> None:
    made = server.post(CREATE).respond(201, json={"id": RUN})
    assert await prefect.start("docs-job/docs-job", {"job": "sphinx"}) == RUN
    assert json.loads(made.calls.last.request.content)["parameters"] == {"job": "sphinx"}


async def test_a_flow_run_that_was_made_while_the_server_was_locked_is_not_made_twice(
    server: respx.Router, prefect: PrefectApi
) -> None:
    locked = httpx.Response(503, headers={"Retry-After": "0"}, json={"exception_message": "Service Unavailable"})
    made = server.post(CREATE).mock(side_effect=[locked, httpx.Response(201, json={"id": RUN})])
    await prefect.start("docs-job/docs-job", {})
    first, second = (json.loads(call.request.content)["idempotency_key"] for call in made.calls)
    assert first == second


async def test_changes_at_once_do_not_make_each_others_csrf_token_invalid(
    server: respx.Router, prefect: PrefectApi
) -> None:
    """As on a Prefect server: a client's newest token is its only one."""
    given: list[str] = []

    async def give(_: httpx.Request) -> httpx.Response:
        given.append(f"token-{len(given)}")
        await asyncio.sleep(0)
        until = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
        return httpx.Response(200, json={"token": given[-1], "client": "one", "expiration": until})

    def create(request: httpx.Request) -> httpx.Response:
        is_newest = request.headers["Prefect-Csrf-Token"] == given[-1]
        wrong = httpx.Response(403, json={"detail": "Invalid CSRF token or client identifier."})
        return httpx.Response(201, json={"id": RUN}) if is_newest else wrong

    server.get("/csrf-token").mock(side_effect=give)
    server.post(CREATE).mock(side_effect=create)
    made = await asyncio.gather(*(prefect.start("docs-job/docs-job", {}) for _ in range(4)))
    assert (made, len(given)) == ([RUN] * 4, 1)


async def test_two_flow_runs_have_keys_of_their_own(server: respx.Router, prefect: PrefectApi) -> None:
    made = server.post(CREATE).respond(201, json={"id": RUN})
    for _ in range(2):
        await prefect.start("docs-job/docs-job", {})
    assert len({json.loads(call.request.content)["idempotency_key"] for call in made.calls}) == 2


async def test_parameters_that_the_form_does_not_allow_are_refused_in_prefects_words(
    server: respx.Router, prefect: PrefectApi
) -> None:
    words = "Validation failed for field 'target.sha'"
    server.post(CREATE).respond(409, json={"detail": words})
    with pytest.raises(Refused, match=r"Validation failed for field 'target\.sha'"):
        await prefect.start("docs-job/docs-job", {"target": {"sha": "abc"}})


async def test_a_deployment_that_is_not_there_is_refused_by_its_name(server: respx.Router, prefect: PrefectApi) -> None:
    server.get("/deployments/name/docs-job/other").respond(404, json={"detail": "Deployment not found"})
    with pytest.raises(Refused, match="docs-job/other: Deployment not found"):
        await prefect.start("docs-job/other", {})


async def test_a_state_is_prefects_own(server: respx.Router, prefect: PrefectApi) -> None:
    server.get(f"/flow_runs/{RUN}").mock(return_value=state("FAILED", "exit code 1"))
    assert await prefect.state(RUN) == RunState("FAILED", "Failed", "exit code 1")


async def test_a_run_that_is_not_there_is_an_error_and_no_state(server: respx.Router, prefect: PrefectApi) -> None:
    server.get(f"/flow_runs/{RUN}").respond(404, json={"detail": "Flow run not found"})
    with pytest.raises(Refused, match=f"/flow_runs/{RUN}: Flow run not found"):
        await prefect.state(RUN)


@pytest.mark.parametrize("end", ["COMPLETED", "FAILED", "CRASHED", "CANCELLED"])
async def test_the_end_of_a_run_is_waited_for(server: respx.Router, prefect: PrefectApi, end: str) -> None:
    ways = [state("SCHEDULED"), state("PENDING"), state("RUNNING"), state("CANCELLING"), state(end)]
    server.get(f"/flow_runs/{RUN}").mock(side_effect=ways)
    assert (await prefect.until_over(RUN)).type == end


async def test_queue_and_time_are_asked_for(server: respx.Router, prefect: PrefectApi) -> None:
    made = server.post(CREATE).respond(201, json={"id": RUN})
    at = datetime(2026, 3, 1, 12, tzinfo=UTC)
    await prefect.start("docs-job/docs-job", {}, queue="mine", at=at)
    asked = json.loads(made.calls.last.request.content)
    assert asked["work_queue_name"] == "mine"
    assert asked["state"]["state_details"] == {"scheduled_time": "2026-03-01T12:00:00+00:00"}


async def test_a_server_that_wants_a_token_with_a_change_gets_one(server: respx.Router, prefect: PrefectApi) -> None:
    token = {"token": "first", "client": "us", "expiration": "2999-01-01T00:00:00Z"}
    server.get("/csrf-token").respond(json=token)
    made = server.post(CREATE).respond(201, json={"id": RUN})
    await prefect.start("docs-job/docs-job", {})
    assert made.calls.last.request.headers["Prefect-Csrf-Token"] == "first"


async def test_half_an_emoji_is_sent_as_prefects_ui_would_send_it(server: respx.Router, prefect: PrefectApi) -> None:
    made = server.post(CREATE).respond(201, json={"id": RUN})
    await prefect.start("docs-job/docs-job", {"name": "half \ud83d"})
    assert rb"half \ud83d" in made.calls.last.request.content


async def test_retry_is_what_the_button_of_prefects_ui_sets(server: respx.Router, prefect: PrefectApi) -> None:
    set_state = server.post(f"/flow_runs/{RUN}/set_state").respond(json={"status": "ACCEPT", "details": {}})
    await prefect.retry(RUN)
    asked = json.loads(set_state.calls.last.request.content)
    assert asked == {"state": {"type": "SCHEDULED", "name": "AwaitingRetry"}}


async def test_a_state_that_prefect_does_not_accept_is_refused_with_its_reason(
    server: respx.Router, prefect: PrefectApi
) -> None:
    answer = {"status": "ABORT", "details": {"reason": "it is over"}}
    server.post(f"/flow_runs/{RUN}/set_state").respond(json=answer)
    with pytest.raises(Refused, match=f"{RUN} to CANCELLING: ABORT it is over"):
        await prefect.set_state(RUN, "CANCELLING")


async def test_a_log_is_read_from_its_beginning(server: respx.Router, prefect: PrefectApi) -> None:
    server.post("/logs/filter").respond(json=[{"message": "second"}, {"message": "first"}])
    assert await prefect.log(RUN) == ["first", "second"]


async def test_the_runs_of_a_deployment_are_found_by_their_state(server: respx.Router, prefect: PrefectApi) -> None:
    found = server.post("/flow_runs/filter").respond(json=[{"id": RUN}])
    assert await prefect.runs("docs-job/docs-job", "RUNNING", "PENDING") == [RUN]
    asked = json.loads(found.calls.last.request.content)
    assert asked["deployments"] == {"name": {"any_": ["docs-job"]}}
    assert asked["flow_runs"] == {"state": {"type": {"any_": ["RUNNING", "PENDING"]}}}


async def test_a_run_has_a_name(server: respx.Router, prefect: PrefectApi) -> None:
    server.get(f"/flow_runs/{RUN}").respond(json={"name": "sphinx 3f2a91c acme/site"})
    assert await prefect.name(RUN) == "sphinx 3f2a91c acme/site"

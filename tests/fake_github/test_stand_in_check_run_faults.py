"""Faults of requests about check runs: before or after storing, and reads that lag, by endpoint and by field."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from check_run_rig import (
    RUNS,
    SHA,
    annotation,
    client_of_app,
    create,
    created,
    github_with_app,
    listed,
    output,
    update,
)
from stand_in_rig import BEFORE_AND_AFTER, SteppedTime

from fake_github.app import FakeGitHub
from fake_github.faults import Fault, Kind


@pytest.fixture
def github(time: SteppedTime) -> FakeGitHub:
    return github_with_app(time)


@pytest.fixture
async def client(github: FakeGitHub) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of_app(github) as client:
        yield client


def fault(github: FakeGitHub, kind: Kind, **fields: object) -> None:
    github.script.add(Fault.model_validate({"kind": kind, **fields}))


async def read(client: httpx.AsyncClient, number: int) -> Any:  # noqa: ANN401  # GitHub's own body
    return (await client.get(f"{RUNS}/{number}")).json()


@BEFORE_AND_AFTER
@pytest.mark.parametrize(("kind", "status"), [(Kind.SERVER_ERROR, 502), (Kind.SERVER_ERROR, 503), (Kind.CLOSE, None)])
async def test_a_create_fails_before_or_after_it_is_stored(
    client: httpx.AsyncClient, github: FakeGitHub, *, kind: Kind, status: int | None, where: str, stored: int
) -> None:
    fault(github, kind, status=status, where=where)
    if status is None:
        with pytest.raises(httpx.RemoteProtocolError):
            await create(client)
    else:
        assert (await create(client)).status_code == status
    assert len(github.check_runs("acme/site", SHA)) == stored


@BEFORE_AND_AFTER
async def test_an_update_fails_before_or_after_it_is_stored(
    client: httpx.AsyncClient, github: FakeGitHub, *, where: str, stored: int
) -> None:
    number = (await created(client))["id"]
    fault(github, Kind.SERVER_ERROR, method="PATCH", external_id="m/2", where=where)
    await update(client, number, external_id="m/1")
    failed = await update(client, number, external_id="m/2", conclusion="success", output=output(annotation()))
    assert failed.status_code == 502
    (run,) = github.check_runs("acme/site", SHA)
    assert (run.external_id, len(run.annotations)) == (("m/2", 1) if stored else ("m/1", 0))


@pytest.mark.parametrize(
    "named",
    [
        {"state": "cancelled"}, {"external_id": "m/3"}, {"context": "docs/build"}, {"sha": SHA},
        {"endpoint": "check_run"}, {"repository": "acme/site"},
    ],
)  # fmt: skip
async def test_a_fault_finds_its_update_by_what_that_names(
    client: httpx.AsyncClient, github: FakeGitHub, named: dict[str, str]
) -> None:
    number = (await created(client))["id"]
    fault(github, Kind.NOT_FOUND, method="PATCH", **named)
    for other in ({"state": "success"}, {"endpoint": "check_runs"}, {"context": "docs/links"}, {"external_id": "m/2"}):
        fault(github, Kind.GONE, method="PATCH", **other)
    assert (await update(client, number, conclusion="cancelled", external_id="m/3")).status_code == 404


async def test_a_fault_of_any_write_leaves_the_apps_own_requests_alone(
    client: httpx.AsyncClient, github: FakeGitHub
) -> None:
    fault(github, Kind.SERVER_ERROR)
    assert (await client.post("/app/installations/7/access_tokens")).status_code == 401
    assert (await create(client)).status_code == 502


async def test_an_update_stored_late_is_applied_to_what_the_run_is_by_then(
    client: httpx.AsyncClient, github: FakeGitHub, time: SteppedTime
) -> None:
    number = (await created(client))["id"]
    fault(github, Kind.SERVER_ERROR, method="PATCH", stored_after=10)
    await update(client, number, external_id="m/1", conclusion="failure", output=output(annotation(1)))
    time.advance(5)
    await update(client, number, external_id="m/2", output=output(annotation(2), title="Later"))
    assert [one.external_id for one in github.check_runs("acme/site", SHA)] == ["m/2"]
    time.advance(5)
    (run,) = github.check_runs("acme/site", SHA)
    assert (run.external_id, run.conclusion, run.completed_at) == ("m/1", "failure", time.now)
    assert [one.start_line for one in run.annotations] == [2, 1]


async def test_a_run_stored_late_is_not_there_before(
    client: httpx.AsyncClient, github: FakeGitHub, time: SteppedTime
) -> None:
    fault(github, Kind.SERVER_ERROR, stored_after=10)
    await create(client)
    assert await listed(client) == []
    time.advance(10)
    (run,) = await listed(client)
    assert (await read(client, run["id"]))["id"] == run["id"]


@pytest.mark.parametrize(("endpoint", "shown"), [("check_runs", (0, "m/1")), ("check_run", (1, None)), ("", (0, None))])
async def test_the_list_and_the_run_lag_each_for_itself(
    client: httpx.AsyncClient, github: FakeGitHub, time: SteppedTime, *, endpoint: str, shown: tuple[int, str | None]
) -> None:
    fault(github, Kind.LAG, endpoint=endpoint, seconds=5, times=0)
    number = (await created(client, external_id="m/1"))["id"]
    assert (len(await listed(client)), (await read(client, number)).get("external_id")) == shown
    time.advance(5)
    assert (len(await listed(client)), (await read(client, number)).get("external_id")) == (1, "m/1")


@pytest.mark.parametrize("field", ["external_id", "conclusion", "status", "output"])
async def test_one_field_lags_alone(
    client: httpx.AsyncClient, github: FakeGitHub, time: SteppedTime, *, field: str
) -> None:
    number = (await created(client, external_id="m/0"))["id"]
    time.advance(60)
    before = await read(client, number)
    await update(client, number, external_id="m/1", conclusion="success", output=output(annotation()))
    after = await read(client, number)
    fault(github, Kind.LAG, fields=[field], seconds=5, times=0)
    for lagged in (await read(client, number), *await listed(client)):
        assert lagged == {**after, field: before[field]}
        assert lagged != after
    time.advance(5)
    assert await read(client, number) == after


async def test_annotations_lag_with_their_endpoint(
    client: httpx.AsyncClient, github: FakeGitHub, time: SteppedTime
) -> None:
    number = (await created(client))["id"]
    time.advance(60)
    await update(client, number, output=output(annotation()))
    fault(github, Kind.LAG, endpoint="annotations", seconds=5)
    assert [len((await client.get(f"{RUNS}/{number}/annotations")).json()) for _ in range(2)] == [0, 1]
    assert (await read(client, number))["output"]["annotations_count"] == 1


async def test_refusals_and_foreign_replies_are_those_of_check_runs(
    client: httpx.AsyncClient, github: FakeGitHub
) -> None:
    for kind in (Kind.FORBIDDEN, Kind.TOO_MANY, Kind.NO_SUCH_COMMIT, Kind.FOREIGN):
        fault(github, kind)
    forbidden, full, unknown, foreign = [await create(client) for _ in range(4)]
    assert forbidden.headers["x-accepted-github-permissions"] == "checks=write"
    assert "No more than 50 items are allowed" in full.json()["message"]
    assert unknown.json()["message"] == f"No commit found for SHA: {SHA}"
    assert (foreign.status_code, foreign.json()["name"]) == (201, "somebody/else")
    assert [seen.context for seen in github.requests.seen] == ["docs/build"] * 4

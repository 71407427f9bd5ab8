"""When a fault strikes and when its status is stored, on a real socket; and what is remembered of requests."""

import httpx
import pytest
from stand_in_rig import BEFORE_AND_AFTER, Commit
from waiting import until

from fake_github.process import StandIn

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.mark.parametrize("kind", ["server_error", "close"])
async def test_a_status_can_be_stored_after_the_request_was_given_up(
    commit: Commit, stand_in: StandIn, kind: str
) -> None:
    await stand_in.fault(kind, stored_after=0.4)
    try:
        assert (await commit.post()).status_code == 502
    except httpx.RemoteProtocolError:
        assert kind == "close"
    await until(commit.holds_one)
    seen = await commit.seen()
    assert (seen["fault"], seen["answered"]) == (kind, 502 if kind == "server_error" else None)
    assert commit.stored_after(seen) == 0.4


async def test_a_hang_before_storing_stores_when_it_ends_though_the_client_is_gone(
    commit: Commit, stand_in: StandIn
) -> None:
    await stand_in.fault("hang", seconds=1)
    with pytest.raises(httpx.ReadTimeout):
        await commit.post(timeout=0.1)
    await until(commit.holds_one)
    assert commit.stored_after(await commit.seen()) == 1


@BEFORE_AND_AFTER
async def test_a_hang_that_is_waited_for_ends_in_the_real_reply(
    commit: Commit, stand_in: StandIn, where: str, stored: int
) -> None:
    await stand_in.fault("hang", where=where, seconds=0.3)
    assert (await commit.post()).status_code == 201
    assert await commit.held() == 1
    assert commit.stored_after(await commit.seen()) == (0 if stored else 0.3)


async def test_a_dripping_reply_outlives_the_read_timeout(commit: Commit, stand_in: StandIn) -> None:
    await stand_in.fault("drip", seconds=2)
    response = await commit.post(timeout=1.5)
    assert response.json()["context"] == "docs/build"


async def test_reads_can_lag_behind_what_is_held(commit: Commit, stand_in: StandIn) -> None:
    await stand_in.fault("lag", seconds=60, times=2)
    await commit.post()
    assert [await commit.held(), await commit.read(), await commit.read(), await commit.read()] == [1, 0, 0, 1]


async def test_a_fault_strikes_only_what_it_names(commit: Commit, stand_in: StandIn) -> None:
    await stand_in.fault("server_error", context="DOCS/build", sha=commit.sha, repository="Octo/docs")
    assert (await commit.post("docs/other")).status_code == 201
    assert (await commit.client.post(commit.path.replace("octo", "duo"), json={"state": "success"})).status_code == 201
    assert await commit.read() == 1
    assert (await commit.post()).status_code == 502


async def test_faults_strike_in_order_and_a_given_number_of_times(commit: Commit, stand_in: StandIn) -> None:
    await stand_in.fault("server_error", status=500, times=2)
    await stand_in.fault("not_found", times=0, method="*")
    assert [(await commit.post()).status_code for _ in range(4)] == [500, 500, 404, 404]
    assert (await commit.client.get(commit.path)).status_code == 404
    await stand_in.clear()
    assert (await commit.post()).status_code == 201


async def test_the_faults_to_come_can_be_listed(commit: Commit, stand_in: StandIn) -> None:
    await stand_in.fault("server_error", times=3)
    await commit.post()
    (fault,) = (await commit.client.get("/_stand_in/faults")).json()
    assert (fault["kind"], fault["times"]) == ("server_error", 2)


@pytest.mark.parametrize("fields", [{"kind": "odd"}, {"kind": "close", "odd": 1}, {"kind": "close", "where": "later"}])
async def test_a_mistaken_fault_is_refused(stand_in: StandIn, fields: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"errors"):
        await stand_in.fault(**fields)


async def test_every_request_is_remembered_without_its_credential(commit: Commit, stand_in: StandIn) -> None:
    response = await commit.post()
    (seen,) = [one for one in await stand_in.requests() if one["path"] == commit.path]
    assert (seen["method"], seen["context"], seen["answered"]) == ("POST", "docs/build", 201)
    assert seen["stored_id"] == response.json()["id"]
    assert "Bearer" not in str(seen)


async def test_a_connection_is_kept_after_a_faulty_reply(commit: Commit, stand_in: StandIn) -> None:
    await stand_in.fault("server_error")
    first = await commit.post()
    second = await commit.post()
    streams = [response.extensions["network_stream"] for response in (first, second)]
    assert streams[0].get_extra_info("client_addr") == streams[1].get_extra_info("client_addr")

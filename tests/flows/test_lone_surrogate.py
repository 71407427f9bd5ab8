"""A lone surrogate in a flow run's parameters stops an unguarded Prefect server; doctor prints the remedy."""

import sqlite3
from collections.abc import AsyncIterator

import pytest
from prefect import get_client
from prefect.client.orchestration import PrefectClient
from prefect.exceptions import PrefectHTTPStatusError
from prefect.settings import PREFECT_API_DATABASE_CONNECTION_URL
from sqlalchemy import make_url

from console.checks.prefect import REMEDY, poll
from flows.docs_job import docs_job
from local.work_pools import JOBS, POOLS, close_pool


@pytest.fixture
async def client() -> AsyncIterator[PrefectClient]:
    async with get_client() as opened:
        for name in POOLS:
            await close_pool(opened, name)
        yield opened


@pytest.mark.usefixtures("rig")
async def test_a_server_that_half_an_emoji_has_stopped_goes_on_after_the_remedy(client: PrefectClient) -> None:
    assert (await poll(client)).ok
    flow_id = await client.create_flow(docs_job)
    deployment = await client.create_deployment(flow_id, "half-an-emoji", work_pool_name=JOBS)
    whole = await client.create_flow_run_from_deployment(deployment, parameters={"job": "\U0001f600"})
    half = rb'{"parameters": {"job": "\ud83d"}, "state": {"type": "SCHEDULED"}}'
    with pytest.raises(PrefectHTTPStatusError):
        await client._client.post(f"/deployments/{deployment}/create_flow_run", content=half)
    try:
        stopped = await poll(client)
    finally:
        with sqlite3.connect(make_url(PREFECT_API_DATABASE_CONNECTION_URL.value()).database or "") as database:
            database.executescript(REMEDY)
    assert not stopped.ok
    assert REMEDY in stopped.words
    assert (await poll(client)).ok
    assert (await client.read_flow_run(whole.id)).parameters == {"job": "\U0001f600"}
    await client.delete_deployment(deployment)

"""The operator's page in Prefect's UI: one artifact, which each pass of the reconciliation renews."""

import asyncio
from datetime import timedelta
from functools import partial

from prefect import get_client
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.actions import ArtifactCreate, ArtifactUpdate
from prefect.client.schemas.filters import ArtifactCollectionFilter, ArtifactCollectionFilterKey
from prefect.utilities.urls import url_for

from domain.operations.overview import Overview
from domain.operations.status_page import Links, headline, page
from settings import Settings
from storage.engine import Ledger
from storage.operations.overview import overview
from tasks.jobs.accept import commit_page, own_page

KEY = "reportback-reports"
PATIENCE = timedelta(seconds=10)
"""How long Prefect may take to show it: the next pass is to come."""


async def read_overview(ledger: Ledger) -> Overview:
    """What the page shows, of this moment."""
    async with ledger.reading() as session:
        return await overview(session, now=await ledger.clock(session))


async def show_operators_page(ledger: Ledger, settings: Settings) -> None:
    """Have the page show how things stand. Raises whatever keeps it from doing so: best effort."""
    seen = await read_overview(ledger)
    links = Links(
        run=lambda job: own_page(url_for("flow-run", obj_id=job)),
        commit=partial(commit_page, str(settings.github_api_url)),
    )
    async with asyncio.timeout(PATIENCE.total_seconds()), get_client() as client:
        await _put(client, page(seen, links), headline(seen))


async def _put(client: PrefectClient, text: str, description: str) -> None:
    """In the place of what stands there: Prefect keeps every version of an artifact that is created again.

    It belongs to no flow run: an operator deletes those of passes, and the page is to stay.
    """
    named = ArtifactCollectionFilter(key=ArtifactCollectionFilterKey(any_=[KEY]))
    found = await client.read_latest_artifacts(artifact_filter=named)
    if found:
        await client.update_artifact(found[0].latest_id, ArtifactUpdate(data=text, description=description))
    else:
        await client.create_artifact(ArtifactCreate(key=KEY, type="markdown", description=description, data=text))

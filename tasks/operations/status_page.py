"""Updates the status page in Prefect's UI, one artifact, in each reconciliation run."""

import asyncio
from datetime import timedelta
from functools import partial

from prefect import get_client
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.actions import ArtifactCreate, ArtifactUpdate
from prefect.client.schemas.filters import ArtifactCollectionFilter, ArtifactCollectionFilterKey
from prefect.utilities.urls import url_for

from domain.operations.overview import Overview
from domain.operations.status_page import KEY, Links, headline, page
from settings import Settings
from storage.ledger import Ledger
from storage.operations.overview import overview
from tasks.jobs.accept import commit_page, own_page

TIMEOUT = timedelta(seconds=10)
"""How long Prefect may take to show it: the next run is to start on time."""


async def read_overview(ledger: Ledger) -> Overview:
    """What the page shows at this moment."""
    return await ledger.read(overview)


async def show_status_page(ledger: Ledger, settings: Settings) -> None:
    """Update the page. Raises errors of Prefect and the ledger: call it with `best_effort`."""
    seen = await read_overview(ledger)
    links = Links(
        run=lambda job: own_page(url_for("flow-run", obj_id=job)),
        commit=partial(commit_page, str(settings.github_api_url)),
    )
    async with asyncio.timeout(TIMEOUT.total_seconds()), get_client() as client:
        await _put(client, page(seen, links), headline(seen))


async def _put(client: PrefectClient, text: str, description: str) -> None:
    """Update the existing artifact: Prefect keeps every version of one that is created again.

    It belongs to no flow run, so that it stays when an operator deletes reconciliation runs.
    """
    named = ArtifactCollectionFilter(key=ArtifactCollectionFilterKey(any_=[KEY]))
    found = await client.read_latest_artifacts(artifact_filter=named)
    if found:
        await client.update_artifact(found[0].latest_id, ArtifactUpdate(data=text, description=description))
    else:
        await client.create_artifact(ArtifactCreate(key=KEY, type="markdown", description=description, data=text))

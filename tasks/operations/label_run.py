"""Names and tags a docs job's flow run in Prefect, by one request beside its work: no job waits for it to start."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from uuid import UUID

from prefect import get_client
from prefect.context import FlowRunContext
from prefect.runtime import flow_run

from domain.delivery.target import Target
from domain.jobs.run_names import name_of, tags_of
from tasks.operations.best_effort import best_effort, ends_within

LONGEST = timedelta(seconds=10)
"""How long the end of a flow run waits for its name and tags."""


@asynccontextmanager
async def labelled(job_type: str, target: Target | None) -> AsyncIterator[None]:
    """Name and tag the flow run while the block runs. Errors of Prefect are logged."""
    name, context = name_of(job_type, target), FlowRunContext.get()
    if context and context.flow_run:
        context.flow_run.name = name  # what this process calls it, as Prefect's own `flow_run_name` does
    label = _label(name, tags_of(job_type, target))
    labelling = asyncio.create_task(best_effort(label, "the flow run has neither name nor tags"))
    try:
        yield
    finally:
        await ends_within(LONGEST, labelling)


async def _label(name: str, tags: Sequence[str]) -> None:
    async with get_client() as client:
        await client.update_flow_run(UUID(flow_run.id), name=name, tags=list(dict.fromkeys([*flow_run.tags, *tags])))

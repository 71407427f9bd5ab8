"""Creates the two work pools, closed: a flow run can bring no command, variable or folder of its own."""

from typing import Any

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.actions import WorkPoolCreate, WorkPoolUpdate
from prefect.exceptions import ObjectNotFound

JOBS = "reportback-jobs"
RECONCILE = "reportback-reconcile"
POOLS = (JOBS, RECONCILE)
"""The names in prefect.yaml. Two, so that long jobs never keep the reconciliation waiting."""

JOBS_AT_ONCE = 4
"""The limit of a worker for docs jobs, in the units and the image too: one for each 2 GiB of memory, of 8."""

TYPE = "process"

CLOSED: dict[str, Any] = {
    "job_configuration": {"stream_output": True},
    "variables": {"type": "object", "properties": {}, "additionalProperties": False},
}
"""The base job template. `additionalProperties` makes Prefect's server refuse job variables (422); and what is not in
`job_configuration` (command, env, working_dir) reaches no process where the server does not check them. A fixed `env`
there, even an empty one, would be merged with that of a flow run."""


class NotDeployed(ValueError):
    """The pools or deployments were not created; the message says why."""


async def close_pool(client: PrefectClient, name: str) -> None:
    """Create the pool *name*, or close the existing one. An operator's limit on it is kept.

    It is created without a limit, which would count flow runs that died as Running for ever.

    Raises:
        NotDeployed: it is of another type.
    """
    try:
        pool = await client.read_work_pool(name)
    except ObjectNotFound:
        await client.create_work_pool(WorkPoolCreate(name=name, type=TYPE, base_job_template=CLOSED))
        return
    if pool.type != TYPE:
        raise NotDeployed(
            f"the work pool {name} is of type {pool.type}, but jobs run as processes on their worker's machine: "
            f"delete it, and it is made anew as one of type {TYPE}"
        )
    if pool.base_job_template != CLOSED:
        await client.update_work_pool(name, WorkPoolUpdate(base_job_template=CLOSED))

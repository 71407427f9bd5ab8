"""Serves deployments from this process: `python -m local.serve jobs` or `… reports`, with PREFECT_API_URL set."""

import logging
import sys
from typing import TYPE_CHECKING, cast

from prefect import serve

from flows.docs_job import docs_job
from flows.reconcile_reports import reconcile_reports
from flows.retry_reports import retry_reports
from settings import Settings
from tasks.process.kernel import make_non_dumpable

if TYPE_CHECKING:
    from prefect.deployments.runner import RunnerDeployment

AT_ONCE = 8
"""Flow runs of one process at once."""


def main(what: str) -> None:
    """Serve until a signal ends this process."""
    make_non_dumpable()  # a job must not read the token here either
    logging.getLogger("prefect.runner").setLevel(logging.WARNING)
    deployments = [docs_job.to_deployment("docs-job")]
    if what == "reports":
        deployments = [
            reconcile_reports.to_deployment("reconcile-reports", interval=Settings().interval),
            retry_reports.to_deployment("retry-reports"),
        ]
    serve(
        *cast("list[RunnerDeployment]", deployments),  # outside an event loop these are no coroutines
        limit=AT_ONCE,
        pause_on_shutdown=False,
        print_starting_message=False,
    )


if __name__ == "__main__":
    main(sys.argv[1])

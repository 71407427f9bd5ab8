"""Makes the folder that a job's command runs in: a working copy of its commit, or an empty one."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from domain.text import LogLine
from github_api.credentials import NoCredential
from tasks.git.checkout import CheckoutFailed, is_unchanged, working_copy
from tasks.jobs.execution_spec import Work, usable
from tasks.process.temp_dirs import scratch

logger = logging.getLogger("reportback.jobs")

SHORT_SHA = 12


async def has_nothing_to_do(work: Work, found: str | NoCredential | None) -> bool:
    """Whether nothing has changed in the paths that the job is for. A comparison that fails is logged: it runs then."""
    target, paths = work.order.target, work.job_type.paths
    if not (paths and target and work.clone_url and work.since) or work.since == target.sha:
        return False
    token, limits = usable(found), work.job_type.limits
    try:
        return await is_unchanged(
            work.clone_url, target.sha, work.since, paths, token=token, limits=limits, ca_file=work.ca_file
        )
    except CheckoutFailed as error:
        logger.warning("not compared with %s, and not skipped: %s", work.since[:SHORT_SHA], error)
        return False


@asynccontextmanager
async def empty_folder(name: str) -> AsyncIterator[Path]:
    """An empty folder *name*, removed afterwards."""
    async with scratch() as folder:
        (folder / name).mkdir()
        yield folder / name


@asynccontextmanager
async def folder_of(work: Work, found: str | NoCredential | None, say: LogLine) -> AsyncIterator[Path]:
    """The folder that the command runs in. Raises CheckoutFailed, which names an unreadable credential first."""
    if work.clone_url is None or work.order.target is None:
        async with empty_folder("copy") as copy:
            yield copy
        return
    sha, limits, token = work.order.target.sha, work.job_type.limits, usable(found)
    making = working_copy(
        work.clone_url, sha, token=token, limits=limits, ca_file=work.ca_file, checkout=work.job_type.checkout, say=say
    )
    try:
        async with making as copy:
            yield copy
    except CheckoutFailed as error:
        if not isinstance(found, NoCredential):
            raise
        logger.warning(str(found))
        raise CheckoutFailed(f"credential {work.order.credential} cannot be read; without it: {error}") from None

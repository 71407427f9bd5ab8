"""Makes the folder that a job's command runs in: a working copy of its commit, or an empty one."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

from domain.path_patterns import matches
from domain.text import LogLine
from github_api.credentials import NoCredential
from tasks.git.checkout import TIMEOUT, CheckoutFailed, changed_since, is_cut_or_quoted, working_copy
from tasks.git.commit_files import CommitFiles, Paths
from tasks.jobs.execution_spec import Work, usable
from tasks.process.temp_dirs import scratch

logger = logging.getLogger("reportback.jobs")

SHORT_SHA = 12


async def has_nothing_to_do(work: Work, found: str | NoCredential | None, files: CommitFiles) -> bool:
    """Whether nothing has changed in the paths that the job is for; *files* gets what has changed.

    A comparison that fails is logged: the job runs then.
    """
    paths = work.job_type.paths
    if not paths or not is_comparable(work):
        return False
    try:
        changed = await compared(work, found)
    except CheckoutFailed as error:
        logger.warning("not compared with %s, and not skipped: %s", work.since[:SHORT_SHA], error)
        return False
    files.changed = Paths(changed)
    return not any(is_cut_or_quoted(path) or matches(path, paths) for path in changed)


def is_comparable(work: Work) -> bool:
    """Whether the job's commit can be compared with an earlier one."""
    target = work.order.target
    return bool(target and work.clone_url and work.since) and work.since != (target and target.sha)


async def compared(work: Work, found: str | NoCredential | None, *, longest: timedelta = TIMEOUT) -> frozenset[str]:
    """The paths that differ between the job's commit and the one that it is compared with. Raises CheckoutFailed."""
    if work.order.target is None or work.clone_url is None:
        return frozenset()
    return await changed_since(
        work.clone_url, work.order.target.sha, work.since,
        token=usable(found), limits=work.job_type.limits, ca_file=work.ca_file, longest=longest,
    )  # fmt: skip


@asynccontextmanager
async def empty_folder(name: str) -> AsyncIterator[Path]:
    """An empty folder *name*, removed afterwards."""
    async with scratch() as folder:
        (folder / name).mkdir()
        yield folder / name


@asynccontextmanager
async def folder_of(
    work: Work, found: str | NoCredential | None, say: LogLine, files: CommitFiles
) -> AsyncIterator[Path]:
    """The folder that the command runs in; *files* gets those of its commit.

    Raises CheckoutFailed, which names an unreadable credential first.
    """
    if work.clone_url is None or work.order.target is None:
        async with empty_folder("copy") as copy:
            yield copy
        return
    sha, limits, token = work.order.target.sha, work.job_type.limits, usable(found)
    making = working_copy(
        work.clone_url, sha, token=token, limits=limits, ca_file=work.ca_file, checkout=work.job_type.checkout,
        say=say, files=files,
    )  # fmt: skip
    try:
        async with making as copy:
            yield copy
    except CheckoutFailed as error:
        if not isinstance(found, NoCredential):
            raise
        logger.warning(str(found))
        raise CheckoutFailed(f"credential {work.order.credential} cannot be read; without it: {error}") from None

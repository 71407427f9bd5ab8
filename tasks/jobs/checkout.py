"""Checks out exactly one commit into a temporary working copy."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

from domain.process.limits import NO_LIMITS, Limits
from tasks.jobs.git import Git, GitFailed
from tasks.process.temp_dirs import scratch

TIMEOUT = timedelta(seconds=120)
"""Time limit for all git commands together, where the job type sets none."""


class CheckoutFailed(Exception):
    """There is no working copy. The message may be public."""


@asynccontextmanager
async def working_copy(
    clone_url: str,
    sha: str,
    *,
    parent: Path | None = None,
    token: str | None = None,
    limits: Limits = NO_LIMITS,
    ca_file: Path | None = None,
) -> AsyncIterator[Path]:
    """A folder with the files of commit *sha* (40 hex digits) of *clone_url*, and a `.git` with that one commit.

    Made in *parent* (the system's temporary folder), and removed afterwards. No submodules, no hooks, no configuration
    of this machine. *token* goes to an https URL's own host only, in git's environment: on no command line, in no file.
    *ca_file* holds the certificates to trust.

    Raises:
        CheckoutFailed: no git, no such commit, no access, or beyond *limits*.
        NoSpace: the disk has become too full.
    """
    async with scratch(parent) as folder:
        copy = folder / "copy"
        copy.mkdir()
        try:
            git = Git(copy, folder, limits.for_files(TIMEOUT), clone_url, token, ca_file=ca_file)
            await _check_out(git, clone_url, sha)
        except GitFailed as error:
            raise CheckoutFailed(f"cannot check out {sha[:12]}: {error}") from None
        yield copy


async def _check_out(git: Git, clone_url: str, sha: str) -> None:
    await git.run("init", "--quiet", "--template=")
    await git.run("fetch", "--quiet", "--depth=1", "--no-tags", "--no-recurse-submodules", "--", clone_url, sha)
    await git.check_files_of(sha)
    await git.run("checkout", "--quiet", "--detach", sha, "--")
    head = await git.run("rev-parse", "HEAD")
    if head.tail[-1:] != (sha.lower(),):
        raise GitFailed("git has another commit there")

"""An empty flow whose tasks do what a docs job does, the same git fetch and command, and report nothing."""

import asyncio
import tempfile

from prefect import flow, task
from prefect.cache_policies import NO_CACHE

COMMANDS = (
    ("git", "init", "--quiet", "--template="),
    ("git", "fetch", "--quiet", "--depth=1", "--no-tags", "{url}", "{sha}"),
    ("git", "checkout", "--quiet", "--detach", "{sha}", "--"),
    ("sh", "-c", "echo built"),
)


@task(cache_policy=NO_CACHE, persist_result=False)
async def nothing() -> None:
    """In place of a report."""


@task(cache_policy=NO_CACHE, persist_result=False)
async def build(url: str, sha: str) -> None:
    """Fetch the commit and run the command, without a supervisor."""
    with tempfile.TemporaryDirectory() as folder:
        for command in COMMANDS:
            words = (word.format(url=url, sha=sha) for word in command)
            process = await asyncio.create_subprocess_exec(*words, cwd=folder, stdout=asyncio.subprocess.PIPE)
            await process.communicate()
            assert process.returncode == 0, command


@flow(name="same-work", persist_result=False)
async def same_work(url: str, sha: str) -> None:
    """As many tasks as a docs job has."""
    await nothing()
    await build(url, sha)
    await nothing()

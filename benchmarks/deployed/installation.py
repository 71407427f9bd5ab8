"""Starts an installation, whose jobs end at once."""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from demo import source
from fake_github.process import StandIn, running
from local import stack
from local.prefect_api import PrefectApi, prefect_api
from local.work_pools import JOBS, JOBS_AT_ONCE
from storage.ledger import Ledger, open_ledger
from tasks.process.command import run_command

STARTED = "started!"
"""What a worker prints when it asks for work."""


@dataclass(frozen=True, slots=True)
class Installation:
    """A Prefect server with the deployments, a ledger and a stand-in."""

    prefect: PrefectApi
    ledger: Ledger
    github: StandIn
    env: Mapping[str, str]
    sha: str

    async def submit(self, number: int) -> str:
        """Start a job that ends at once; the id of its flow run."""
        target = {"repository": "acme/site", "sha": self.sha, "context": f"docs/{number}"}
        return await self.prefect.start("docs-job/docs-job", {"job": "short", "target": target})

    @asynccontextmanager
    async def worker(self, **env: str) -> AsyncIterator[None]:
        """A worker of jobs as documented, with *env* added; ended with all its processes at the end."""
        words = ("-m", "prefect", "worker", "start", "--pool", JOBS, "--limit", str(JOBS_AT_ONCE))
        polls = asyncio.Event()

        def on_line(line: str) -> None:
            if STARTED in line:
                polls.set()

        async with asyncio.TaskGroup() as tasks:
            command = tasks.create_task(_run(words, {**self.env, **env}, on_line))
            async with asyncio.timeout(stack.START.total_seconds()):
                await polls.wait()
            try:
                yield
            finally:
                command.cancel()


def ignore(_: str) -> None:
    """Ignore a line of output."""


async def _run(words: tuple[str, ...], env: Mapping[str, str], on_line: Callable[[str], None]) -> None:
    command = (sys.executable, *words)
    await run_command(command, cwd=stack.ROOT, env=env, timeout=stack.FOR_EVER, on_line=on_line)


def settings_of(folder: Path, github: StandIn, url: str) -> dict[str, str]:
    """The settings of an installation in *folder*, whose jobs check out *url*."""
    jobs = {"REPORTBACK_JOBS_FILE": str(stack.ROOT / "benchmarks" / "jobs.toml")}
    return {**stack.stand_in_settings(f"sqlite:///{folder / 'ledger.db'}", github.url, url), **jobs}


def one_page(folder: Path) -> tuple[str, str]:
    """A URL and the commit of a repository of one page."""
    folder.mkdir()
    (folder / "page.md").write_text("a page\n", encoding="utf-8")
    return source.committed(folder)


@asynccontextmanager
async def installation(folder: Path) -> AsyncIterator[Installation]:
    """An installation without workers."""
    url, sha = await asyncio.to_thread(one_page, folder / "page")
    async with running() as github, stack.prefect_server(folder / "prefect") as (_, api_url, its):
        settings = settings_of(folder, github, url)
        env = {**its, **settings, "PREFECT_LOGGING_LEVEL": "WARNING"}
        await _run((*stack.COMMAND, "deploy"), env, ignore)
        async with prefect_api(api_url) as prefect, open_ledger(settings["REPORTBACK_DATABASE_URL"]) as ledger:
            yield Installation(prefect, ledger, github, env, sha)

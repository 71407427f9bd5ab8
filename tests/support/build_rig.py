"""Runs jobs of a repository from the checkout to the push."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from executions import Executions, ended_of
from ledger_jobs import order
from repositories import Origin
from sqlmodel import col, select
from world import World

from storage.models import StatusReport
from tasks.jobs.build_cache import BuildCache
from tasks.jobs.execution_spec import EndedExecution, Work
from tasks.jobs.keep_output import Outputs
from tasks.process.users import JobUser

TOKEN = "a-token-to-push-with"
PREVIEW = "https://docs.example.com/preview/7/"
PUSH = {"branch": "main", "paths": ["docs"], "credential": "env:PUSH", "author": "Docs bot <docs@example.com>"}


@dataclass
class BuildRig:
    """Runs jobs of the repository `origin` in `folder`, each as one of `users`, if there are any."""

    world: World
    folder: Path
    origin: Origin
    users: tuple[JobUser, ...] = ()
    lines: list[str] = field(default_factory=list)

    @property
    def outputs(self) -> Path:
        return self.folder / "outputs"

    @property
    def cache(self) -> Path:
        return self.folder / "cache"

    @property
    def commit_page(self) -> str:
        return f"https://github.com/acme/site/commit/{self.origin.head('main')}"

    async def run(
        self,
        command: str | Sequence[str],
        *,
        job: UUID | None = None,
        sha: str | None = None,
        output_url: str | None = PREVIEW,
        **fields: object,
    ) -> EndedExecution:
        """Run a script, or command, on the newest commit of `main`; again, if there is such a *job* already."""
        asked = order(sha=sha or self.origin.head("main") or "", flow_run_id=job)
        executions = Executions(self.world, self.lines)
        work = await executions.accept(command, asked, **fields)
        return ended_of(await executions.carry_out(self.kept(replace(work, output_url=output_url))))

    def kept(self, work: Work) -> Work:
        """*work* on this repository, with its output and cache in `folder`."""
        outputs, cache = Outputs(self.outputs, 10, timedelta(days=1)), BuildCache(self.cache, 1_000_000)
        return replace(work, clone_url=self.origin.url, outputs=outputs, cache=cache, users=self.users)

    async def links(self) -> list[tuple[str, str]]:
        """The state of each report and what it links to, without the marker."""
        with self.world.ledger.transaction() as tx:
            found = tx.session.exec(select(StatusReport).order_by(col(StatusReport.id)))
            return [(one.state.value, one.target_url.partition("#")[0]) for one in found]


@contextmanager
def build_rig(world: World, folder: Path, users: tuple[JobUser, ...] = ()) -> Iterator[BuildRig]:
    """A rig around a repository with a page and a lock file, and a credential that pushes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PUSH", TOKEN)
        world.tokens["env:PUSH"] = TOKEN
        made = BuildRig(world, folder, Origin(folder), users)
        made.origin.commit("main", docs__page_md="old", lock="one")
        yield made

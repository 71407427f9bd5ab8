"""Runs an example as its users do: repository, jobs.toml, `reportback submit` and the flow it starts."""

import importlib
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from example_files import EXAMPLES, types_of
from flow_rig import Rig, rig_in
from flow_runs import Run, run_made
from prefect import Flow
from repositories import Origin

import flows
from console.submission.requested_job import Words
from console.submission.submit import Exit, submit
from domain.jobs.job_type import JobType
from domain.jobs.preparation import Preparation

REPOSITORY = "acme/site"
SHA = re.compile(r"\b[0-9a-f]{40}\b")
FLOW_MODULES = ("job_types", "docs_job")


@dataclass(frozen=True, slots=True)
class Shown:
    """What is to be seen of a job that is over: on its commit, in Prefect, of its output and of what it pushed."""

    job_type: str
    run: Run
    states: Sequence[str]
    link: str
    kept: Sequence[str]
    pushed: Sequence[str]

    @property
    def row(self) -> str:
        """Its line in the table."""
        link = SHA.sub("SHA", self.link.replace(str(self.run.id), "JOB"))
        kept = f"{len(self.kept)} files" if self.kept else "-"
        return f"| {self.job_type} | {' → '.join(self.states)} | {link} | {kept} | {', '.join(self.pushed) or '-'} |"


TABLE: list[str] = []
"""A line for each job that was shown."""

HEAD = (
    "| job type | states on the commit | link | output kept | pushed to content |",
    "| --- | --- | --- | --- | --- |",
)


@dataclass
class Example:
    """An installation whose job types are an example's. `origin` is the repository."""

    rig: Rig
    flow: Flow[..., Any]
    origin: Origin
    name: str
    capsys: pytest.CaptureFixture[str]
    types: dict[str, JobType] = field(default_factory=dict)
    is_deployed: bool = False

    async def submitted(self, job_type: str, sha: str, *options: str) -> Shown:
        """Submit a job by `reportback submit`; return what is shown of it in the end."""
        before = self._content()
        (self.rig.folder / "answered").unlink(missing_ok=True)
        held = len(self.rig.github.store.held())
        done = await run_made(self.flow, await self._started(job_type, sha, options))
        statuses = [one for one in self.rig.github.store.held()[held:] if one.sha == sha]
        assert {one.context for one in statuses} == {self.types[job_type].context}
        shown = Shown(
            f"{self.name}: {job_type}",
            done,
            [one.state for one in statuses],
            (statuses[-1].target_url or "").partition("#:~:report=")[0],
            self._kept(done.id),
            self._pushed(before),
        )
        TABLE.append(shown.row)
        return shown

    async def _started(self, job_type: str, sha: str, options: tuple[str, ...]) -> UUID:
        if not self.is_deployed:
            await (await self.flow.ato_deployment("docs-job")).aapply()
            self.is_deployed = True
        self.capsys.readouterr()
        asked = Words(job_type, REPOSITORY, sha, "", "", options, None)
        assert await submit(job_type, words=asked, waits=False) is Exit.SUCCESS
        return UUID(self.capsys.readouterr().out.strip().rpartition("/")[2])

    def _kept(self, run_id: UUID) -> list[str]:
        folder = self.rig.folder / "output" / str(run_id)
        return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())

    def _pushed(self, before: dict[str, str]) -> list[str]:
        """The files of the branch `content` that are new or changed."""
        return sorted(name for name, text in self._content().items() if text != before.get(name))

    def _content(self) -> dict[str, str]:
        return self.origin.files("content") if self.origin.head("content") else {}


def example_in(
    folder: Path, name: str, ledger_url: str, capsys: pytest.CaptureFixture[str], patch: pytest.MonkeyPatch
) -> Example:
    """The example *name* on a rig in *folder*, with a repository that is still empty."""
    jobs_file = EXAMPLES / name / "jobs.toml"
    patch.setenv("REPORTBACK_JOBS_FILE", str(jobs_file))
    flow = _flow_of_now(patch)
    for made_here in ("repository", "scratch"):
        (folder / made_here).mkdir()
    patch.setattr("tempfile.tempdir", str(folder / "scratch"))  # the working copies of failed jobs stay
    origin = Origin(folder / "repository")
    made = Example(rig_in(folder, ledger_url, (origin.url, "0" * 40), patch), flow, origin, name, capsys)
    patch.setenv("REPORTBACK_JOBS_FILE", str(jobs_file))  # a rig clears the settings
    patch.setenv("REPORTBACK_OUTPUT_DIR", str(folder / "output"))
    patch.setenv("REPORTBACK_CACHE_DIR", str(folder / "cache"))
    made.types = {called: _after_pending(job_type, folder) for called, job_type in types_of(name).items()}
    patch.setattr("flows.docs_job.JOB_TYPES", made.types)
    return made


def _flow_of_now(patch: pytest.MonkeyPatch) -> Flow[..., Any]:
    """The flow as a deployment under the settings of now has it: its form is fixed when it is imported."""
    for name in FLOW_MODULES:
        patch.setattr(flows, name, None)  # to have the real ones back afterwards
        patch.delitem(sys.modules, f"flows.{name}")
    flow: Flow[..., Any] = importlib.import_module("flows.docs_job").docs_job
    return flow


def _after_pending(job_type: JobType, folder: Path) -> JobType:
    """*job_type*, made to wait until `pending` is on the commit, which a quick job would overtake."""
    wait = Preparation(command=("sh", "-c", f"until [ -e {folder}/answered ]; do sleep 0.02; done"))
    return job_type.model_copy(update={"prepare": (wait, *job_type.prepare)})

"""Runs flows under Prefect, with the stand-in GitHub in this process, a real ledger and a real commit."""

import os
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, cast
from uuid import UUID

import pytest
from flow_runs import Run, run
from git_host import make_certificate
from ledger_jobs import CREDENTIAL
from prefect.client.schemas.objects import State, TaskRun
from prefect.tasks import Task
from repositories import commit, new_repository
from sqlmodel import SQLModel, col, select
from steps import Step, SteppedTransport, go_on

from domain.delivery.report import Phase
from domain.delivery.target import Target
from domain.jobs.execution import Order
from domain.jobs.jobs_file import parse_job_types
from fake_github.app import FakeGitHub
from fake_github.faults import Fault, Kind
from fake_github.in_process import InProcessTransport
from flows.docs_job import docs_job
from github_api.commit_statuses import CommitStatuses
from github_api.credentials import DEFAULT_CREDENTIAL
from storage.delivery import availability
from storage.ledger import Ledger, open_ledger
from storage.models import Job, StatusReport
from tasks.delivery.reporter import Reporter
from tasks.jobs.accept import commit_page
from tasks.report_status import is_worth_a_retry, report_status

CONTEXT = "docs/sphinx"
TOKEN = "a-token-of-the-team"
JOB_TYPES = """
version = 1

[jobs.sphinx]
command = ["sh", "{script}"]
env = ["A_SECRET"]
timeout = "60s"
[jobs.sphinx.options.processes]
type = "integer"
minimum = 1
maximum = 8
args = ["-j", "{{value}}"]

[jobs.linkcheck]
command = ["sh", "{script}"]
timeout = 1

[jobs.mkdocs]
command = ["no-such-program"]
"""
"""With the names of the jobs.toml beside the flows, which the flow's form allows, and commands of the tests."""


@contextmanager
def prefect_server(folder: Path) -> Iterator[None]:
    """Start a Prefect server for tests, with client settings. *folder* gets the certificates that clients trust."""
    from prefect.testing.utilities import prefect_test_harness  # noqa: PLC0415  # imports Prefect's whole server

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PREFECT_SERVER_ANALYTICS_ENABLED", "false")  # it wants to write while the first flow run does
        # It tries each event of a flow run that is deleted six times, and all other task runs wait behind that. Whole
        # seconds: Prefect takes int() of it, and with 0 its server never rests.
        patch.setenv("PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_FLUSH_INTERVAL", "1")
        patch.setenv("PREFECT_API_TLS_INSECURE_SKIP_VERIFY", "true")  # no client reads all of certifi's
        patch.setenv("SSL_CERT_FILE", str(make_certificate(folder)[0]))  # nor all of the host's: it uses HTTP
        with prefect_test_harness(server_startup_timeout=90):
            yield


@dataclass
class Rig:
    """The environment of a flow: `github` gets its reports, jobs run `script` and check out `sha`."""

    github: FakeGitHub
    folder: Path
    database_url: str
    sha: str
    step: Step = go_on
    """Called before each request to GitHub and after its answer."""
    skipped: timedelta = timedelta(0)

    def job_is(self, script: str, *, after_pending: bool = True) -> None:
        """Set the script of the jobs `sphinx` and `linkcheck`; `{folder}` stands for a folder of the test.

        *after_pending*: wait for the first answer from GitHub, so that `pending` is not overtaken.
        """
        (self.folder / "answered").unlink(missing_ok=True)
        wait = "until [ -e {folder}/answered ]; do sleep 0.02; done; " if after_pending else ""
        (self.folder / "job.sh").write_text((wait + script).replace("{folder}", str(self.folder)), encoding="utf-8")

    def fault(self, kind: Kind, **fields: object) -> None:
        self.github.script.add(Fault.model_validate({"kind": kind, **fields}))

    def target(self, **changes: str) -> dict[str, str]:
        return {"repository": "acme/site", "sha": self.sha, "context": CONTEXT, **changes}

    def held(self) -> list[tuple[str, str]]:
        """State and description of each status at GitHub, oldest first."""
        return [(status.state, status.description or "") for status in self.github.store.held()]

    def states(self) -> list[str]:
        return [state for state, _ in self.held()]

    def noted(self) -> list[str]:
        """The lines that jobs wrote to `{folder}/notes`."""
        notes = self.folder / "notes"
        return notes.read_text(encoding="utf-8").splitlines() if notes.exists() else []

    @property
    def ledger_file(self) -> Path:
        return Path(self.database_url.removeprefix("sqlite:///"))

    async def publish(self, name: str) -> None:
        await self.step(name)
        if name.endswith("answered"):
            (self.folder / "answered").touch()

    def now(self) -> datetime:
        """The clock of ledger and GitHub: this machine's time plus the time skipped."""
        return datetime.now(UTC) + self.skipped

    def ledger_now(self, _: object) -> datetime:
        return self.now()

    async def skip_the_wait(self, task: Task[..., Any], task_run: TaskRun, state: State[Any]) -> bool:
        """The task's retry condition; if it retries, skips the time that Prefect would wait."""
        retries = await is_worth_a_retry(task, task_run, state)
        delays = cast("Sequence[float]", report_status.retry_delay_seconds)  # Prefect has called exponential_backoff
        if retries and task_run.run_count <= len(delays):
            await self.sleep(delays[task_run.run_count - 1])
        return retries

    async def sleep(self, seconds: float) -> None:
        """Skip the time instead of waiting."""
        self.skipped += timedelta(seconds=seconds)

    def posts(self) -> int:
        """The number of POST requests that GitHub has seen."""
        return sum(seen.method == "POST" for seen in self.github.requests.seen)

    async def run_job(self, job: str = "sphinx", **parameters: object) -> Run:
        """Run docs_job in a new flow run. It reports on the rig's commit; with `target=None`, nowhere."""
        given = {"job": job, "target": self.target(), **parameters}
        return await run(docs_job, {name: value for name, value in given.items() if value is not None})

    def order(self, run_id: UUID) -> Order:
        """The order of a flow run of `run_job`."""
        target = Target("acme/site", self.sha, CONTEXT)
        return Order(run_id, "sphinx", {}, None, target, commit_page("http://github.test", target), DEFAULT_CREDENTIAL)

    @asynccontextmanager
    async def ledger(self) -> AsyncIterator[Ledger]:
        async with open_ledger(self.database_url) as opened:
            yield opened

    async def rows(self, table: type[SQLModel]) -> list[Any]:
        """All rows of a table, by key."""
        async with self.ledger() as ledger:
            with ledger.transaction() as tx:
                return list(tx.session.exec(select(table).order_by(*table.__table__.primary_key)))  # type: ignore[attr-defined]  # SQLAlchemy's, on every table

    async def job(self) -> Job:
        """The only job of the ledger."""
        (job,) = await self.rows(Job)
        assert isinstance(job, Job)
        return job

    async def phases(self) -> list[tuple[str, Phase]]:
        """State and phase of each report, in order."""
        async with self.ledger() as ledger:
            with ledger.transaction() as tx:
                reports = tx.session.exec(select(StatusReport).order_by(col(StatusReport.id)))
                return [(one.state.value, availability.phase_of(tx, one.id or 0)) for one in reports]


def rig_in(folder: Path, database_url: str, origin: tuple[str, str], patch: pytest.MonkeyPatch) -> Rig:
    """Make a rig and set its settings for the test; *origin* is a URL to clone and its commit."""
    rig = Rig(FakeGitHub(), folder, database_url, origin[1])
    rig.github = github = FakeGitHub(clock=rig.now)
    for name in [name for name in os.environ if name.startswith("REPORTBACK_")]:
        patch.delenv(name)
    patch.setenv("REPORTBACK_DATABASE_URL", database_url)
    patch.setenv("REPORTBACK_GITHUB_API_URL", "http://github.test")
    patch.setenv("REPORTBACK_ALLOW_HTTP", "true")
    patch.setenv("REPORTBACK_GITHUB_TOKEN", TOKEN)
    patch.setenv(CREDENTIAL.removeprefix("env:"), TOKEN)  # for jobs that are put into the ledger without a flow
    patch.setenv("REPORTBACK_CLONE_URL", origin[0])
    patch.setattr(
        "tasks.delivery.open_reporter.CommitStatuses",
        partial(CommitStatuses, transport=SteppedTransport(InProcessTransport(github), rig.publish)),
    )
    patch.setattr("tasks.delivery.open_reporter.Reporter", partial(Reporter, sleep=rig.sleep))
    patch.setattr("flows.run_settings.make_non_dumpable", lambda: None)  # the process is pytest's
    patch.setattr("storage.ledger._own_clock", lambda _: rig.ledger_now)
    quick = report_status.with_options(retry_delay_seconds=0, retry_condition_fn=rig.skip_the_wait)
    patch.setattr("flows.docs_job.report_status", quick)
    types = parse_job_types(JOB_TYPES.format(script=folder / "job.sh"), "the rig's jobs")
    patch.setattr("flows.docs_job.JOB_TYPES", types)
    rig.job_is("echo built")
    return rig


def make_origin(folder: Path) -> tuple[str, str]:
    """Make a repository with one commit; return its URL and the commit's sha."""
    return folder.as_uri(), commit(new_repository(folder), page_md="a page\n")

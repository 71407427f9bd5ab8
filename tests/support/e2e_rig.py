"""A whole installation: a Prefect server, deployments, process workers, a ledger, a stand-in GitHub, a repository."""

import asyncio
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
from e2e_run import STARTS, Run
from real_processes import ROOT, Worker, start_python, start_worker
from relay import Relay, to_http
from repositories import git, new_repository
from waiting import until

from fake_github.process import StandIn
from fake_github.process import running as github_running
from local import stack
from local.prefect_api import PrefectApi, RunState, prefect_api
from storage.ledger import Ledger, open_ledger

REPOSITORY = "acme/site"
JOBS, RECONCILE = "reportback-jobs", "reportback-reconcile"
INTERVAL = 15
"""Seconds between two reconciliation runs."""

BEAT_OLD = 30
FROM_DEATH_TO_ERROR = BEAT_OLD + INTERVAL + 15
"""Seconds within which a dead job's `error` must be on its commit: heartbeat, an interval, and 15."""

DOCS_JOB, PASSES = "docs-job/docs-job", "reconcile-reports/reconcile-reports"

SECONDS: dict[str, float] = {}
"""How long each commit waited for its outcome, for the table at the end."""


@dataclass(frozen=True, slots=True)
class Rig:
    """A running installation. `env`: environment of the workers; `line`: the relay of all of them to `github`."""

    folder: Path
    logs: Path
    env: Mapping[str, str]
    api_url: str
    repository: str
    github: StandIn
    line: Relay
    prefect: PrefectApi
    ledger: Ledger
    server: "Server"
    reconcilers: "Reconcilers"
    deployment: str = DOCS_JOB

    async def start(
        self, name: str, *, job: str = "told", queue: str | None = None,
        context: str | None = None, sha: str | None = None, deployment: str | None = None,
    ) -> Run:  # fmt: skip
        """Start a job *name* for a new commit."""
        context, sha = context or f"docs/{name}", sha or self.commit(name)
        target = {"repository": self.repository, "sha": sha, "context": context}
        parameters = {"job": job, "options": {"name": name}, "target": target}
        run_id = await self.prefect.start(deployment or self.deployment, parameters, queue=queue)
        return self.run_of(run_id, name, sha, context)

    def run_of(self, run_id: str, name: str, sha: str, context: str) -> Run:
        """The `Run` of a flow run that the test started otherwise."""
        return Run(run_id, name, sha, context, self.folder / "jobs" / name, self.github, self.prefect, self.ledger)

    async def outcome_of(
        self, deployment: str, parameters: Mapping[str, object], *, queue: str | None = None
    ) -> RunState:
        """Run *deployment*; return the final state.

        Starts another one if Prefect gives it up because its database was locked for a minute.
        """
        while True:
            run_id = await self.prefect.start(deployment, parameters, queue=queue)
            ended = await self.prefect.until_over(run_id)
            if not (ended.message or "").startswith("Failed to submit flow run to infrastructure"):
                return ended

    async def shell(self, *words: str) -> str:
        """The output of `prefect` with the arguments *words*."""
        return await _run((sys.executable, "-m", "prefect", *words), self.env)

    def commit(self, message: str) -> str:
        """Make a commit that contains the job; return its sha."""
        git(self.origin, "commit", "--quiet", "--allow-empty", "--message", message)
        return git(self.origin, "rev-parse", "HEAD")

    @property
    def origin(self) -> Path:
        """The repository that the jobs report on."""
        return self.folder / "origin"

    @asynccontextmanager
    async def worker(
        self, queue: str, *, pool: str = JOBS, env: Mapping[str, str] | None = None, options: tuple[str, ...] = (),
        name: str | None = None,
    ) -> AsyncIterator[Worker]:  # fmt: skip
        """Start a worker for *queue* that a test may kill."""
        named = name or queue
        words = ("--name", named, "--work-queue", queue, *options)
        worker = start_worker(self.logs / f"worker-{named}.log", {**self.env, **(env or {})}, pool, *words)
        try:
            await until(worker.polls, within=STARTS, what=f"the worker {named}")
            yield worker
        finally:
            await asyncio.to_thread(worker.stop, within=10)


class Reconcilers:
    """The worker of the reconciliation, which can be replaced."""

    def __init__(self, logs: Path, env: Mapping[str, str]) -> None:
        self._log, self._env = logs / "worker-reconcile.log", env
        self._worker: Worker | None = None

    async def start(self, **more: str) -> Worker:
        """Start one as prefect.yaml says, with *more* variables; wait until it polls."""
        words = ("--name", "reconcile", "--work-queue", "default", "--limit", "2")
        self._worker = start_worker(self._log, {**self._env, **more}, RECONCILE, *words)
        await until(self._worker.polls, within=STARTS, what="the worker of the reconciliation")
        return self._worker

    def kill(self) -> None:
        """Send SIGKILL to it and its reconciliation runs."""
        assert self._worker is not None
        self._worker.kill()

    def at_work(self) -> list[int]:
        """The processes of its reconciliation runs."""
        return self._worker.flows if self._worker else []

    async def stop(self) -> None:
        """SIGTERM, and wait."""
        if self._worker is not None:
            await asyncio.to_thread(self._worker.stop, within=10)


class Server:
    """The Prefect server, which can be restarted."""

    def __init__(self, logs: Path, env: Mapping[str, str], port: int, database: str | None = None) -> None:
        self._log, self._url = logs / "server.log", f"http://127.0.0.1:{port}/api/health"
        own = {"PREFECT_SERVER_DATABASE_CONNECTION_URL": database} if database else {}
        self._env = {**env, **own}
        self._words = (*stack.COMMAND, "server", "--port", str(port))
        self._process: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        """Start it with the data it had."""
        self._process = start_python(self._log, self._env, *self._words)
        async with httpx.AsyncClient(trust_env=False, timeout=5) as client:
            await until(lambda: self._answers(client), within=STARTS, what="the Prefect server")

    async def _answers(self, client: httpx.AsyncClient) -> bool:
        with suppress(httpx.TransportError):
            return (await client.get(self._url)).is_success
        return False

    async def stop(self) -> None:
        """SIGTERM, and wait."""
        if self._process is not None:
            self._process.terminate()
            await asyncio.to_thread(self._process.wait, 30)
        self._process = None


@asynccontextmanager
async def rig_in(
    folder: Path,
    logs: Path,
    *,
    ledger_url: str | None = None,
    server_url: str | None = None,
    more: Mapping[str, str] | None = None,
    github: tuple[str, ...] = (),
) -> AsyncIterator[Rig]:
    """Start an installation in *folder*, with the output of its processes in *logs*; it ends with the block.

    *ledger_url* and *server_url* are the databases of the ledger and of Prefect's server, if not SQLite in *folder*.
    *more* adds to or replaces variables of the processes' environment. *github*: options of the stand-in.
    """
    _make_origin(folder / "origin")
    port = stack.free_port()
    api_url = f"http://127.0.0.1:{port}/api"
    ledger_url = ledger_url or f"sqlite:///{folder / 'ledger.db'}"
    env = {**stack.inherited(), **stack.prefect_settings(folder / "prefect", api_url)}
    async with AsyncExitStack() as up:
        stand_in = await up.enter_async_context(github_running(*github))
        github_url, line = await up.enter_async_context(to_http(stand_in.url))
        env |= {**_settings(folder, github_url, ledger_url), **(more or {})}
        server = Server(logs, env, port, server_url)
        up.push_async_callback(server.stop)
        ledger = await up.enter_async_context(open_ledger(ledger_url))
        await server.start()
        prefect = await up.enter_async_context(prefect_api(api_url, env.get(stack.PASSWORD)))
        reconcilers = Reconcilers(logs, env)
        rig = Rig(folder, logs, env, api_url, REPOSITORY, stand_in, line, prefect, ledger, server, reconcilers)
        await deploy(rig)
        up.push_async_callback(reconcilers.stop)
        await up.enter_async_context(rig.worker("default", name="jobs"))
        await reconcilers.start()
        yield rig


def _settings(folder: Path, github_url: str, ledger_url: str) -> dict[str, str]:
    return {
        **stack.stand_in_settings(ledger_url, github_url, (folder / "origin").as_uri()),
        "REPORTBACK_JOBS_FILE": str(ROOT / "tests" / "e2e" / "jobs" / "jobs.toml"),
        "REPORTBACK_INTERVAL": f"{INTERVAL}s",
        "REPORTBACK_PASS_BUDGET": f"{INTERVAL - 2}s",
        "REPORTBACK_FIRST_DELAY": "2s",
        "REPORTBACK_WRITE_BUDGET": "off",
        "PREFECT_WORKER_QUERY_SECONDS": "2",
        "E2E_FOLDER": str(folder / "jobs"),
    }


async def deploy(rig: Rig) -> None:
    """Deploy as `make deploy` does."""
    await _run((sys.executable, *stack.COMMAND, "deploy"), rig.env)


async def _run(command: tuple[str, ...], env: Mapping[str, str]) -> str:
    process = await asyncio.create_subprocess_exec(
        *command, cwd=ROOT, env=dict(env), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    said = (await process.communicate())[0].decode()
    assert process.returncode == 0, said
    return said


def _make_origin(folder: Path) -> None:
    shutil.copy(ROOT / "tests" / "e2e" / "jobs" / "job.py", new_repository(folder))
    git(folder, "add", "job.py")

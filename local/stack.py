"""Starts and ends a Prefect server and the deployments. No process outlives the one that started it."""

import asyncio
import os
import socket
import stat
import sys
import tempfile
from collections import deque
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import httpx

from tasks.process.command import Finished, run_command

ROOT = Path(__file__).resolve().parent.parent
START = timedelta(seconds=90)
"""How long a server may take to answer; on a slow disk its first start makes a database."""
FOR_EVER = timedelta(days=3650)
PASSWORD, SERVERS_PASSWORD = "PREFECT_API_AUTH_STRING", "PREFECT_SERVER_API_AUTH_STRING"
COMMAND = ("-c", "import cli; cli.main()")
"""The `reportback` command, for this Python."""


class NotStarted(RuntimeError):
    """A process did not start; the message ends with its last output."""


@dataclass(frozen=True, slots=True)
class Stack:
    """A Prefect server at `api_url` (its UI at `ui_url`), and processes that serve the deployments."""

    api_url: str
    processes: tuple["Process", ...]

    @property
    def ui_url(self) -> str:
        """The address of the server's UI."""
        return self.api_url.removesuffix("/api")

    async def until_one_ends(self) -> str:
        """Wait until a process ends, which none should; returns its name and last output."""
        await asyncio.wait({one.command for one in self.processes}, return_when=asyncio.FIRST_COMPLETED)
        return next(f"{one.name} ended: {one.last_output}" for one in self.processes if one.command.done())


@asynccontextmanager
async def prefect_server(
    home: Path, *, port: int = 0, password: str | None = None, tmp: Path | None = None
) -> AsyncIterator[tuple["Process", str, dict[str, str]]]:
    """A Prefect server as in `running`: its process, the address of its API, and the environment that names it."""
    await asyncio.to_thread(home.mkdir, mode=0o700, parents=True, exist_ok=True)
    port = port or free_port()
    api_url = f"http://127.0.0.1:{port}/api"
    asked_for = dict.fromkeys((SERVERS_PASSWORD, PASSWORD), password) if password else {}
    folder = {"TMPDIR": str(tmp)} if tmp else {}
    own = {"TMPDIR": str(tmp or temporary_folder())}
    env = {**own, **inherited(), **folder, **prefect_settings(home, api_url), **asked_for}
    server = (*COMMAND, "server", "--port", str(port))
    async with _process("the Prefect server", server, env, ready=f"{api_url}/health") as process:
        yield process, api_url, env


@asynccontextmanager
async def running(
    home: Path, settings: Mapping[str, str], *,
    port: int = 0, password: str | None = None, tmp: Path | None = None,
) -> AsyncIterator[Stack]:  # fmt: skip
    """A Prefect server on *port* (0: a free one) that keeps its data in *home*, and the deployments with *settings*.

    *password* is what the server asks for, as "user:password"; None: it asks for none. *tmp* is where
    all of them, and the jobs, keep temporary files; None: where `temporary_folder` says.

    *home* is created if needed: Prefect creates its own folder, but none above it.

    The reconciliation has a separate process: it must never wait behind long jobs.

    Raises:
        NotStarted: one of them did not start.
    """
    async with (
        prefect_server(home, port=port, password=password, tmp=tmp) as (one, api_url, env),
        AsyncExitStack() as more,
    ):
        served, deployed = {**env, **settings}, f"{api_url}/deployments/name"
        jobs = _process("serving jobs", ("-m", "local.serve", "jobs"), served, ready=f"{deployed}/docs-job/docs-job")
        reports = _process(
            "serving reports", ("-m", "local.serve", "reports"), served, ready=f"{deployed}/retry-reports/retry-reports"
        )
        others = await asyncio.gather(more.enter_async_context(jobs), more.enter_async_context(reports))
        yield Stack(api_url, (one, *others))


def free_port() -> int:
    """A free port of this machine."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def is_free(port: int) -> bool:
    """Whether *port* of this machine is free."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def temporary_folder() -> Path:
    """This user's own TMPDIR for Prefect, whose folder `runner_storage` in it only the first user could write to.

    Jobs of other users may pass through it, and not list it.

    Raises:
        NotStarted: it belongs to another user.
    """
    folder = Path(tempfile.gettempdir()) / f"reportback-{os.geteuid()}"
    folder.mkdir(exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        raise NotStarted(f"{folder} is not this user's: remove it, or set TMPDIR to a folder of your own")
    folder.chmod(0o711)
    return folder


@contextmanager
def temporary_files() -> Iterator[Path]:
    """A TMPDIR for one run, removed at the end with all in it, also what is kept there of failed jobs."""
    with tempfile.TemporaryDirectory(prefix="reportback-tmp-", ignore_cleanup_errors=True) as made:
        folder = Path(made)
        folder.chmod(0o711)  # jobs of other users may pass through it, and not list it
        yield folder


def inherited() -> dict[str, str]:
    """Our environment without settings of another Prefect server, which must not receive our flow runs."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}


def prefect_settings(home: Path, api_url: str) -> dict[str, str]:
    """Settings for using only the server at *api_url*, with Prefect's data in *home*."""
    return {
        "PREFECT_HOME": str(home),
        "PREFECT_API_URL": api_url,
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        "PREFECT_CLI_PROMPT": "false",
        "PREFECT_RUNNER_POLL_FREQUENCY": "1",
        "PREFECT_LOGGING_COLORS": "false",
    }


def stand_in_settings(ledger_url: str, github_url: str, clone_url: str) -> dict[str, str]:
    """Settings for reporting to a stand-in GitHub only, whatever our environment names."""
    return {
        "REPORTBACK_DATABASE_URL": ledger_url,
        "REPORTBACK_GITHUB_API_URL": github_url,
        "REPORTBACK_GITHUB_TOKEN": "a-token-for-the-stand-in",
        "REPORTBACK_LEDGER_ID": "",
        "REPORTBACK_CREDENTIALS": "{}",
        "REPORTBACK_CLONE_URL": clone_url,
    }


@dataclass(frozen=True, slots=True)
class Process:
    """A started process. `last` holds its last lines of output."""

    name: str
    command: asyncio.Task[Finished]
    last: deque[str]

    @property
    def last_output(self) -> str:
        """Its last lines in one."""
        return " | ".join(self.last) or "no output"


@asynccontextmanager
async def _process(
    name: str, arguments: tuple[str, ...], env: Mapping[str, str], *, ready: str
) -> AsyncIterator[Process]:
    """Run a Python process; at the end it and all its descendants are ended. It is ready when *ready* answers 200."""
    last: deque[str] = deque(maxlen=5)
    command = asyncio.create_task(
        run_command((sys.executable, *arguments), cwd=ROOT, env=env, timeout=FOR_EVER, on_line=last.append)
    )
    process = Process(name, command, last)
    try:
        await _until_ready(process, ready, env.get(PASSWORD))
        yield process
    finally:
        command.cancel()
        await asyncio.wait({command})


async def _until_ready(process: Process, url: str, password: str | None) -> None:
    async with httpx.AsyncClient(trust_env=False, timeout=5, auth=basic(password)) as client:
        try:
            async with asyncio.timeout(START.total_seconds()):
                while not await _answers(client, url):
                    if process.command.done():
                        raise NotStarted(f"{process.name} ended at once: {process.last_output}")
                    await asyncio.sleep(0.2)
        except TimeoutError:
            words = f"{process.name} did not answer within {START.seconds} s: {process.last_output}"
            raise NotStarted(words) from None


def basic(password: str | None) -> httpx.BasicAuth | None:
    """HTTP basic authentication with *password*, as "user:password"."""
    return httpx.BasicAuth(*password.split(":", 1)) if password else None


async def _answers(client: httpx.AsyncClient, url: str) -> bool:
    try:
        async with client.stream("GET", url) as answer:  # the body is not read
            return answer.is_success
    except httpx.TransportError:
        return False

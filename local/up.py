"""The command `reportback up`: runs everything on this machine, to try Reportback or for a small team."""

import os
import secrets
import subprocess
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from rich.console import Console

from console.terminal import stdout_console
from domain.operations.status_page import address
from fake_github.process import running as github_running
from local import stack
from settings import state_folder

PORT = 4200
"""Where a Prefect server usually is."""

REAL = ("REPORTBACK_GITHUB_TOKEN", "REPORTBACK_CREDENTIALS")
"""With one of these set, statuses go to GitHub."""

JOB_USER = "REPORTBACK_JOB_USER"


async def up() -> None:
    """Run a Prefect server, the deployments and, without a token, a stand-in GitHub on this machine until Ctrl-C.

    Raises:
        NotStarted: a process did not start, or has ended.
    """
    console = stdout_console()
    with tempfile.TemporaryDirectory(prefix="reportback-up-") as folder:
        async with _github(Path(folder), console) as (home, settings):
            console.print("Starting a Prefect server and the deployments ...")
            kept = None if settings else _kept_password(home)
            password = kept.read_text(encoding="utf-8").strip() if kept else None
            async with stack.running(
                home, settings, port=PORT if stack.is_free(PORT) else 0, password=password
            ) as local:
                _explain(console, local, kept)
                raise stack.NotStarted(await local.until_one_ends())


@asynccontextmanager
async def _github(folder: Path, console: Console) -> AsyncIterator[tuple[Path, dict[str, str]]]:
    """Where Prefect keeps its data, and the settings: the real GitHub's if a token is configured, else a stand-in's."""
    if any(os.environ.get(name) for name in REAL):
        console.print("[bold]GitHub[/]      the real one: a token is configured")
        yield state_folder() / "prefect", {}
        return
    async with github_running() as github:
        console.print(f"[bold]GitHub[/]      a stand-in at {github.url} (set {REAL[0]} for the real one)")
        ledger_url = f"sqlite:///{folder / 'ledger.db'}"
        yield folder / "prefect", stack.stand_in_settings(ledger_url, github.url, stack.ROOT.as_uri())


def _kept_password(home: Path) -> Path:
    """The file with the server's password, created once: without it, any process here could use the token."""
    path = home / "api-password"
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(f"reportback:{secrets.token_urlsafe(24)}\n", encoding="utf-8")
    return path


def _explain(console: Console, local: stack.Stack, password: Path | None) -> None:
    if not os.environ.get(JOB_USER):
        console.print(
            "[bold yellow]Jobs[/]        run as you, and can read what you can: start trusted ones only, or set "
            f"{JOB_USER} (SECURITY.md)"
        )
    login = ""
    if password:
        console.print(f"[bold]Password[/]    what {password} holds; the UI asks for it")
        login = f'{stack.PASSWORD}="$(cat {password})" '
    console.print(
        f"[bold]Prefect[/]     {local.ui_url}\n"
        f"[bold]Undelivered[/] {address(local.ui_url)}\n\n"
        f"Start a job in the UI: {local.ui_url}/deployments, docs-job, Run. Or from another shell, in this folder:\n\n"
        f"  {login}PREFECT_API_URL={local.api_url} .venv/bin/reportback submit sphinx \\\n"
        f"      --repo acme/site --sha {_head()} --wait\n\n"
        "The reconciliation runs by itself. Ctrl-C ends everything."
    )


def _head() -> str:
    """This checkout's commit, as an example."""
    command = ("git", "-C", str(stack.ROOT), "rev-parse", "HEAD")
    found = subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603  # our own words
    return found.stdout.strip() or "0" * 40

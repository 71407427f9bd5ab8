"""Everything on this machine until Ctrl-C: for trying Reportback, or running it for a small team."""

import os
import subprocess
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from rich.console import Console

from fake_github.process import running as github_running
from local import stack
from settings import state_folder
from tasks.non_dumpable import make_non_dumpable

PORT = 4200
"""Where a Prefect server usually is."""

REAL = ("REPORTBACK_GITHUB_TOKEN", "REPORTBACK_CREDENTIALS")
"""With one of these set, statuses go to GitHub."""

JOB_USER = "REPORTBACK_JOB_USER"


async def up() -> None:
    """Run it until this is cancelled.

    Raises:
        NotStarted: a part of it did not come up, or came to its end.
    """
    make_non_dumpable()  # a job must not read the token here
    console = Console()
    with tempfile.TemporaryDirectory(prefix="reportback-up-") as folder:
        async with _github(Path(folder), console) as (home, settings):
            console.print("Starting a Prefect server and the deployments ...")
            async with stack.running(home, settings, port=_port()) as local:
                _explain(console, local)
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
        yield (
            folder / "prefect",
            {
                "REPORTBACK_DATABASE_URL": f"sqlite:///{folder / 'ledger.db'}",
                "REPORTBACK_GITHUB_API_URL": github.url,
                "REPORTBACK_GITHUB_TOKEN": "a-token-for-the-stand-in",
                "REPORTBACK_LEDGER_ID": "",
                "REPORTBACK_CLONE_URL": stack.ROOT.as_uri(),
            },
        )


def _port() -> int:
    return PORT if stack.is_free(PORT) else 0


def _explain(console: Console, local: stack.Stack) -> None:
    if not os.environ.get(JOB_USER):
        console.print(
            "[bold yellow]Jobs[/]        run as you, and can read what you can: start trusted ones only, or set "
            f"{JOB_USER} (SECURITY.md)",
            highlight=False,
            soft_wrap=True,
        )
    console.print(
        f"[bold]Prefect[/]     {local.ui_url}\n\n"
        f"Start a job in the UI: {local.ui_url}/deployments, docs-job, Run. Or from another shell, in this folder:\n\n"
        f"  PREFECT_API_URL={local.api_url} .venv/bin/reportback submit sphinx \\\n"
        f"      --repo acme/site --sha {_head()} --wait\n\n"
        "The reconciliation runs by itself. Ctrl-C ends everything.",
        highlight=False,
        soft_wrap=True,
    )


def _head() -> str:
    """This checkout's commit, as an example."""
    command = ("git", "-C", str(stack.ROOT), "rev-parse", "HEAD")
    found = subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603  # our own words
    return found.stdout.strip() or "0" * 40

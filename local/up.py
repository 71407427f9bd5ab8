"""The command `reportback up`: runs everything on this machine, to try Reportback or for a small team."""

import os
import secrets
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from pathlib import Path

from rich.console import Console

from console.arguments import Folder
from console.terminal import plain, stdout_console
from domain.operations.status_page import address
from fake_github.process import running as github_running
from local import stack
from local.stand_in_app import make_app
from local.up_plan import REAL, Plan, plan_of
from settings import state_folder

PORT = 4200
"""Where a Prefect server usually is."""

JOB_USER = "REPORTBACK_JOB_USER"


async def up(*, repo: Folder | None = None, check_runs: bool = False) -> None:
    """Run a Prefect server, the deployments and, without a token, a stand-in GitHub on this machine until Ctrl-C.

    Prints a command that starts a job for the repository.

    Args:
        repo: A git repository on this machine with a jobs.toml of its own; `reportback init` writes one.
        check_runs: Report to the stand-in as a GitHub App does, by check runs.

    Raises:
        ValueError: a setting, the repository or its jobs.toml cannot be used, or *check_runs* is asked of the real
            GitHub.
        NotStarted: a process did not start, or has ended.
    """
    console, plan = stdout_console(), plan_of(repo)
    if check_runs and plan.is_real:
        raise ValueError(
            "--check-runs is for the stand-in: on GitHub, reports are check runs where the credential is an App "
            "(docs/github-app.md)"
        )
    with (
        tempfile.TemporaryDirectory(prefix="reportback-up-") as folder,
        nullcontext() if plan.is_real else stack.temporary_files() as tmp,
    ):
        async with _github(Path(folder), plan, console, check_runs=check_runs) as (home, settings, github_url):
            console.print("Starting a Prefect server and the deployments ...")
            kept = _kept_password(home) if plan.is_real else None
            password = kept.read_text(encoding="utf-8").strip() if kept else None
            async with stack.running(
                home, settings, port=PORT if stack.is_free(PORT) else 0, password=password, tmp=tmp
            ) as local:
                explain(console, plan, local, kept, github_url)
                raise stack.NotStarted(await local.until_one_ends())


@asynccontextmanager
async def _github(
    folder: Path, plan: Plan, console: Console, *, check_runs: bool
) -> AsyncIterator[tuple[Path, dict[str, str], str | None]]:
    """Where Prefect keeps its data, the flows' settings, and the stand-in's address; None: GitHub is the real one."""
    if plan.is_real:
        console.print("[bold]GitHub[/]      the real one: a token is configured")
        yield state_folder() / "prefect", plan.settings, None
        return
    app = make_app(folder, plan.example.repository.partition("/")[0]) if check_runs else None
    async with github_running(*(("--apps", str(app.file)) if app else ())) as github:
        console.print(f"[bold]GitHub[/]      a stand-in at {github.url} (set {REAL[0]} for the real one)")
        ledger_url = f"sqlite:///{folder / 'ledger.db'}"
        settings = stack.stand_in_settings(ledger_url, github.url, plan.clone_url)
        yield folder / "prefect", {**settings, **(app.settings if app else {}), **plan.settings}, github.url


def _kept_password(home: Path) -> Path:
    """The file with the server's password, created once: without it, any process here could use the token."""
    path = home / "api-password"
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(f"reportback:{secrets.token_urlsafe(24)}\n", encoding="utf-8")
    return path


def explain(
    console: Console, plan: Plan, local: stack.Stack, password: Path | None = None, github_url: str | None = None
) -> None:
    """Print where everything is, and a command that starts a job."""
    if not os.environ.get(JOB_USER):
        console.print(
            "[bold yellow]Jobs[/]        run as you, and can read what you can: start trusted ones only, or set "
            f"{JOB_USER} (SECURITY.md)"
        )
    variables = {"PREFECT_API_URL": local.api_url}
    if password:
        console.print(f"[bold]Password[/]    what {password} holds; the UI asks for it")
        variables = {stack.PASSWORD: f'"$(cat {password})"', **variables}
    facts = {
        "Prefect": local.ui_url,
        "Undelivered": address(local.ui_url),
        "Repository": plan.example.words,
        "Job types": f"{', '.join(plan.types)} (of {plan.jobs_file}; start this anew after a change)",
    }
    for name, fact in facts.items():
        console.print(f"[bold]{name}[/]{' ' * (12 - len(name))}", plain(fact), sep="")
    console.print("\nStart a job, from any folder in another shell:\n")
    console.print(f"  {plan.command(variables)}\n", markup=False)
    if github_url and plan.example.is_known:
        console.print(f"Its commit: {github_url}/{plan.example.repository}/commit/{plan.example.sha}")
    console.print(
        f"Or start one in the UI: {local.ui_url}/deployments, docs-job, Run.\n"
        "The reconciliation runs by itself. Ctrl-C ends everything."
    )

"""The `reportback` command: its subcommands by the functions that they are, and how each is run."""

import ast
import inspect
import signal
import sys
from collections.abc import Coroutine
from datetime import timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any

from cyclopts import App, CycloptsError, Group, Parameter

from domain.text import readable
from github_api.certificates import check_named
from tasks.process.kernel import make_non_dumpable

REFUSED = 2
"""The exit code of a command that was not understood, or whose settings or files are wrong: nothing was done."""
INTERRUPTED = 130
WHEN_INTERRUPTED = {
    "submit": "Interrupted; a job that was started goes on.",
    "import_old": "Interrupted; import again to finish.",
}
"""The last line of an interrupted command, by its function. All others: everything that was started has ended."""

FIRST, START, OPERATE, MAINTAIN, OPTIONS = (
    Group(name, sort_key=number)
    for number, name in enumerate(("Try it", "Jobs", "Operate", "Install and maintain", "Options"), start=1)
)
EXAMPLES = {
    "init": ("init --repo ~/handbook", "init --repo ~/handbook --command 'make html'"),
    "up": ("up --repo ~/handbook",),
    "submit": (
        "submit sphinx --repo acme/site --sha main --wait",
        "submit sphinx --repo acme/site --sha 3f2a91c -o language=de",
    ),
    "list_types": ("jobs list", "jobs list ~/handbook/jobs.toml --json"),
    "check_types": ("jobs check ~/handbook/jobs.toml",),
    "run_type": ("jobs run sphinx --repo ~/handbook", "jobs run sphinx --repo ~/handbook -o language=de"),
    "retry_jobs": ("jobs retry --state lost --since 2h --dry-run",),
    "list_reports": ("reports list --undelivered", "reports list --rejected --repo acme/site --since 2d"),
    "show": ("reports show 17",),
    "retry": ("reports retry 17", "reports retry --reason archived --repo acme/site --dry-run"),
    "list_runs": ("runs list --late", "runs list --never-started --exit-code"),
    "doctor": ("doctor", "doctor --repo acme/site --json"),
    "drain": ("drain --timeout 30m",),
    "metrics": ("metrics", "metrics --serve 127.0.0.1:9100"),
    "move_ledger": ("db move --to postgresql://reportback@db/reportback",),
}
"""Calls that a command's help shows, by its function."""


def _shown(default: object) -> object:
    """A default as the help shows it; None: nothing, as for what is off or empty."""
    if isinstance(default, timedelta):
        return f"{default.total_seconds() / 60:g}m"
    return default or None


app = App(
    name="reportback",
    help="Every docs job's outcome on its commit, exactly once.",
    version=lambda: version("reportback"),
    version_format="plaintext",  # without it Cyclopts loads Markdown to print it
    default_parameter=Parameter(negative=(), show_default=_shown),
    help_epilogue="`reportback COMMAND --help` has examples. Exit codes: 0 success, 1 no, 2 refused, 3 out of reach.",
)
app.register_install_completion_command()
for flag in ("--help", "--version", "--install-completion"):
    app[flag].group = (OPTIONS,)
db = App(name="db", group=MAINTAIN, help="Maintain the ledger.")
app.command(db)
app.command(
    "console.credentials:app",
    name="credentials",
    help="Show the state of each credential, and end its pauses.",
    group=OPERATE,
)
app.command(
    "console.github_app.create:app",
    name="app",
    group=MAINTAIN,
    help="Make a GitHub App to report, check out and push as.",
)
reports = App(name="reports", help="List reports, delivered or not, and retry them.", group=OPERATE)
app.command(reports)
runs = App(
    name="runs", help="List flow runs of docs jobs: those that wait, and those that never started.", group=OPERATE
)
app.command(runs)
jobs = App(
    name="jobs", help="List, check and try job types; have jobs that ended without success executed again.", group=START
)
app.command(jobs)


def _command(parent: App, path: str, name: str | None = None, *, group: Group | None = None) -> None:
    """Add the function at *path*, which is imported when it is called; `--help` of *parent* shows its docstring."""
    module, _, function = path.partition(":")
    source = Path(__file__).parent / f"{module.replace('.', '/')}.py"
    found = (node for node in ast.parse(source.read_bytes()).body if getattr(node, "name", None) == function)
    help_text = ast.get_docstring(next(found))  # type: ignore[arg-type]  # a function, by its name
    examples = "\n".join(f"    reportback {words}" for words in EXAMPLES.get(function, ()))
    epilogue = f"Examples:\n\n{examples}" if examples else None
    more: dict[str, Any] = {} if group is None else {"group": group}
    parent.command(path, name=name, help=help_text, help_epilogue=epilogue, **more)


_command(app, "demo.main:demo", group=FIRST)
_command(app, "console.job_types.init:init", group=FIRST)
_command(app, "local.up:up", group=FIRST)
_command(app, "local.guarded_server:server", group=MAINTAIN)
_command(app, "local.deploy:deploy", group=MAINTAIN)
_command(app, "local.drain:drain", group=MAINTAIN)
_command(app, "local.drain:resume", group=MAINTAIN)
_command(app, "console.submission.submit:submit", group=START)
_command(db, "console.ledger:upgrade")
_command(db, "console.ledger:print_id", "id")
_command(db, "console.ledger:after_restore")
_command(db, "console.ledger:move_ledger", "move")
_command(reports, "console.list:list_reports", "list")
_command(reports, "console.show:show")
_command(reports, "console.retry:retry")
_command(runs, "console.runs:list_runs", "list")
_command(jobs, "console.job_types.listing:list_types", "list")
_command(jobs, "console.job_types.listing:check_types", "check")
_command(jobs, "console.job_types.listing:print_schema", "schema")
_command(jobs, "console.job_types.run_type:run_type", "run")
_command(jobs, "console.jobs:retry_jobs", "retry")
_command(app, "console.reconcile:reconcile_now", "reconcile", group=OPERATE)
_command(app, "console.legacy_import.import_old:import_old", "import", group=MAINTAIN)
_command(app, "console.metrics:metrics", group=OPERATE)
_command(app, "console.doctor:doctor", group=OPERATE)


def called() -> object:
    """Run the command of this process's arguments; returns its exit code."""
    try:
        command, given, _ = app.parse_args(sys.argv[1:], exit_on_error=False, print_error=False)
    except CycloptsError as error:
        from console.refusals.wrong_call import words_of_call  # noqa: PLC0415  # only when something is wrong

        sys.stderr.write(f"reportback: {readable(words_of_call(error))}\n")
        return REFUSED
    result = command(*given.args, **given.kwargs)
    return run(result, command.__name__) if inspect.iscoroutine(result) else result


def run(work: Coroutine[Any, Any, int | None], name: str = "") -> int:
    """Run *work*; Ctrl-C and SIGTERM cancel it, which ends all processes that it started here."""
    import asyncio  # noqa: PLC0415  # --help and --version need it not

    try:
        return asyncio.run(_cancellable(work)) or 0
    except (KeyboardInterrupt, asyncio.CancelledError):
        words = WHEN_INTERRUPTED.get(name, "Interrupted; everything that was started has ended.")
        sys.stderr.write(f"\n{words}\n")
        return INTERRUPTED


async def _cancellable(work: Coroutine[Any, Any, int | None]) -> int | None:
    import asyncio  # noqa: PLC0415

    task = asyncio.ensure_future(work)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, task.cancel)
    return await task


def main() -> None:
    """Entry point: prints a user error as one line on stderr, without a traceback."""
    make_non_dumpable()  # whatever the command is: a job must not read the token here
    try:
        check_named()
        sys.exit(called())  # type: ignore[arg-type]  # an exit code
    except Exception as error:
        from console.problems import words_of  # noqa: PLC0415  # knows all errors: slow to import

        if (known := words_of(error)) is None:
            raise
    words, code = known
    sys.stderr.write("".join(f"reportback: {readable(line)}\n" for line in words.splitlines()))
    sys.exit(code)

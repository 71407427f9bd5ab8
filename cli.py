"""The `reportback` command: its subcommands, options and help texts."""

import asyncio
import signal
import sys
from collections.abc import Coroutine, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

from cyclopts import App, Parameter, Token, convert
from cyclopts.validators import Number
from pydantic import ValidationError

from domain.delivery.outcome import Reason

INTERRUPTED = 130


def _given(kind: Any, tokens: Sequence[Token]) -> object:  # noqa: ANN401  # whatever an option takes
    """The given value. By default Cyclopts converts "none" to None, which would silently lift a filter."""
    return convert(kind, tokens)


GIVEN = Parameter(converter=_given)
OfJob = Annotated[UUID | None, GIVEN]
OfReason = Annotated[Reason | None, GIVEN]
Since = Annotated[timedelta | datetime | None, GIVEN]
Json = Annotated[bool, Parameter(name="--json")]


app = App(
    name="reportback",
    help="Every docs job's outcome on its commit, exactly once.",
    default_parameter=Parameter(negative=()),
)
app.register_install_completion_command()
db = App(name="db", help="Maintain the ledger.")
accounts = App(name="credentials", help="Show the state of each credential, and end its pauses.")
reports = App(name="reports", help="List reports, delivered or not, and retry them.")
app.command(db)
app.command(accounts)
app.command(reports)


@app.command
def demo() -> int:
    """Run four docs jobs for this project's commit against a failing stand-in GitHub, and check their statuses."""
    from demo.main import demo as play  # noqa: PLC0415  # each command loads what it needs

    return _run(play())


@app.command
def up() -> int:
    """Run a Prefect server, the deployments and, without a token, a stand-in GitHub on this machine until Ctrl-C."""
    from local.up import up as stay_up  # noqa: PLC0415  # each command loads what it needs

    return _run(stay_up())


@app.command
def server(*, host: str = "127.0.0.1", port: int = 4200) -> int:
    """Run a Prefect server on this machine that refuses requests from other sites' pages. Prefect's settings apply.

    PREFECT_SERVER_API_AUTH_STRING=user:password makes it require a password; PREFECT_UI_API_URL names its address
    behind a proxy.

    Args:
        host: The address to listen on.
        port: The port to listen on.
    """
    from local.guarded_server import serve  # noqa: PLC0415  # each command loads what it needs

    return serve(host, port)


@app.command
def deploy() -> int:
    """Create or update the deployments of this checkout on the Prefect server that PREFECT_API_URL names."""
    from local.deploy import deploy as make_deployments  # noqa: PLC0415  # each command loads what it needs

    return _run(make_deployments())


@app.command
def drain(*pools: str, timeout: timedelta = timedelta(minutes=10)) -> int:
    """Pause the work pools and wait until none of their flow runs is running: before stopping workers or an upgrade.

    Args:
        pools: Names of work pools; without any, both of Reportback's.
        timeout: How long to wait, such as 90s, 10m or 2h. Exits with 1 if a flow run is still running then.
    """
    from local.drain import drain as drain_pools  # noqa: PLC0415  # each command loads what it needs
    from local.work_pools import POOLS  # noqa: PLC0415  # the same

    return _run(drain_pools(pools or POOLS, timeout))


@app.command
def resume(*pools: str) -> int:
    """Let the workers of the work pools start flow runs again, after `drain`.

    Args:
        pools: Names of work pools; without any, both of Reportback's.
    """
    from local.drain import resume as resume_pools  # noqa: PLC0415  # each command loads what it needs
    from local.work_pools import POOLS  # noqa: PLC0415  # the same

    return _run(resume_pools(pools or POOLS))


@app.command
def submit(
    job_type: Annotated[str, Parameter(name="TYPE")],
    /,
    *,
    repo: Annotated[str | None, Parameter(alias="--repository")] = None,
    sha: str | None = None,
    context: str = "",
    url: str = "",
    option: Annotated[tuple[str, ...], Parameter(alias="-o")] = (),
    key: str | None = None,
    wait: bool = False,
) -> int:
    """Start a docs job for a commit, and print the address of its page.

    In GitHub Actions the commit is that of the workflow's event, and a repeated trigger starts nothing twice. Exits
    with 0 for success, 1 for failure, 2 for an error or a refused request, 3 if a server could not be reached.

    Args:
        job_type: What to run: a job type of jobs.toml.
        repo: Where to report, as owner/name.
        sha: The commit to run for and to report on: a hash, also abbreviated, a branch or a tag.
        context: The name under which the outcome shows on the commit, instead of the job type's.
        url: Where the outcome links to, instead of the default.
        option: An option of the job type, as name=value; can be given several times.
        key: Requests with the same key start one job. In GitHub Actions it is set automatically.
        wait: Wait until the job has ended and is reported; the exit code is then the job's.
    """
    from console.submission.requested_job import Words  # noqa: PLC0415  # each command loads what it needs
    from console.submission.submit import submit as submit_job  # noqa: PLC0415  # the same

    words = Words(job_type, repo, sha, context, url, option, key)
    return _run(submit_job(words, waits=wait), interrupted="Interrupted; a job that was started goes on.")


@db.command
def upgrade() -> int:
    """Upgrade the ledger to this version's schema. An SQLite ledger is upgraded automatically."""
    from local.ledger import upgrade as upgrade_ledger  # noqa: PLC0415  # each command loads what it needs

    return _run(upgrade_ledger())


@db.command(name="id")
def identity() -> int:
    """Print the ledger's id. Each deployment holds it, and its flows refuse any other ledger."""
    from local.ledger import print_id  # noqa: PLC0415  # each command loads what it needs

    return _run(print_id())


@db.command
def after_restore() -> int:
    """After restoring a backup, with everything stopped: look each report up on GitHub before it is sent."""
    from local.ledger import after_restore as prepare_ledger  # noqa: PLC0415  # each command loads what it needs

    return _run(prepare_ledger())


@db.command
def move(*, to: str) -> int:
    """Move the ledger to another database, from SQLite to PostgreSQL or back, with everything stopped.

    The old one is kept, marked as moved and refused from then on. Exits with 1 if nothing was moved.

    Args:
        to: The new, empty database, as sqlite:////absolute/path or postgresql://user@host/name. Without a password:
            set PGPASSWORD.
    """
    from console.move import move_ledger  # noqa: PLC0415  # each command loads what it needs

    return _run(move_ledger(to))


@reports.command(name="list")
def list_reports(
    *,
    undelivered: bool = False,
    rejected: bool = False,
    repository: str | None = None,
    reason: OfReason = None,
    job: OfJob = None,
    since: Since = None,
    limit: Annotated[int, Parameter(validator=Number(gte=1))] = 100,
    json: Json = False,
    exit_code: bool = False,
) -> int:
    """List reports, the newest first; with --undelivered or --rejected only those, the oldest first.

    Args:
        undelivered: Only reports that are not on GitHub and will be retried.
        rejected: Only reports that GitHub refuses, until a person retries them.
        repository: Only of this repository, as owner/name.
        reason: Only what was rejected for this reason.
        job: Only of the docs-job flow run with this id.
        since: Only what was recorded since then: a time, UTC unless it says otherwise, or a span such as 2h or 3d.
        limit: How many to list at most. A note on stderr says if there are more.
        json: Print a JSON array, for programs.
        exit_code: Exit with 1 if anything is listed.
    """
    from console.list import list_reports as list_them  # noqa: PLC0415  # the same
    from console.report_filter import ReportFilter  # noqa: PLC0415  # each command loads what it needs
    from storage.operations.listing import Wanted  # noqa: PLC0415  # the same

    wanted = [kind for kind, is_asked in ((Wanted.UNDELIVERED, undelivered), (Wanted.REJECTED, rejected)) if is_asked]
    asked = ReportFilter((), job, repository, reason, since)
    return _run(list_them(asked, wanted, limit=limit, as_json=json, fails_if_any=exit_code))


@reports.command
def show(report: int | UUID, *, json: Json = False) -> int:
    """Show the history of a report: each attempt, GitHub's answers, what happens next, and what to do.

    Args:
        report: Its number, or the id of a docs-job flow run for all of its reports.
        json: Print a JSON array, for programs.
    """
    from console.show import show as show_report  # noqa: PLC0415  # each command loads what it needs

    return _run(show_report(report, as_json=json))


@reports.command
def retry(
    *ids: int,
    repository: str | None = None,
    reason: OfReason = None,
    job: OfJob = None,
    since: Since = None,
    dry_run: bool = False,
    yes: Annotated[bool, Parameter(alias="-y")] = False,
) -> int:
    """Reopen rejected reports whose cause is gone, and deliver them and what is merely due, now.

    All given options must match. The history of each report records the user of this shell, as information, not
    authentication. Exits with 1 if some are still undelivered, with 2 if nothing was tried.

    Args:
        ids: Numbers of reports.
        repository: Only of this repository, as owner/name.
        reason: Only what was rejected for this reason.
        job: Only of the docs-job flow run with this id.
        since: Only what was recorded since then: a time, UTC unless it says otherwise, or a span such as 2h or 3d.
        dry_run: List what would be retried, and retry nothing.
        yes: Do not ask before retrying more than 10.
    """
    from console.report_filter import ReportFilter  # noqa: PLC0415  # each command loads what it needs
    from console.retry import retry as retry_reports  # noqa: PLC0415  # the same

    return _run(retry_reports(ReportFilter(ids, job, repository, reason, since), is_dry_run=dry_run, is_sure=yes))


@accounts.default
def credentials(*, json: Json = False) -> int:
    """Show the state of each credential: pauses, GitHub's rate limit, requests against the write budget.

    Args:
        json: Print a JSON array, for programs.
    """
    from console.credentials import credentials as publish  # noqa: PLC0415  # each command loads what it needs

    return _run(publish(as_json=json))


@accounts.command(name="resume")
def resume_credential(name: str, /) -> int:
    """End all pauses of a credential now: GitHub's limit is known to be over, or the refused token is valid again.

    A renewed token needs no command. If GitHub still refuses, the credential is paused anew. A line on stderr names
    the user, as information, not authentication.

    Args:
        name: As `reportback credentials` lists it, such as env:REPORTBACK_GITHUB_TOKEN.
    """
    from console.credentials import resume as end_pauses  # noqa: PLC0415  # each command loads what it needs

    return _run(end_pauses(name))


@app.command
def reconcile() -> int:
    """Run the reconciliation once, now, without Prefect: for when its scheduler is down.

    Delivers what is due and ends lost jobs. A report whose token is in a Secret block of Prefect waits for Prefect.
    Exits with 1 if something is still undelivered.
    """
    from console.reconcile import reconcile_now  # noqa: PLC0415  # each command loads what it needs

    return _run(reconcile_now())


@app.command(name="import")
def import_old(folder: Path, /, *, dry_run: bool = False, json: Json = False) -> int:
    """Import the outcomes that the previous system has not reported: the newest of each commit and context.

    Reads the *.json files in FOLDER, one job each or a list of them, and changes none. A finished and unreported job
    becomes an undelivered report; all others are listed with the reason. A second import adds nothing twice. Exits with
    1 if a file has an error, with 2 if there is no such folder.

    Args:
        folder: The folder with the previous system's job files.
        dry_run: List what would be imported, and change nothing.
        json: Print a JSON array, for programs.
    """
    from console.legacy_import.import_old import import_old as take_over  # noqa: PLC0415  # each command loads what it needs

    return _run(take_over(folder, is_dry_run=dry_run, as_json=json), interrupted="Interrupted; import again to finish.")


@app.command
def metrics(*, serve: str | None = None) -> int:
    """Print the metrics in Prometheus format, or serve them.

    Args:
        serve: Listen on HOST:PORT until Ctrl-C. There is no log-in: use 127.0.0.1 unless the network is trusted.
    """
    from console.metrics import print_metrics, serve_metrics  # noqa: PLC0415  # each command loads what it needs

    return _run(serve_metrics(serve) if serve is not None else print_metrics())


@app.command
def doctor(*, repository: str | None = None, json: Json = False) -> int:
    """Check everything that Reportback depends on, and say what to do about each problem. Exits with 1 if any.

    Args:
        repository: As owner/name: also check whether its credential may write there. Nothing is written.
        json: Print a JSON array, for programs.
    """
    from console.doctor import doctor as run_checks  # noqa: PLC0415  # each command loads what it needs

    return _run(run_checks(repository, as_json=json))


def _run(
    work: Coroutine[Any, Any, int | None], *, interrupted: str = "Interrupted; everything that was started has ended."
) -> int:
    """Run *work*; Ctrl-C and SIGTERM cancel it, which ends all processes that it started here."""
    try:
        return asyncio.run(_cancellable(work)) or 0
    except (KeyboardInterrupt, asyncio.CancelledError):
        sys.stderr.write(f"\n{interrupted}\n")
        return INTERRUPTED


async def _cancellable(work: Coroutine[Any, Any, int | None]) -> int | None:
    task = asyncio.ensure_future(work)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, task.cancel)
    return await task


def main() -> None:
    """Entry point: prints a user error as one line on stderr, without a traceback."""
    from console.problems import problems  # noqa: PLC0415  # each command loads what it needs
    from domain.text import readable  # noqa: PLC0415  # the same
    from github_api.certificates import check_named  # noqa: PLC0415  # the same
    from local.stack import NotStarted  # noqa: PLC0415  # the same
    from storage.identity import WrongLedger  # noqa: PLC0415  # the same
    from storage.ledger import LedgerUnavailable, NotUpgraded  # noqa: PLC0415  # the same
    from tasks.process.hide_from_jobs import make_non_dumpable  # noqa: PLC0415  # the same

    make_non_dumpable()  # whatever the command is: a job must not read the token here
    try:
        check_named()
        sys.exit(app())
    except ValidationError as error:
        words = "\n            ".join(problems(error))
    except (NotStarted, NotUpgraded, WrongLedger, LedgerUnavailable, ValueError) as error:
        words = str(error)
    sys.exit(f"reportback: {readable(words)}")

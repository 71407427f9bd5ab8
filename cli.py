"""The `reportback` command."""

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
    """The value that was given. Left to itself, Cyclopts takes "none" for None, and so would lift a filter silently."""
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
db = App(name="db", help="Look after the ledger.")
accounts = App(name="credentials", help="See what each credential stands at, and end its pauses.")
reports = App(name="reports", help="See what is on GitHub and what is not, and have it tried again.")
app.command(db)
app.command(accounts)
app.command(reports)


@app.command
def demo() -> int:
    """Run four docs jobs for this project's commit, GitHub failing on the way, and check what it holds in the end."""
    from demo.main import demo as play  # noqa: PLC0415  # each command loads what it needs

    return _run(play())


@app.command
def up() -> int:
    """Run a Prefect server, the deployments and, without a token, a stand-in GitHub on this machine until Ctrl-C."""
    from local.up import up as stay_up  # noqa: PLC0415  # each command loads what it needs

    return _run(stay_up())


@app.command
def server(*, host: str = "127.0.0.1", port: int = 4200) -> int:
    """Run a Prefect server on this machine that pages of other sites cannot ask; Prefect's own settings hold.

    PREFECT_SERVER_API_AUTH_STRING=user:password makes it ask for a password; PREFECT_UI_API_URL names the address at
    which a proxy shows it.

    Args:
        host: The address to listen on.
        port: The port to listen on.
    """
    from local.guarded_server import serve  # noqa: PLC0415  # each command loads what it needs

    return serve(host, port)


@app.command
def deploy() -> int:
    """Make the deployments of this checkout on the Prefect server that PREFECT_API_URL names."""
    from local.deploy import deploy as make_deployments  # noqa: PLC0415  # each command loads what it needs

    return _run(make_deployments())


@app.command
def drain(*pools: str, timeout: timedelta = timedelta(minutes=10)) -> int:
    """Pause the work pools and wait until nothing of them runs: before their workers are stopped, or an upgrade.

    Args:
        pools: Names of work pools; without any, both of Reportback's.
        timeout: How long to wait, such as 90s, 10m or 2h. What still runs then makes the exit code 1.
    """
    from local.drain import drain as drain_pools  # noqa: PLC0415  # each command loads what it needs
    from local.work_pools import POOLS  # noqa: PLC0415  # the same

    return _run(drain_pools(pools or POOLS, timeout))


@app.command
def resume(*pools: str) -> int:
    """Let the workers of the work pools take on flow runs again, after `drain`.

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

    In GitHub Actions the commit is the one that the workflow is about, and a trigger that comes twice starts nothing
    twice. Exits with 0 for success, 1 for failure, 2 for an error or what was refused, 3 if nobody could be reached.

    Args:
        job_type: What to run: a job type of jobs.toml.
        repo: Where to report, as owner/name.
        sha: The commit to run for and to report on; or a branch, a tag or an abbreviated hash, as GitHub knows it.
        context: Under which name the outcome shows on the commit, unless the job type's own.
        url: Where the outcome links to, unless the job says so.
        option: An option of the job type, as name=value; can be given several times.
        key: What makes two requests one. In GitHub Actions it comes of itself.
        wait: Wait until the job is over and reported; the exit code is then the job's.
    """
    from console.submission.asked_job import Words  # noqa: PLC0415  # each command loads what it needs
    from console.submission.submit import submit as submit_job  # noqa: PLC0415  # the same

    words = Words(job_type, repo, sha, context, url, option, key)
    return _run(submit_job(words, waits=wait), interrupted="Interrupted; a job that was started goes on.")


@db.command
def upgrade() -> int:
    """Bring the ledger to this version's schema. The embedded one does so by itself."""
    from local.ledger import upgrade as upgrade_ledger  # noqa: PLC0415  # each command loads what it needs

    return _run(upgrade_ledger())


@db.command(name="id")
def identity() -> int:
    """Print the ledger's id. Each deployment carries it, and a flow refuses every other ledger."""
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

    The old one stays as it is, marked: it is refused from then on. Exits with 1 if nothing was moved.

    Args:
        to: Where to, as sqlite:////absolute/path or postgresql://user@host/name: an empty database. No password: set
            PGPASSWORD.
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
        undelivered: Only what is not on GitHub and will be tried again.
        rejected: Only what GitHub refuses, until a person retries it.
        repository: Only of this repository, as owner/name.
        reason: Only what was rejected for this reason.
        job: Only of the docs-job flow run with this id.
        since: Only what was recorded since then: a time, UTC unless it says otherwise, or a span such as 2h or 3d.
        limit: How many to list at the most. What is left out is said on stderr.
        json: Print a JSON array, for programs.
        exit_code: Exit with 1 if anything is listed.
    """
    from console.asked import Asked  # noqa: PLC0415  # each command loads what it needs
    from console.list import list_reports as list_them  # noqa: PLC0415  # the same
    from storage.operations.listing import Wanted  # noqa: PLC0415  # the same

    wanted = [kind for kind, is_asked in ((Wanted.UNDELIVERED, undelivered), (Wanted.REJECTED, rejected)) if is_asked]
    asked = Asked((), job, repository, reason, since)
    return _run(list_them(asked, wanted, limit=limit, as_json=json, fails_if_any=exit_code))


@reports.command
def show(report: int | UUID, *, json: Json = False) -> int:
    """Tell the whole story of a report: who tried when, what GitHub answered, what happens next, what to do.

    Args:
        report: Its number, or the id of a docs-job flow run for each of its reports.
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

    All that is given must hold. The story of each report names the user of this shell: a note for colleagues, not an
    authentication. Exits with 1 if some are still undelivered, with 2 if nothing was tried.

    Args:
        ids: Numbers of reports.
        repository: Only of this repository, as owner/name.
        reason: Only what was rejected for this reason.
        job: Only of the docs-job flow run with this id.
        since: Only what was recorded since then: a time, UTC unless it says otherwise, or a span such as 2h or 3d.
        dry_run: List what would be tried, and try nothing.
        yes: Do not ask before more than 10 are tried.
    """
    from console.asked import Asked  # noqa: PLC0415  # each command loads what it needs
    from console.retry import retry as retry_reports  # noqa: PLC0415  # the same

    return _run(retry_reports(Asked(ids, job, repository, reason, since), is_dry_run=dry_run, is_sure=yes))


@accounts.default
def credentials(*, json: Json = False) -> int:
    """Tell what each credential stands at: pause, GitHub's rate limit, requests against the write budget.

    Args:
        json: Print a JSON array, for programs.
    """
    from console.credentials import credentials as publish  # noqa: PLC0415  # each command loads what it needs

    return _run(publish(as_json=json))


@accounts.command(name="resume")
def resume_credential(name: str, /) -> int:
    """End every pause of a credential now: GitHub's limit is known to be over, or the refused token is good again.

    A token that was renewed needs no command. If GitHub still says stop, the credential pauses anew. Who did it is a
    line on stderr: a note for colleagues, not an authentication.

    Args:
        name: As `reportback credentials` lists it, such as env:REPORTBACK_GITHUB_TOKEN.
    """
    from console.credentials import resume as end_pauses  # noqa: PLC0415  # each command loads what it needs

    return _run(end_pauses(name))


@app.command
def reconcile() -> int:
    """Do one pass of the reconciliation here and now, without Prefect: for a day when its scheduler is dead.

    Delivers what is due and ends lost jobs. A report whose token is in a Secret block of Prefect waits for Prefect.
    Exits with 1 if something is left.
    """
    from console.reconcile import reconcile_now  # noqa: PLC0415  # each command loads what it needs

    return _run(reconcile_now())


@app.command(name="import")
def import_old(folder: Path, /, *, dry_run: bool = False, json: Json = False) -> int:
    """Take over what the system before this one still owes: of each commit and context the newest outcome.

    Reads the *.json files in FOLDER, one job each or a list of them, and changes none. What was finished and not
    reported becomes an undelivered report; all else is listed with why. Imported again, nothing comes twice. Exits with
    1 if something is to be put right, with 2 if there is no such folder.

    Args:
        folder: Where the old system kept its jobs.
        dry_run: Tell what would be taken over, and change nothing.
        json: Print a JSON array, for programs.
    """
    from console.legacy_import.import_old import import_old as take_over  # noqa: PLC0415  # each command loads what it needs

    return _run(take_over(folder, is_dry_run=dry_run, as_json=json), interrupted="Interrupted; import again to finish.")


@app.command
def metrics(*, serve: str | None = None) -> int:
    """Print the metrics as Prometheus reads them, or serve them.

    Args:
        serve: Where to listen until Ctrl-C, as HOST:PORT. There is no log-in: 127.0.0.1, unless the network is yours.
    """
    from console.metrics import print_metrics, serve_metrics  # noqa: PLC0415  # each command loads what it needs

    return _run(serve_metrics(serve) if serve is not None else print_metrics())


@app.command
def doctor(*, repository: str | None = None, json: Json = False) -> int:
    """Look at everything Reportback stands on; of each, say that it is ok or what to do. Exits with 1 if any is wrong.

    Args:
        repository: As owner/name: also ask GitHub whether its credential may write there. Nothing is written.
        json: Print a JSON array, for programs.
    """
    from console.doctor import doctor as look  # noqa: PLC0415  # each command loads what it needs

    return _run(look(repository, as_json=json))


def _run(
    work: Coroutine[Any, Any, int | None], *, interrupted: str = "Interrupted; everything that was started is gone."
) -> int:
    """Run *work* to its end; Ctrl-C and SIGTERM cancel it, and what it started here ends with it."""
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
    """Entry point: a mistake of the user's is one line on stderr, not a traceback."""
    from console.problems import problems  # noqa: PLC0415  # each command loads what it needs
    from domain.text import readable  # noqa: PLC0415  # the same
    from github_api.certificates import check_named  # noqa: PLC0415  # the same
    from local.stack import NotStarted  # noqa: PLC0415  # the same
    from storage.engine import LedgerUnavailable, NotUpgraded  # noqa: PLC0415  # the same
    from storage.identity import WrongLedger  # noqa: PLC0415  # the same
    from tasks.process.hardening import make_non_dumpable  # noqa: PLC0415  # the same

    make_non_dumpable()  # whatever the command is: a job must not read the token here
    try:
        check_named()
        sys.exit(app())
    except ValidationError as error:
        words = "\n            ".join(problems(error))
    except (NotStarted, NotUpgraded, WrongLedger, LedgerUnavailable, ValueError) as error:
        words = str(error)
    sys.exit(f"reportback: {readable(words)}")

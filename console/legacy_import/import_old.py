"""The command `reportback import`."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.table import Table

from console.arguments import DryRun, Json
from console.ledger import os_user
from console.legacy_import.old_jobs import found_in
from console.legacy_import.take_over import Disposition, Verdict, chosen, take_over
from console.progress import CommandProgress
from console.reporter import open_reporter
from console.terminal import plain, results, say, table, write_json
from domain.jobs.job_states import shown_as
from domain.jobs.run_names import SHORT_SHA
from settings import Settings

REFUSED = 2


async def import_old(folder: Path, /, *, is_dry_run: DryRun = False, as_json: Json = False) -> int:
    """Import the outcomes that the previous system has not reported: the newest of each commit and context.

    Reads the *.json files in FOLDER, one job each or a list of them, and changes none. A finished and unreported job
    becomes an undelivered report; all others are listed with the reason. A second import adds nothing twice. Exits with
    1 if a file has an error, with 2 if there is no such folder.

    Args:
        folder: The folder with the previous system's job files.
        is_dry_run: List what would be imported, and change nothing.
        as_json: Print a JSON array, for programs.
    """
    try:
        jobs, with_token = found_in(folder)
    except OSError as error:
        say(f"reportback: {folder}: {error.strerror}")
        return REFUSED
    verdicts = await _import_all(chosen(jobs), Settings(), is_dry_run=is_dry_run)
    if as_json:
        write_json([fields(one, with_token) for one in verdicts])
    else:
        _print(verdicts, folder, is_dry_run=is_dry_run)
    if with_token:
        say("These files hold a token. Revoke it on GitHub, then delete the file; the token was not stored:")
    for name in with_token:
        say(str(folder / name))
    return int(not verdicts or any(one.what is Disposition.BAD for one in verdicts))


async def _import_all(verdicts: Sequence[Verdict], settings: Settings, *, is_dry_run: bool) -> list[Verdict]:
    """The verdicts, with the results of importing; what is to be done comes first."""
    imported = []
    async with open_reporter(settings, actor=f"import by {os_user()}") as reporter:
        with CommandProgress("importing", total=len(verdicts)) as progress:
            for one in verdicts:
                is_queued = one.what is Disposition.QUEUED
                imported.append(
                    await take_over(reporter, one.job, settings, is_dry_run=is_dry_run) if is_queued else one
                )
                progress.step()
    return sorted(imported, key=lambda one: (list(Disposition).index(one.what), one.job.file, one.job.id))


def _print(verdicts: Sequence[Verdict], folder: Path, *, is_dry_run: bool) -> None:
    out = results()
    if not verdicts:
        out.print(plain(f"No job in {folder}: there is no *.json, or it is empty."))
        return
    out.print(rows(verdicts))
    count = sum(one.what is Disposition.QUEUED for one in verdicts)
    said = f"Reports due now: {count}. The next reconciliation run, or `reportback reconcile`, delivers them."
    out.print(plain(f"Reports that would be due: {count}. Nothing was changed." if is_dry_run else said))


def rows(verdicts: Sequence[Verdict]) -> Table:
    """The jobs as a table."""
    made = table("file", "job", "commit", "state", "what", "why")
    for one in verdicts:
        job, target = one.job, one.job.target
        about = f"{target.repository} {target.sha[:SHORT_SHA]} {target.context}" if target else ""
        state = shown_as(job.state) if job.state else ""
        made.add_row(*map(plain, (job.file, job.id, about, state, one.what.replace("_", " "), one.why)))
    return made


def fields(one: Verdict, with_token: Sequence[str]) -> Mapping[str, object]:
    """A job for `--json`. Names stay; more may be added."""
    job, target = one.job, one.job.target
    return {
        "file": job.file, "old_job": job.id or None, "job": job.job_id,
        "repository": target.repository if target else None, "sha": target.sha if target else None,
        "context": target.context if target else None, "state": shown_as(job.state) if job.state else None,
        "ended_at": job.ended_at, "what": one.what, "why": one.why, "token_in_file": job.file in with_token,
    }  # fmt: skip

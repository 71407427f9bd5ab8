"""The command `reportback import`."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rich.table import Table

from console.arguments import DryRun, Json
from console.legacy_import.old_files import Found, found_in
from console.person import os_user
from console.progress import CommandProgress
from console.reporter import open_reporter
from console.terminal import plain, results, stderr_console, table, write_json
from domain.jobs.job_states import shown_as
from domain.jobs.run_names import SHORT_SHA
from domain.legacy_import.old_jobs import OldJob
from domain.legacy_import.takeover import Disposition, Verdict, chosen
from github_api.credentials import NoCredential
from settings import Settings
from storage.maintenance.legacy_import import Result, preview, take_over
from tasks.delivery.open_reporter import credential_of
from tasks.delivery.reporter import Reporter
from tasks.jobs.accept import commit_page

REFUSED = 2


@dataclass(frozen=True, slots=True)
class Line:
    """A row of the result: a job or, without one, a file that has none."""

    file: str
    job: OldJob | None
    what: Disposition
    why: str


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
        found = found_in(folder)
    except OSError as error:
        stderr_console().print(plain(f"reportback: {folder}: {error.strerror}"))
        return REFUSED
    lines = _lines(found, await _import_all(chosen(found.jobs), Settings(), is_dry_run=is_dry_run))
    if as_json:
        write_json([fields(line, found.with_token) for line in lines])
    else:
        _print(lines, folder, is_dry_run=is_dry_run)
    _warn(found.with_token, folder)
    return int(not lines or any(line.what is Disposition.BAD for line in lines))


async def _import_all(verdicts: Sequence[Verdict], settings: Settings, *, is_dry_run: bool) -> list[Verdict]:
    """The verdicts, with the results of importing."""
    async with open_reporter(settings, actor=f"import by {os_user()}") as reporter:
        with CommandProgress("importing", total=len(verdicts)) as progress:
            imported = []
            for verdict in verdicts:
                is_queued = verdict.what is Disposition.QUEUED
                imported.append(
                    await _import_one(reporter, verdict, settings, is_dry_run=is_dry_run) if is_queued else verdict
                )
                progress.step()
    return imported


async def _import_one(reporter: Reporter, verdict: Verdict, settings: Settings, *, is_dry_run: bool) -> Verdict:
    try:
        result = await _import_job(reporter, verdict.job, settings, is_dry_run=is_dry_run)
    except NoCredential as error:
        return replace(verdict, what=Disposition.BAD, why=str(error))
    return replace(verdict, what=result.what, why=result.why)


async def _import_job(reporter: Reporter, job: OldJob, settings: Settings, *, is_dry_run: bool) -> Result:
    assert job.target is not None  # it is owed a report
    credential = credential_of(job.target.repository, settings)
    url = job.url or commit_page(str(settings.github_api_url), job.target)
    if is_dry_run:
        async with reporter.ledger.reading() as session:
            return await preview(session, job, kept_since=await reporter.ledger.clock(session) - settings.keep)
    async with reporter.ledger.transaction() as session:
        now = await reporter.ledger.clock(session)
        return await take_over(
            session, job, url=url, credential=credential, kept_since=now - settings.keep, actor=reporter.actor, now=now
        )


def _lines(found: Found, verdicts: Sequence[Verdict]) -> list[Line]:
    """Each file and job, in the order of `Disposition`."""
    lines = [Line(one.job.file, one.job, one.what, one.why) for one in verdicts]
    lines += [Line(file, None, Disposition.BAD, why) for file, why in found.unreadable.items()]
    order = list(Disposition)
    return sorted(lines, key=lambda line: (order.index(line.what), line.file, line.job.id if line.job else ""))


def _print(lines: Sequence[Line], folder: Path, *, is_dry_run: bool) -> None:
    out = results()
    if not lines:
        out.print(plain(f"No job in {folder}: there is no *.json, or it is empty."))
        return
    out.print(rows(lines))
    count = Counter(line.what for line in lines)[Disposition.QUEUED]
    said = f"Reports due now: {count}. The next reconciliation run, or `reportback reconcile`, delivers them."
    out.print(plain(f"Reports that would be due: {count}. Nothing was changed." if is_dry_run else said))


def rows(lines: Sequence[Line]) -> Table:
    """The jobs as a table."""
    made = table("file", "job", "commit", "state", "what", "why")
    for line in lines:
        job = line.job
        about = (
            f"{job.target.repository} {job.target.sha[:SHORT_SHA]} {job.target.context}" if job and job.target else ""
        )
        cells = (line.file, job.id if job else "", about, _state(job) or "", line.what.replace("_", " "), line.why)
        made.add_row(*map(plain, cells))
    return made


def _state(job: OldJob | None) -> str | None:
    return shown_as(job.state) if job and job.state else None


def fields(line: Line, with_token: Sequence[str]) -> Mapping[str, object]:
    """A job for `--json`. Names stay; more may be added."""
    job = line.job
    target = job.target if job else None
    return {
        "file": line.file, "old_job": job.id if job else None, "job": job.job_id if job else None,
        "repository": target.repository if target else None, "sha": target.sha if target else None,
        "context": target.context if target else None, "state": _state(job),
        "ended_at": job.ended_at if job else None,
        "what": line.what, "why": line.why, "token_in_file": line.file in with_token,
    }  # fmt: skip


def _warn(with_token: Sequence[str], folder: Path) -> None:
    if not with_token:
        return
    say = stderr_console()
    say.print(plain("These files hold a token. Revoke it on GitHub, then delete the file; the token was not stored:"))
    for name in with_token:
        say.print(plain(folder / name))

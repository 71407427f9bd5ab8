"""The command `reportback import`: records outcomes of old jobs as undelivered reports: each once, none over another.

Only a target of which the ledger knows nothing gets one: clocks of two systems give no order. An imported job has no
`host`, as no process of ours ran it; its `started_at` is when it was requested.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from sqlmodel import select

from console.arguments import DryRun, Json
from console.ledger import os_user
from console.legacy_import.old_jobs import OldJob, found_in
from console.progress import CommandProgress
from console.reporter import open_reporter
from console.terminal import plain, results, say, table, write_json
from domain.jobs.job_states import shown_as
from domain.jobs.run_names import SHORT_SHA
from domain.text import clean
from github_api.credentials import NoCredential
from settings import Settings
from storage.delivery import credentials
from storage.delivery.turns import take_turn
from storage.jobs import jobs as job_rows
from storage.models import Job
from storage.transaction import Transaction
from tasks.delivery.open_reporter import credential_of, surface_of
from tasks.delivery.reporter import Reporter
from tasks.jobs.accept import commit_page

REFUSED = 2


class Disposition(StrEnum):
    """Dispositions of an old job."""

    QUEUED = "queued"  # its outcome is an undelivered report
    KNOWN = "known"  # it was imported before
    NEWER = "newer"  # a newer job supersedes it, or may
    UNFINISHED = "unfinished"  # it has no outcome
    REPORTED = "reported"  # the old system reported it
    NO_TARGET = "no_target"  # it has no target
    BAD = "bad"  # a field, a file, or the settings must be corrected first


@dataclass(frozen=True, slots=True)
class Verdict:
    """The disposition of `job`, and why."""

    job: OldJob
    what: Disposition
    why: str = ""


def chosen(found: Sequence[OldJob]) -> list[Verdict]:
    """The verdict on each job, from the files alone; `QUEUED`: to be imported.

    Ordered by their times, which were all written by the old system's clock.
    """
    newest = {job.target.key: job for job in sorted(found, key=_age) if job.target}
    return [_verdict(job, newest[job.target.key] if job.target else job) for job in found]


def _age(job: OldJob) -> tuple[datetime, bool, bool, str, str]:
    """Sort key; of two copies of one job, the more complete one comes last."""
    return job.created_at, bool(job.is_reported), job.state is not None, job.id, job.file


def _verdict(job: OldJob, newest: OldJob) -> Verdict:
    if job.problem:
        return Verdict(job, Disposition.BAD, job.problem)
    if newest is not job:
        may = "may supersede" if newest.problem else "supersedes"
        return Verdict(job, Disposition.NEWER, f"{newest.id} in {newest.file} {may} it")
    if job.target is None:
        return Verdict(job, Disposition.NO_TARGET, "it reports nowhere")
    if job.is_reported:
        return Verdict(job, Disposition.REPORTED, "the old system has reported it")
    if job.state is None:
        return Verdict(job, Disposition.UNFINISHED, "it was not finished: start it again")
    return Verdict(job, Disposition.QUEUED)


async def take_over(reporter: Reporter, old: OldJob, settings: Settings, *, is_dry_run: bool) -> Verdict:
    """Record the outcome of *old*, which has ended and has a target, as a report due now; once for each job."""
    assert old.target is not None  # it is owed a report
    try:
        credential = credential_of(old.target.repository, settings)
        surface = surface_of(old.target.repository, credential, settings)
    except NoCredential as error:
        return Verdict(old, Disposition.BAD, str(error))
    url = (old.github and old.github.url) or commit_page(str(settings.github_api_url), old.target)

    def record(tx: Transaction) -> Verdict:
        if old.created_at <= tx.now - settings.keep:
            why = "something newer may have been forgotten: it is older than REPORTBACK_KEEP"
            return Verdict(old, Disposition.NEWER, why)
        credentials.ensure(tx, credential)  # before the target's row is locked
        made = _first_of_its_target(tx, old, url)
        if isinstance(made, Job):
            job_rows.report(tx, made, old.summary, credential=credential, surface=surface)
        if is_dry_run or not isinstance(made, Job):
            tx.session.rollback()
        return Verdict(old, Disposition.QUEUED) if isinstance(made, Job) else made

    return await reporter.ledger.write(record)


def _first_of_its_target(tx: Transaction, old: OldJob, url: str) -> Job | Verdict:
    """The new row of *old*, if it is the first of its target."""
    assert old.target and old.state and old.job_id and old.ended_at  # it is over, and reports
    target_id, turn, _ = take_turn(tx, old.target)
    if turn > 1:
        if tx.session.exec(select(Job.number).where(Job.id == old.job_id)).first():
            return Verdict(old, Disposition.KNOWN, "imported before")
        return Verdict(old, Disposition.NEWER, "the ledger has a job of this commit and context")
    ended_at = min(old.ended_at, tx.now)
    job = Job(
        id=old.job_id, type=old.type, target_id=target_id, url=url, turn=turn, state=old.state, beat_at=ended_at,
        started_at=old.created_at, ended_at=ended_at, summary=clean(old.summary)[:500],
    )  # fmt: skip
    tx.session.add(job)
    tx.session.flush()
    return job


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
    made = table("file", "job", "commit", "state", "what", "why")
    for one in verdicts:
        job, target = one.job, one.job.target
        about = f"{target.repository} {target.sha[:SHORT_SHA]} {target.context}" if target else ""
        state = shown_as(job.state) if job.state else ""
        made.add_row(*map(plain, (job.file, job.id, about, state, one.what.replace("_", " "), one.why)))
    out.print(made)
    count = sum(one.what is Disposition.QUEUED for one in verdicts)
    said = f"Reports due now: {count}. The next reconciliation run, or `reportback reconcile`, delivers them."
    out.print(plain(f"Reports that would be due: {count}. Nothing was changed." if is_dry_run else said))


def fields(one: Verdict, with_token: Sequence[str]) -> Mapping[str, object]:
    """A job for `--json`. Names stay; more may be added."""
    job, target = one.job, one.job.target
    return {
        "file": job.file, "old_job": job.id or None, "job": job.job_id,
        "repository": target.repository if target else None, "sha": target.sha if target else None,
        "context": target.context if target else None, "state": shown_as(job.state) if job.state else None,
        "ended_at": job.ended_at, "what": one.what, "why": one.why, "token_in_file": job.file in with_token,
    }  # fmt: skip

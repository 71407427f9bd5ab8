"""The specification of one execution, and its result."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from domain.annotation import Annotation
from domain.delivery.outcome import NotSent
from domain.delivery.report import RecordedReport
from domain.jobs.execution import NO_SIBLINGS, Execution, Order, Siblings
from domain.jobs.hidden_values import hidden_values
from domain.jobs.job_states import JobState
from domain.jobs.job_type import JobType
from domain.jobs.target_request import TargetRequest
from domain.jobs.templates import filled_url
from domain.output.findings import Finding
from github_api.apps import Permissions
from github_api.credentials import NoCredential
from settings import Settings
from storage.ledger import Ledger
from tasks.delivery.app_tokens import NotMinted
from tasks.delivery.reporter import Reporter
from tasks.jobs.build_cache import BuildCache
from tasks.jobs.keep_output import Outputs
from tasks.process.disk_space import temporary_folder
from tasks.process.users import JobUser

WAITS = (1.0, 2.0, 4.0)
"""Seconds between tries to have a token made for an App."""


@dataclass(frozen=True, slots=True)
class Work:
    """One execution and what it runs.

    `clone_url` is None without a target: it runs in an empty folder then. `outputs`, `cache`: where they are kept, if
    at all. `output_url`: what a success links to; None: the same as every other state. `users`: the pool of job users,
    of which it gets one for itself; empty: our own user. `ca_file`: the certificates that git trusts. `since`: the
    commit that its own is compared with; empty: none.
    """

    execution: Execution
    order: Order
    job_type: JobType
    clone_url: str | None
    outputs: Outputs | None = None
    cache: BuildCache | None = None
    output_url: str | None = None
    users: tuple[JobUser, ...] = ()
    ca_file: Path | None = None
    since: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """What a command said of places in files, fit to be public.

    `findings`: all of it, in its order. `ordered`: each once, the most important first. Of these, `annotations` are
    shown at lines of the commit's files, and `rest` are the others.
    """

    findings: tuple[Finding, ...] = ()
    annotations: tuple[Annotation, ...] = ()
    rest: tuple[Finding, ...] = ()
    ordered: tuple[Finding, ...] = ()


NOTHING_FOUND = Found()


@dataclass(frozen=True, slots=True)
class ExecutionResult:
    """The result of an execution, yet to be stored. `summary` may be public. `url`: what it links to instead.

    `is_skipped`: there was nothing to do.
    """

    state: JobState
    summary: str
    exit_code: int | None = None
    url: str | None = None
    found: Found = NOTHING_FOUND
    is_skipped: bool = False


CANCELLED = ExecutionResult(JobState.CANCELLED, "cancelled")


@dataclass(frozen=True, slots=True)
class EndedExecution:
    """A stored result, with what its command found.

    `report` is that of its outcome, or None without a target. `siblings`: what it covers.
    """

    state: JobState
    summary: str
    report: RecordedReport | None
    siblings: Siblings = NO_SIBLINGS
    found: Found = field(default=NOTHING_FOUND, repr=False)  # Prefect logs the result of a failed task

    @property
    def words(self) -> str:
        """Its summary, and which outcome with other options covers which."""
        return "; ".join(filter(None, (self.summary, self.siblings.words)))


def folders_of_a_job(ledger: Ledger, work: Work) -> list[Path]:
    """The folders on whose disks a job writes: working copies, an embedded ledger, and what its type keeps.

    Raises:
        NoSpace: there is no folder for working copies.
    """
    folders = [temporary_folder()]
    if ledger.engine.dialect.name == "sqlite":
        folders.append(Path(ledger.place).parent)
    if work.outputs and work.job_type.output:
        folders.append(work.outputs.folder)
    if work.cache and any(step.cache for step in work.job_type.prepare):
        folders.append(work.cache.folder)
    return folders


def work_of(
    execution: Execution, order: Order, job_type: JobType, wanted: TargetRequest | None, settings: Settings
) -> Work:
    """The work for *order*. A link in the request takes precedence over the job type's."""
    target, url = order.target, None
    if target and wanted and job_type.output_url and not wanted.url:
        url = filled_url(job_type.output_url, job=order.flow_run_id, job_type=job_type.name, target=target)
    return Work(
        execution,
        order,
        job_type,
        settings.clone_url.format(repository=target.repository) if target else None,
        outputs_of(settings),
        BuildCache(settings.cache_dir, settings.cache_size),
        url,
        ca_file=settings.ca_file,
        since=wanted.since.lower() if wanted else "",
    )


def outputs_of(settings: Settings) -> Outputs:
    """Where outputs are kept here, and for how long."""
    return Outputs(settings.output_dir, settings.keep_outputs, settings.keep_outputs_for)


async def secrets_of(reporter: Reporter, work: Work, found: str | NoCredential | None) -> Sequence[str]:
    """What must not show in anything the job prints: its variables, and the secrets used for it. Raises TooShort."""
    push, environ = work.job_type.push, os.environ
    pushes = await _secret(reporter, push.credential) if push else None
    reports = await _secret(reporter, work.order.credential)
    seen = {name: environ[name] for name in work.job_type.env if name in environ}
    return [*filter(None, (usable(found), reports, pushes)), *hidden_values(seen)]


async def token_of(
    reporter: Reporter, credential: str, repository: str, permissions: Permissions
) -> str | NoCredential | None:
    """A credential's token, or why there is none: a public repository is fetched without; a push reports the reason.

    Where GitHub cannot be reached for an App's token, it is asked again for some seconds.
    """
    for wait in (*WAITS, None):
        try:
            return (await reporter.token_of(credential, repository, permissions)).value if credential else None
        except NoCredential as error:
            if wait is None or not (isinstance(error, NotMinted) and isinstance(error.outcome, NotSent)):
                return error
            await reporter.sleep(wait)
    raise AssertionError


async def _secret(reporter: Reporter, credential: str) -> str | None:
    try:
        return await reporter.secret_of(credential) if credential else None
    except NoCredential:
        return None


def usable(found: str | NoCredential | None) -> str | None:
    """The token, if there is one."""
    return found if isinstance(found, str) else None

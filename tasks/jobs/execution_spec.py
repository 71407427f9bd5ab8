"""The specification of one execution, and its result."""

from dataclasses import dataclass
from pathlib import Path

from domain.delivery.report import RecordedReport
from domain.jobs.execution import Execution, Order
from domain.jobs.job_states import JobState
from domain.jobs.job_type import JobType
from domain.jobs.output_url import filled
from domain.jobs.target_request import TargetRequest
from settings import Settings
from storage.ledger import Ledger
from tasks.jobs.build_cache import BuildCache
from tasks.jobs.keep_output import Outputs
from tasks.process.disk_space import temporary_folder
from tasks.process.users import JobUser


@dataclass(frozen=True, slots=True)
class Work:
    """One execution and what it runs.

    `clone_url` is None without a target: it runs in an empty folder then. `outputs`, `cache`: where they are kept, if
    at all. `output_url`: what a success links to; None: the same as every other state. `users`: the pool of job users,
    of which it gets one for itself; empty: our own user. `ca_file`: the certificates that git trusts.
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


@dataclass(frozen=True, slots=True)
class ExecutionResult:
    """The result of an execution, yet to be stored. `summary` may be public. `url`: what it links to instead."""

    state: JobState
    summary: str
    exit_code: int | None = None
    url: str | None = None


CANCELLED = ExecutionResult(JobState.CANCELLED, "cancelled")


@dataclass(frozen=True, slots=True)
class EndedExecution:
    """A stored result. `report` is that of its outcome, or None without a target."""

    state: JobState
    summary: str
    report: RecordedReport | None


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
        url = filled(job_type.output_url, job=order.flow_run_id, job_type=job_type.name, target=target)
    return Work(
        execution,
        order,
        job_type,
        settings.clone_url.format(repository=target.repository) if target else None,
        outputs_of(settings),
        BuildCache(settings.cache_dir, settings.cache_size),
        url,
        ca_file=settings.ca_file,
    )


def outputs_of(settings: Settings) -> Outputs:
    """Where outputs are kept here, and for how long."""
    return Outputs(settings.output_dir, settings.keep_outputs, settings.keep_outputs_for)

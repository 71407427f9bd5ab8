"""Records docs jobs whose flow run died before its job was accepted, so that their commits show `error`.

Read from Prefect's server, since nothing of such a job is in the ledger. A flow run that was cancelled is not dead, and
one that no worker has taken is only counted.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from prefect.client.orchestration import PrefectClient
from prefect.utilities.urls import url_for

from domain.jobs.execution import Order
from domain.jobs.job_type import JobType
from domain.jobs.jobs_file import BadJobsFile
from domain.jobs.submission import UnreadableJob, asked_by
from domain.operations.job_runs import JobRun, why_dead
from domain.operations.ledger_tag import names_another
from domain.redact import of_error
from github_api.credentials import NoCredential
from settings import Settings
from storage.jobs import liveness, never_started
from storage.ledger import LedgerUnavailable
from storage.operations import job_runs
from tasks.delivery.open_reporter import credential_of, surface_of
from tasks.delivery.reporter import Reporter
from tasks.jobs.accept import link_of
from tasks.jobs.read_job_types import read_job_types
from tasks.runs.job_runs import (
    PAGE,
    active_runs,
    counted,
    dead_runs,
    deployments_of,
    have_started,
    server,
)
from tasks.runs.workers import time_of

logger = logging.getLogger("reportback.operations")

SLACK = timedelta(seconds=2)
"""How old the time of Prefect's server may be when it is read."""

SPAN = timedelta(hours=1)
"""What ended in so long is examined at once. The first run looks no further back: not at all of the past."""

OVERLAP = timedelta(minutes=1)
"""Flow runs that ended so shortly before the last run are examined again: Prefect may have stored them later."""

MARGIN = timedelta(hours=1)
"""A flow run older than REPORTBACK_KEEP less this may have had a job that was pruned."""


@dataclass(frozen=True, slots=True)
class _Look:
    """What a run goes by: `at` is by the clock of Prefect's server, `ledger_at`, read just before, by the ledger's."""

    client: PrefectClient
    reporter: Reporter
    settings: Settings
    ledger: UUID
    deployments: Sequence[UUID]
    types: Mapping[str, JobType] | None
    at: datetime
    ledger_at: datetime
    restored_at: datetime | None

    def asked_at(self, run: JobRun) -> datetime:
        """When a flow run was asked for, by the ledger's clock: its age counted back, and never later than it was."""
        return min(self.ledger_at, self.ledger_at - (self.at + SLACK - run.asked_at))

    def includes(self, run: JobRun) -> bool:
        """Whether the flow run is this ledger's, too young for its job to have been pruned, and since any restore."""
        is_remembered = self.at - run.asked_at < self.settings.keep - MARGIN
        is_since = self.restored_at is None or self.asked_at(run) > self.restored_at
        return is_remembered and is_since and not names_another(run.tags, self.ledger)


async def record_never_started(reporter: Reporter, settings: Settings) -> None:
    """Record the dead flow runs of the deployments that name the settings' ledger, and how many wait, are late, run.

    Raises errors of Prefect's client: call it with `best_effort`. What one run does not reach, the next one does.
    """
    if settings.ledger_id is None:  # whose they are is not known
        return
    async with server() as client:
        ledger_at = await reporter.ledger.now()
        at = await time_of(client)
        deployments = await deployments_of(client, [settings.ledger_id])
        if not deployments:
            return
        restored_at = await reporter.ledger.read(never_started.restored_at)
        of = (client, reporter, settings, settings.ledger_id, deployments, _types(settings))
        look = _Look(*of, at, ledger_at, restored_at)
        active = await active_runs(client, deployments, at)
        known = await reporter.ledger.read(liveness.known, [run.id for run in active])
        await reporter.ledger.write(job_runs.save_counts, await counted(client, deployments, active, known, at))
        await _record_dead(look, active)
        await _record_ended(look)


def _types(settings: Settings) -> Mapping[str, JobType] | None:
    """The job types. None: jobs.toml cannot be used here, which may be why no job starts."""
    try:
        return read_job_types(settings)
    except (OSError, BadJobsFile) as error:
        logger.warning("jobs.toml cannot be used: %s", of_error(error))
        return None


async def _record_ended(look: _Look) -> None:
    """Record flow runs that ended as Failed or Crashed since the last run, an hour at a time, oldest first."""
    last = await look.reporter.ledger.read(never_started.examined_until)
    since = last if last and last <= look.at + OVERLAP else look.at - SPAN  # later, Prefect's clock was set back
    while True:
        until = max(since, min(since + SPAN, look.at))
        ended = await dead_runs(look.client, look.deployments, after=since - OVERLAP, before=until + SLACK)
        left = await _record_dead(look, ended)
        new = [(run.id, why) for run, why in left if since < run.state_at <= until]
        if not await look.reporter.ledger.write(never_started.examined, last, until, new):
            return  # another run does the same
        last = since = until
        if since >= look.at:
            return


async def _record_dead(look: _Look, runs: Sequence[JobRun]) -> list[tuple[JobRun, str]]:
    """Record those of *runs* that are dead and were never accepted. Returns those left without a report, and why."""
    dead = {run.id: (run, why) for run in runs if look.includes(run) and (why := why_dead(run, look.at))}
    known = await look.reporter.ledger.read(liveness.known, list(dead))
    unknown = sorted((dead[run_id] for run_id in dead.keys() - known), key=lambda one: one[0].asked_at)
    left: list[tuple[JobRun, str]] = []
    for first in range(0, len(unknown), PAGE):
        some = unknown[first : first + PAGE]
        started = await have_started(look.client, [run.id for run, _ in some])
        for run, why in some:
            if run.id not in started and (trouble := await _record(look, run, why)):
                left.append((run, f"{why}; nothing is reported: {trouble}"))
    return left


async def _record(look: _Look, run: JobRun, why: str) -> str | None:
    """Record the job of a dead flow run. Returns why there is nothing that it could be reported on, or None."""
    words, asked_at = f"could not start: {why}", look.asked_at(run)
    try:
        await look.reporter.ledger.write(never_started.record, _order(run, look), asked_at=asked_at, words=words)
    except LedgerUnavailable:
        raise
    except (UnreadableJob, NoCredential) as error:
        return str(error)
    except Exception as error:  # noqa: BLE001  # one flow run that cannot be recorded must not hold up the others
        logger.warning("flow run %s, which did not start, cannot be recorded: %s", run.id, of_error(error))
        return of_error(error)
    return None


def _order(run: JobRun, look: _Look) -> Order:
    """What a flow run asks for, with the checks of a submission; options that are refused are left out.

    Raises:
        UnreadableJob: its parameters name no job.
        NoCredential: no credential may report on that repository, or it is not allowed.
    """
    asked, start = asked_by(run.parameters, look.types), max(1, run.start)
    if asked.target is None or asked.wanted is None:
        return Order(run.id, asked.job_type, asked.options, None, None, None, "", start)
    credential = credential_of(asked.target.repository, look.settings)
    url = link_of(asked.wanted.url, url_for("flow-run", obj_id=run.id), asked.target, look.settings)
    surface = surface_of(asked.target.repository, credential, look.settings)
    return Order(run.id, asked.job_type, asked.options, None, asked.target, url, credential, start, surface)

"""Reads all metrics of one moment, in at most a dozen statements, each over an index or a small table."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlmodel import case, col, func, select

from domain.delivery.outcome import REPORT_REASONS
from domain.delivery.report import EventKind, Phase
from domain.delivery.target import StatusState
from domain.jobs.job_states import JobState
from domain.operations.metrics import AT_WORK, BUCKETS, ENDS, ON_GITHUB, TRIED, TWICE, Group, LastRun, Latency, Snapshot
from storage.counters import Key
from storage.delivery.reports import PHASE
from storage.dialect import avoid_table_scans
from storage.jobs.never_started import COUNTER
from storage.models import Credential, Job, Reconciliation, StatusReport, StatusTarget
from storage.operations import event_counts
from storage.operations.credential_usage import current_pauses
from storage.operations.job_runs import counts_in
from storage.transaction import Transaction


def snapshot(tx: Transaction) -> Snapshot:
    """All metrics; consistent within `Ledger.reading`."""
    avoid_table_scans(tx)
    counted = event_counts.read(tx)
    undelivered, oldest = _undelivered(tx)
    at_work = _at_work(tx)
    return Snapshot(
        reports=undelivered | _rejected(tx),
        oldest_undelivered_at=oldest,
        deliveries={state: sum(_of(counted, kind, state) for kind in ON_GITHUB) for state in StatusState},
        tries={kind: sum(_of(counted, kind, state) for state in StatusState) for kind in TRIED},
        latency=_latency(counted),
        duplicates=sum(_of(counted, kind, state) for kind in TWICE for state in StatusState),
        pauses=current_pauses(tx),
        passes={True: counted[event_counts.ENDED], False: counted[event_counts.FAILED]},
        last_pass=_last_pass(tx),
        jobs=_jobs(counted, {job_type for job_type, _ in at_work}),
        at_work=at_work,
        never_started=counted[COUNTER],
        runs=counts_in(counted),
    )


def _of(counted: Mapping[Key, int], kind: EventKind, state: StatusState) -> int:
    return counted["events", kind.value, state.value]


def _latency(counted: Mapping[Key, int]) -> Latency:
    counts = {le: counted["latency", str(place), ""] for place, le in enumerate(BUCKETS)}
    return Latency(counts, counted[event_counts.MILLISECONDS] / 1000)


def _jobs(counted: Mapping[Key, int], at_work: set[str]) -> dict[tuple[str, JobState], int]:
    types = at_work | {job_type for name, job_type, _ in counted if name == "jobs"}
    return {(one, state): counted["jobs", one, state.value] for one in sorted(types) for state in ENDS}


def _undelivered(tx: Transaction) -> tuple[dict[Group, int], datetime | None]:
    """Reports that are due or being sent, by group, and when the oldest was recorded."""
    reason = case(
        (col(Credential.paused_until) > tx.now, func.coalesce(Credential.pause_reason, "")),
        # `domain.delivery.outcome.noted_reason`, in SQL
        *((col(StatusTarget.last_error).startswith(f"{one}: ", autoescape=True), one.value) for one in REPORT_REASONS),
        else_="",
    )
    waiting = (
        select(col(StatusReport.state), PHASE.label("phase"), reason.label("reason"), col(StatusReport.created_at))
        .join(StatusTarget, col(StatusTarget.newest_id) == col(StatusReport.id))
        .join(Credential, col(Credential.name) == col(StatusTarget.credential))
        .where(col(StatusTarget.due_at).is_not(None))
        .subquery()
    )
    by = (waiting.c.state, waiting.c.phase, waiting.c.reason)
    rows: Any = select(*by, func.count(), func.min(waiting.c.created_at))  # type: ignore[call-overload]  # for so many columns
    found = list(tx.session.exec(rows.group_by(*by)))
    counted = {Group(state, Phase(phase), reason): count for state, phase, reason, count, _ in found}
    return counted, min((oldest for *_, oldest in found), default=None)


def _rejected(tx: Transaction) -> dict[Group, int]:
    by = (col(StatusReport.state), col(StatusReport.rejection))
    rows: Any = (
        select(*by, func.count())
        .join(StatusTarget, col(StatusTarget.id) == col(StatusReport.target_id))
        .where(col(StatusReport.rejected_at).is_not(None), col(StatusTarget.newest_id) == col(StatusReport.id))
        .group_by(*by)
    )
    return {Group(state, Phase.REJECTED, reason): count for state, reason, count in tx.session.exec(rows)}


def _last_pass(tx: Transaction) -> LastRun | None:
    rows = (
        select(Reconciliation.started_at, Reconciliation.ended_at)
        .where(col(Reconciliation.ended_at).is_not(None))
        .order_by(col(Reconciliation.id).desc())
        .limit(1)
    )
    ended = tx.session.exec(rows).one_or_none()
    if ended is None or ended[1] is None:
        return None
    return LastRun(ended[1], ended[1] - ended[0])


def _at_work(tx: Transaction) -> dict[tuple[str, JobState], int]:
    """Executions that have not ended, by type and state; a type that has any is shown with both states."""
    rows = select(Job.type, Job.state, func.count()).where(col(Job.ended_at).is_(None))
    found = {(job_type, state): count for job_type, state, count in tx.session.exec(rows.group_by(Job.type, Job.state))}
    types = sorted({job_type for job_type, _ in found})
    return {(one, state): found.get((one, state), 0) for one in types for state in AT_WORK}

"""Compares a ledger with the statuses of a stand-in GitHub, row for row."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlmodel import col, select

from domain.delivery.commit_status import carries
from domain.delivery.report import marker
from fake_github.exchange import Json
from storage.ledger import Ledger
from storage.models import Job, StatusReport, StatusTarget


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of a ledger; targets by their id."""

    jobs: Sequence[Job]
    targets: Mapping[int, StatusTarget]
    reports: Sequence[StatusReport]


async def rows_of(ledger: Ledger) -> Rows:
    """All rows as they are now."""
    with ledger.transaction(only_reads=True) as tx:
        jobs = tx.session.exec(select(Job).order_by(col(Job.number))).all()
        targets = tx.session.exec(select(StatusTarget)).all()
        reports = tx.session.exec(select(StatusReport).order_by(col(StatusReport.id))).all()
    return Rows(jobs, {target.id: target for target in targets if target.id is not None}, reports)


def unsettled(rows: Rows) -> list[str]:
    """What is unfinished: jobs that have not ended, and targets that are due or have a lease."""
    jobs = [f"job {job.number} ({job.id}) is {job.state}" for job in rows.jobs if not job.state.is_over]
    due = (target for target in rows.targets.values() if target.due_at is not None or target.lease is not None)
    return [*jobs, *(f"{target.context} is due: {target.last_error}" for target in due)]


def differences(rows: Rows, statuses: Iterable[Json]) -> list[str]:
    """The differences of a settled ledger and *statuses*, all that the stand-in holds, oldest first.

    There are none if: every status belongs to one report; a delivered report is there once for each of its editions,
    with the ledger's status id, and on top if it is current; an undelivered one is there only if it has been in doubt
    and a newer report is current.
    """
    found, top = [], {}
    held: defaultdict[int | None, list[Json]] = defaultdict(list)
    for status in statuses:
        report = _report_of(rows, status)
        held[report.id if report else None].append(status)
        if report:
            top[report.target_id] = report.id
    found += [f"of no report: {status['context']} {status['state']} {status['target_url']}" for status in held[None]]
    for report in rows.reports:
        target = rows.targets[report.target_id]
        is_current = report.id == target.newest_id and report.rejected_at is None
        problem = _problem(report, held[report.id], is_current=is_current)
        if problem is None and is_current and top.get(report.target_id) != report.id:
            problem = "is covered by an older one"
        found += [f"{target.context} {report.state} of execution {report.execution} {problem}"] if problem else []
    return found


def _report_of(rows: Rows, status: Json) -> StatusReport | None:
    url = str(status["target_url"])
    ours = (report for report in rows.reports if any(carries(url, mark) for mark in _markers(report)))
    return next(ours, None)


def _markers(report: StatusReport) -> list[str]:
    editions = range(1, report.edition + 1)
    return [marker(report.job_id, report.execution, report.state, edition) for edition in editions]


def _problem(report: StatusReport, held: Sequence[Json], *, is_current: bool) -> str | None:
    if report.delivered_at is None:
        may_be_there = report.read_back and not is_current and len(held) <= 1
        problem = "is current, and is not delivered" if is_current else "is there, although it was never delivered"
        return None if may_be_there or not (held or is_current) else problem
    if len(held) != report.edition:
        return f"is delivered, and is there {len(held)} times"
    last = held[-1]
    said = (last["id"], last["state"], last["description"])
    known = (report.github_status_id, report.state.value, report.description)
    return None if said == known else f"is there as {said} instead of {known}"

"""The command `reportback reports show`."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Annotated
from uuid import UUID

from cyclopts import Parameter
from rich.console import Console
from rich.markdown import Markdown
from rich.table import Table

from console.arguments import Json
from console.ledger import opened
from console.terminal import plain, results, say, table, write_json
from domain.delivery.report import Phase
from domain.operations.job_history import Event, clock, next_try_at, what_next
from settings import Settings
from storage.operations.job_history import ReportDetail, of_report, reports_of
from storage.transaction import Transaction, timed

LONGEST_ACTOR = len("reconciliation")
"""The longest name of an actor in a history."""


async def show(report: Annotated[int | UUID, Parameter(metavar="REPORT")], *, as_json: Json = False) -> int:
    """Show the history of a report: each attempt, GitHub's answers, what happens next, and what to do.

    Args:
        report: Its number, or the id of a docs-job flow run for all of its reports.
        as_json: Print a JSON array, for programs.
    """
    async with opened(Settings()) as ledger:
        found, now = await ledger.read(timed, _histories, report)
    if found is None:
        kind = "report" if isinstance(report, int) else "job"
        say(f"reportback: no {kind} {report} in {ledger.place}")
        return 1
    if as_json:
        write_json([fields(one, now) for one in found])
        return 0
    out = results()
    if not found:
        out.print(plain(f"Job {report} has no report: it has no commit to report on."))
    for one in found:
        _print(out, one, now)
    return 0


def _histories(tx: Transaction, asked: int | UUID) -> list[ReportDetail] | None:
    numbers = [asked] if isinstance(asked, int) else reports_of(tx, asked)
    if numbers is None:
        return None
    known = [one for number in numbers if (one := of_report(tx, number)) is not None]
    return known if known or not numbers else None


def _print(out: Console, whole: ReportDetail, now: datetime) -> None:
    report = whole.report
    out.print(plain(f"Report {report.id}, {report.state}: {report.phase}"), style="bold")
    about = table("", "")
    about.show_header = False
    for name, value in facts(whole):
        about.add_row(plain(name), plain(value))
    out.print(about)
    out.print()
    out.print(Markdown(next_words(whole, now)))
    out.print()
    out.print(events_table(whole.report.events))
    out.print()


def facts(whole: ReportDetail) -> Iterator[tuple[str, str]]:
    """The details of a report, by name."""
    job, report = whole.job, whole.report
    if job.target is not None:
        yield "Repository", job.target.repository
        yield "Commit", job.target.sha
        yield "Context", job.target.context
    yield "Says", whole.description
    yield "Links to", whole.target_url
    yield "Credential", whole.credential or "none yet"
    of = "" if report.execution == job.execution else f", of which this is about execution {report.execution}"
    yield "Job", f"{job.type} {whole.job_id}, execution {job.execution}{of}: {job.state.value.replace('_', ' ')}"
    if job.ended_at is not None:
        yield "Job ended", clock(job.ended_at)


def next_words(whole: ReportDetail, now: datetime) -> str:
    """What happens next, and what a person can do, in Markdown."""
    words = what_next(whole.report, now)
    if whole.report.phase is Phase.REJECTED:
        return f"{words} From here: `reportback reports retry {whole.report.id}`."
    return words


def events_table(events: tuple[Event, ...]) -> Table:
    """The events as a table: time, kind, actor, and GitHub's answer."""
    made = table("when (UTC)", "what", "by", "GitHub", "request id", "in words")
    for column in made.columns[:2]:
        column.no_wrap = True
    made.columns[2].min_width = LONGEST_ACTOR
    for one in events:
        what = one.kind.value.replace("_", " ")
        when = f"{one.at:%Y-%m-%d %H:%M:%S}"
        cells = (when, what, one.actor, one.http_status or "", one.request_id or "", one.note or "")
        made.add_row(*map(plain, cells))
    return made


def fields(whole: ReportDetail, now: datetime) -> Mapping[str, object]:
    """A report's history for `--json`. Names stay; more may be added."""
    report, target = whole.report, whole.job.target
    return {
        "report": report.id, "job": whole.job_id, "execution": report.execution,
        "repository": target.repository if target else None, "sha": target.sha if target else None,
        "context": target.context if target else None, "state": report.state, "phase": report.phase,
        "description": whole.description, "target_url": whole.target_url, "credential": whole.credential,
        "status_id": report.status_id, "reason": report.rejection,
        "next_try_at": next_try_at(report.phase, report.blockers), "next": what_next(report, now),
        "events": [asdict(event) for event in report.events],
    }  # fmt: skip

"""The command `reportback reports list`."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Annotated

from cyclopts import Parameter
from rich.table import Table

from console.arguments import EVERYTHING, Json, Limit, ReportFilter
from console.ledger import opened
from console.terminal import plain, results, say, table, write_json
from domain.delivery.report import Phase
from domain.jobs.run_names import SHORT_SHA
from domain.operations.job_history import next_try_at
from domain.operations.overview import Listed
from domain.text import one_line
from domain.units import ahead, span
from settings import Settings
from storage.operations.listing import Wanted, count_rejected, listing

NARROW = 140
"""Columns below which repository, commit and context share one."""


async def list_reports(
    *,
    undelivered: bool = False,
    rejected: bool = False,
    asked: ReportFilter = EVERYTHING,
    limit: Limit = 100,
    as_json: Json = False,
    fails_if_any: Annotated[bool, Parameter(name="--exit-code")] = False,
) -> int:
    """List reports, the newest first; with --undelivered or --rejected only those, the oldest first.

    Args:
        undelivered: Only reports that are not on GitHub and will be retried.
        rejected: Only reports that GitHub refuses, until a person retries them.
        asked: Only the reports that match.
        limit: How many to list at most. A note on stderr says if there are more.
        as_json: Print a JSON array, for programs.
        fails_if_any: Exit with 1 if anything is listed.
    """
    wanted = [kind for kind, is_asked in ((Wanted.UNDELIVERED, undelivered), (Wanted.REJECTED, rejected)) if is_asked]
    found = await print_reports(asked, wanted, limit=limit, as_json=as_json)
    return int(fails_if_any and bool(found))


async def print_reports(
    asked: ReportFilter, wanted: Collection[Wanted], *, limit: int, as_json: bool = False
) -> Sequence[Listed]:
    """Print the selected reports, and return them."""
    async with opened(Settings()) as ledger:
        (found, is_more), refused, now = await ledger.read(
            lambda tx: (
                listing(tx, asked.selection(tx.now), wanted, limit=limit),
                count_rejected(tx, asked.selection(tx.now)) if list(wanted) == [Wanted.UNDELIVERED] else 0,
                tx.now,
            )
        )
    if as_json:
        write_json([fields(one, now) for one in found])
    elif found:
        out = results()
        out.print(rows(found, now, is_narrow=out.width < NARROW))
    else:
        none = "Nothing of that is due" if refused else "No such report"
        results().print(plain(f"{none} in {ledger.place}."))
    if refused:
        say(f"{refused} rejected, for a person to retry: `reportback reports list --rejected` lists them.")
    if is_more:
        say(f"There are more; these are the first {limit}. --limit shows more of them, a filter fewer.")
    return found


def fields(report: Listed, now: datetime) -> Mapping[str, object]:
    """A report for `--json`. Names stay; more may be added."""
    return {
        "report": report.id, "job": report.job_id, "execution": report.execution,
        "repository": report.target.repository, "sha": report.target.sha, "context": report.target.context,
        "state": report.state, "phase": report.phase, "recorded_at": report.recorded_at,
        "delivered_at": report.delivered_at, "status_id": report.status_id, "credential": report.credential,
        "reason": reason(report, now), "last_error": report.last_error,
        "next_try_at": next_try_at(report.phase, report.blockers),
    }  # fmt: skip


def rows(reports: Sequence[Listed], now: datetime, *, is_narrow: bool) -> Table:
    """The reports as a table."""
    target = ("commit",) if is_narrow else ("repository", "sha", "context")
    made = table("report", *target, "state", "phase", "age", "next try", "why")
    for column in made.columns:
        column.no_wrap = column.header in ("report", "sha", "state", "phase", "age", "next try")
    for one in reports:
        about = (one.target.repository, one.target.sha[:SHORT_SHA], one.target.context)
        cells = (
            one.id, *((" ".join(about),) if is_narrow else about), one.state, one.phase,
            span(now - one.recorded_at), next_try(one, now), why(one, now),
        )  # fmt: skip
        made.add_row(*map(plain, cells))
    return made


def next_try(report: Listed, now: datetime) -> str:
    """When it is tried again, in short; empty for a settled report."""
    match report.phase:
        case Phase.SENDING:
            return "at it"
        case Phase.REJECTED:
            return "by hand"
        case _:
            moment = next_try_at(report.phase, report.blockers)
            return ahead(moment, now) if moment else ""


def reason(report: Listed, now: datetime) -> str | None:
    """A domain.delivery.outcome.Reason: why it is rejected, its credential pauses, or its last try failed."""
    blockers = report.blockers
    return report.rejection or (blockers.pause_reason if blockers.is_paused(now) else blockers.reason)


def why(report: Listed, now: datetime) -> str:
    """Why it is not on GitHub, if known: a reason, and the last error."""
    known, last = reason(report, now), one_line(report.last_error or "")
    if known is None or last.startswith(known):
        return last
    paused = "" if report.rejection else "credential pauses: "
    return f"{paused}{known}" + (f"; {last}" if last else "")

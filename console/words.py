"""Formats a report's next try and reason for tables and JSON."""

from datetime import datetime

from domain.delivery.report import Phase
from domain.operations.job_history import next_try_at
from domain.operations.overview import Listed
from domain.text import one_line
from domain.units import ahead


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

"""Renders the status page for Prefect's UI, in Markdown: what is not on GitHub, since when, why, and what to do."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from domain.delivery.report import Phase
from domain.delivery.target import Target
from domain.jobs.run_names import SHORT_SHA
from domain.markdown import code, link, literal, narrow, table
from domain.operations import chart
from domain.operations.job_history import clock, next_try_at
from domain.operations.job_runs import Standing
from domain.operations.metrics import Pause
from domain.operations.overview import Day, Listed, Overview, Refusals
from domain.operations.remedies import remedy
from domain.text import cut
from domain.units import ahead, span

KEY = "reportback-reports"
"""The key of the page, an artifact."""

LIST = "reportback reports list"
RUNS = "reportback runs list"
LONGEST = 120
"""Characters shown of the last error."""

DAY = {
    Phase.DELIVERED: "on GitHub",
    Phase.DUE: "waiting",
    Phase.SENDING: "being sent",
    Phase.REJECTED: "rejected",
    Phase.SUPERSEDED: "superseded",
}


@dataclass(frozen=True, slots=True)
class Links:
    """URLs of a flow run and of a commit. None: Prefect has no UI URL."""

    run: Callable[[UUID], str | None]
    commit: Callable[[Target], str]


def page(seen: Overview, links: Links) -> str:
    """The page, in Markdown, as of `seen.at`; Prefect shows its headline above it.

    Reports are shown in lists: phones show only the left half of a table with a sentence in it.
    """
    parts = [
        *_undelivered(seen, links),
        *_rejected(seen.rejected, seen.at, links),
        *_pauses(seen.pauses, seen.at),
        *_runs(seen),
        *_day(seen.day),
        f"*As of {clock(seen.at)}. Each reconciliation run renews this page.*",
    ]
    return "\n\n".join(parts) + "\n"


def address(ui_url: str) -> str:
    """Where the page is in Prefect's UI, which is at *ui_url*."""
    return f"{ui_url.rstrip('/')}/artifacts/key/{KEY}"


def headline(seen: Overview) -> str:
    """The summary of the page in a line of Markdown."""
    refused, paused = sum(one.count for one in seen.rejected), len(seen.pauses)
    age = f", the oldest for {span(seen.at - seen.oldest[0].recorded_at)}" if seen.oldest else ""
    said = [
        f"**{seen.undelivered:,} undelivered**{age}" if seen.undelivered else "",
        f"**{refused:,} rejected**" if refused else "",
        f"**{paused} {'credentials pause' if paused > 1 else 'credential pauses'}**" if paused else "",
    ]
    return f"{'; '.join(filter(None, said))}." if any(said) else "Nothing is undelivered, nothing is rejected."


def _undelivered(seen: Overview, links: Links) -> Iterator[str]:
    if seen.undelivered:
        yield f"## Undelivered: {seen.undelivered:,}"
        yield "\n".join(_entry(one, _next(one, seen.at), seen.at, links) for one in seen.oldest)
        yield from _more(seen.undelivered - len(seen.oldest), f"{LIST} --undelivered")


def _rejected(refused: Iterable[Refusals], now: datetime, links: Links) -> Iterator[str]:
    for one in refused:
        yield f"## Rejected, {code(one.reason)}: {one.count:,}"
        retry = code(f"reportback reports retry --reason {one.reason}")
        yield f"{remedy(one.reason)} Then retry the flow run, or all of them: {retry}"
        yield "\n".join(_entry(report, "", now, links) for report in one.oldest)
        yield from _more(one.count - len(one.oldest), f"{LIST} --rejected --reason {one.reason}")


def _more(count: int, command: str) -> Iterator[str]:
    if count > 0:
        yield f"And {count:,} more: `{command}`"


def _entry(report: Listed, what_next: str, now: datetime, links: Links) -> str:
    """A report as a list item: age, links to its flow run and commit, what happens next, the last error."""
    run, target = links.run(report.job_id), report.target
    number = link(f"report {report.id}", run) if run else f"report {report.id}"
    sha = link(target.sha[:SHORT_SHA], links.commit(target))
    about = f"{number}, {report.state} of {sha} {narrow(target.repository)}, {narrow(target.context)}"
    known = (f"**{span(now - report.recorded_at)}**: {about}", what_next, narrow(cut(report.last_error or "", LONGEST)))
    return f"- {'; '.join(filter(None, known))}"


def _next(report: Listed, now: datetime) -> str:
    blockers = report.blockers
    if report.phase is Phase.SENDING:
        return "being sent"
    why = f", its credential pauses: {code(blockers.pause_reason or '')}" if blockers.is_paused(now) else ""
    return f"next try {ahead(next_try_at(report.phase, blockers) or now, now)}{why}"


def _pauses(pauses: Iterable[Pause], now: datetime) -> Iterator[str]:
    for one in pauses:
        yield f"## Credential {code(one.credential)} pauses"
        when = f"Until {clock(one.until)}" if one.until > now else "The next request ends it, or makes it longer"
        yield f"{when}: {code(one.reason)}. {remedy(one.reason, one.credential)}"


def _runs(seen: Overview) -> Iterator[str]:
    """A line on the jobs that are under way, with what an operator must see of those that are not."""
    counts = seen.runs.counts if seen.runs else {}
    late_since = seen.runs.late_since if seen.runs else None
    late = f"**{counts.get(Standing.LATE, 0):,} late**"
    if late_since is not None:
        late += f", the oldest for {span(seen.at - late_since)}: is there a worker, and is its pool paused?"
    said = [f"{count:,} {standing}" for standing, count in counts.items() if count and standing is not Standing.LATE]
    said += [late] if counts.get(Standing.LATE) else []
    said += [f"**{seen.never_started:,} never started** in the last day"] if seen.never_started else []
    if said:
        yield f"Jobs: {'; '.join(said)}. {code(RUNS)}"


def _day(day: Day) -> Iterator[str]:
    if not (day.outcomes or day.requests or any(slot.undelivered for slot in day.slots)):
        yield f"Since {day.since:%Y-%m-%d %H:%M} UTC: no outcome, no request, nothing undelivered."
        return
    yield "## The last day"
    yield f"![{literal(chart.alternative(day))}](<{chart.image(day)}>)"
    if took := chart.latency(day):
        yield took
    rows = [(f"{words}", f"{day.outcomes[phase]:,}") for phase, words in DAY.items() if day.outcomes.get(phase)]
    total = ("outcomes of jobs", f"{sum(day.outcomes.values()):,}")
    yield table((f"since {day.since:%Y-%m-%d %H:%M} UTC", ""), (total, *rows, ("requests sent", f"{day.requests:,}")))

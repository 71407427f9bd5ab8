"""Renders a job's page for Prefect's UI, in Markdown."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote

from domain.jobs.run_names import SHORT_SHA
from domain.markdown import code, cut_words, fenced, link, narrow
from domain.operations.job_history import Event, JobHistory, ReportHistory, clock, what_next
from domain.output.findings import Finding, Level
from domain.text import cut

TAIL = 20
"""Lines shown of the end of the output."""

WIDTH = 200
"""Characters shown of each line."""

EARLIER = 10
"""Reports listed of earlier executions."""

MOST_OPTIONS = 1000

FOUND = 20
"""Findings listed."""


def page(
    job: JobHistory, *, at: datetime, tail: Sequence[str] = (), note: str = "",
    findings: Sequence[Finding] = (), commit_url: str | None = None, flow_run_url: str | None = None,
) -> str:  # fmt: skip
    """The job's page, in Markdown, as of *at*.

    It uses lists: phones show only the left half of a table with sentences in it.
    *tail*: the last lines of its output, already redacted. *note*: shown first. *findings*: what its command said of
    places in files, whose paths link to the commit's files.
    """
    parts = [
        f"**{narrow(note)}**" if note else "",
        "\n".join(f"- {name}: {value}" for name, value in _facts(job, commit_url, flow_run_url)),
        *_findings(findings, commit_url),
        *_output(tail),
        *_reports(job, at),
        f"*As of {clock(at)}.*",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _facts(job: JobHistory, commit_url: str | None, flow_run_url: str | None) -> Iterator[tuple[str, str]]:
    yield "Job", f"{code(job.type)}, execution {job.execution}"
    yield "Options", code(cut_words(_json(job.options))) or "none"
    if job.target is not None:
        sha = job.target.sha[:SHORT_SHA]
        yield "Commit", f"{link(sha, commit_url) if commit_url else code(sha)} of {narrow(job.target.repository)}"
        yield "Context", narrow(job.target.context)
    else:
        yield "Commit", "none: it ran in an empty folder, and reports nowhere"
    state = f"**{job.state.value.replace('_', ' ')}**"
    yield "Outcome", f"{state}: {narrow(job.summary)}" if job.summary else state
    if job.siblings.words:
        yield "Beside it", f"**{narrow(job.siblings.words)}**"
    if job.started_at is not None:
        yield "Started", clock(job.started_at)
    if job.ended_at is not None:
        yield "Ended", clock(job.ended_at)
    if flow_run_url:
        yield "Flow run", link("its page, with the whole output in its log", flow_run_url)


def _json(options: Mapping[str, Any]) -> str:
    return json.dumps(dict(options), ensure_ascii=False)[:MOST_OPTIONS] if options else ""


def _findings(findings: Sequence[Finding], commit_url: str | None) -> Iterator[str]:
    if not findings:
        return
    yield "## What it found"
    worst = sorted(findings, key=lambda one: (list(Level).index(one.level), not one.path))
    yield "\n".join(
        f"- **{one.level.value}** {_place(one, commit_url)}{narrow(cut(one.message, WIDTH))}" for one in worst[:FOUND]
    )
    if len(worst) > FOUND:
        yield f"And {len(worst) - FOUND} more, in the log."


def _place(finding: Finding, commit_url: str | None) -> str:
    """Where it is, as a link to the line of the commit's file."""
    if not finding.path:
        return ""
    words = f"{finding.path}:{finding.line}"
    if commit_url is None:
        return f"{code(words)}: "
    file = f"{commit_url.replace('/commit/', '/blob/', 1)}/{quote(finding.path)}"
    return f"{link(words, f'{file}?plain=1#L{finding.line}')}: "


def _output(tail: Sequence[str]) -> Iterator[str]:
    if tail:
        yield "## The end of its output"
        yield fenced(tail[-TAIL:], width=WIDTH)


def _reports(job: JobHistory, now: datetime) -> Iterator[str]:
    latest = [report for report in job.reports if report.execution == job.execution]
    for report in reversed(latest):
        yield f"## Report {report.id}, {code(report.state)}: {report.phase}"
        yield what_next(report, now)
        if report.left_out:
            yield f"{report.left_out} earlier events are not shown."
        yield "\n".join(map(_happened, report.events))
    earlier = [report for report in job.reports if report.execution != job.execution]
    if earlier:
        yield "## Earlier executions"
        yield "\n".join(_earlier(earlier[-EARLIER:]))


def _happened(event: Event) -> str:
    """An event as a list item: time, kind, actor, GitHub's answer and note."""
    answer = " ".join(filter(None, (str(event.http_status or ""), code(event.request_id or ""))))
    what = f"**{event.kind.value.replace('_', ' ')}** by {narrow(event.actor)}"
    parts = (what, f"GitHub {answer}" if answer else "", narrow(event.note or ""))
    return f"- {event.at:%Y-%m-%d %H:%M:%S} {'; '.join(filter(None, parts))}"


def _earlier(reports: Iterable[ReportHistory]) -> Iterator[str]:
    for report in reports:
        yield f"- execution {report.execution}, report {report.id}, {code(report.state)}: {report.phase}"

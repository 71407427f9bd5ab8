"""The history of a job and of its reports, and what happens next to a report, in words."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, assert_never

from domain.delivery.report import EventKind, Phase
from domain.delivery.target import StatusState, Target
from domain.jobs.execution import NO_SIBLINGS, Siblings
from domain.jobs.job_states import JobState
from domain.markdown import narrow
from domain.operations.metrics import ON_GITHUB
from domain.operations.remedies import remedy


@dataclass(frozen=True, slots=True)
class Event:
    """An event of a report: time, kind, actor, and GitHub's answer, if any."""

    at: datetime
    kind: EventKind
    actor: str
    http_status: int | None = None
    request_id: str | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Blockers:
    """What blocks an unsettled report; None: not that."""

    due_at: datetime | None = None
    lease_until: datetime | None = None  # a sender holds the lease
    doubt_until: datetime | None = None  # a request without an answer may still turn up
    paused_until: datetime | None = None  # its credential pauses
    pause_reason: str | None = None
    credential: str | None = None  # its name
    reason: str | None = None  # of its last try: a domain.delivery.outcome.Reason that is not a pause's

    def is_paused(self, now: datetime) -> bool:
        """Whether its credential pauses."""
        return self.paused_until is not None and self.paused_until > now


@dataclass(frozen=True, slots=True)
class ReportHistory:
    """A report and its events; `left_out` earlier events are not included."""

    id: int
    execution: int
    state: StatusState
    phase: Phase
    blockers: Blockers = Blockers()
    status_id: int | None = None
    rejection: str | None = None
    events: tuple[Event, ...] = ()
    left_out: int = 0


@dataclass(frozen=True, slots=True)
class JobHistory:
    """A job and the state of its latest execution. `reports` of all executions; events of the latest only."""

    type: str
    options: Mapping[str, Any]
    target: Target | None
    execution: int
    state: JobState
    started_at: datetime | None = None
    ended_at: datetime | None = None
    summary: str | None = None
    reports: tuple[ReportHistory, ...] = ()
    siblings: Siblings = NO_SIBLINGS


def what_next(report: ReportHistory, now: datetime) -> str:
    """What happens next to *report*, as a sentence or two of Markdown."""
    match report.phase:
        case Phase.DELIVERED:
            return f"GitHub has it, as status {report.status_id}. {overridden(report) or 'Nothing is left to do.'}"
        case Phase.SUPERSEDED:
            return "A newer report supersedes it for this commit and context: it is never sent again."
        case Phase.REJECTED:
            reason = report.rejection or ""
            return (
                f"GitHub refuses it: `{reason}`. {remedy(reason)} Then retry this flow run, or run `retry-reports`: "
                "the job is not executed again if it succeeded."
            )
        case Phase.SENDING:
            return f"It is being sent{_until(report.blockers.lease_until)}."
        case Phase.DUE:
            return _why_due(report.blockers, now)
        case other:
            assert_never(other)


def overridden(report: ReportHistory) -> str | None:
    """The foreign status that verification found above *report* since it was last sent, in Markdown. None: none."""
    said = (event for event in reversed(report.events) if event.kind in (EventKind.OVERRIDDEN, *ON_GITHUB))
    last = next(said, None)
    return override_words(last.at, last.note or "") if last and last.kind is EventKind.OVERRIDDEN else None


def override_words(at: datetime, note: str) -> str:
    """The foreign status that verification found above a report *at* a time, from its event's *note*, in Markdown."""
    return f"A status that is not ours was on top of it at {clock(at)}: {narrow(note)}. It is left there."


def _why_due(blockers: Blockers, now: datetime) -> str:
    if blockers.is_paused(now):
        reason = blockers.pause_reason or ""
        return (
            f"Its credential pauses{_until(blockers.paused_until)}: `{reason}`. {remedy(reason, blockers.credential)}"
        )
    if blockers.doubt_until is not None and blockers.doubt_until > now:
        return (
            f"A request of this commit and context may still turn up{_until(blockers.doubt_until)}. Then the "
            "reconciliation reads GitHub's list, and sends only what is missing there."
        )
    last = f" The last try ended with `{blockers.reason}`. {remedy(blockers.reason)}" if blockers.reason else ""
    if blockers.due_at is not None and blockers.due_at > now:
        return f"The first reconciliation run after {clock(blockers.due_at)} tries again.{last}"
    return f"It is due now: the next reconciliation run takes it.{last}"


def next_try_at(phase: Phase, blockers: Blockers) -> datetime | None:
    """When the reconciliation tries again, the write budget permitting. None: never, or it is being sent."""
    if phase is not Phase.DUE:
        return None
    moments = (blockers.due_at, blockers.doubt_until, blockers.paused_until)
    return max((moment for moment in moments if moment is not None), default=None)


def _until(moment: datetime | None) -> str:
    return f" until {clock(moment)}" if moment else ""


def clock(moment: datetime) -> str:
    """A time of the ledger, formatted."""
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"


def retry_result(before: Phase | None, after: Phase | None) -> str:
    """The result of Prefect's Retry on a job that had succeeded, from the phases of its report. None: no report."""
    match before:
        case None:
            return "nothing to do: the job succeeded before, and reports nowhere"
        case Phase.DELIVERED:
            return "nothing to do: the job succeeded before, and GitHub has its outcome"
        case Phase.SUPERSEDED:
            return "nothing to do: the job succeeded before, and a newer report supersedes its own"
        case _:
            return f"succeeded before, and was not executed again; its report is {after}"

"""Values of the metrics, read from the ledger at one moment."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import inf

from domain.delivery.report import EventKind, Phase
from domain.delivery.target import StatusState
from domain.jobs.job_states import JobState
from domain.operations.job_runs import RunCounts

BUCKETS = (0.5, 1, 2, 5, 10, 30, 60, 300, 900, 3600, 21600, 86400, inf)
"""Upper bounds of the delivery latency, in seconds, each included."""

ON_GITHUB = (EventKind.DELIVERED, EventKind.FOUND)
"""Events by which a report becomes delivered."""

TRIED = (
    *ON_GITHUB,
    EventKind.REJECTED,
    EventKind.THROTTLED,
    EventKind.NOT_SENT,
    EventKind.UNKNOWN,
    EventKind.RECOVERED,
)
"""Results of a try. One released without an outcome has none and is not counted."""

TWICE = (EventKind.DOUBLED, EventKind.REPAIRED)
"""Events after which GitHub holds a report twice: it was sent late, or again because an older status covered it."""

ENDS = tuple(state for state in JobState if state.is_over)
AT_WORK = tuple(state for state in JobState if not state.is_over)


@dataclass(frozen=True, slots=True)
class Group:
    """Labels of undelivered reports. `reason`: of a rejection or of what keeps it waiting; else empty."""

    state: StatusState
    phase: Phase  # due, sending or rejected
    reason: str


@dataclass(frozen=True, slots=True)
class Latency:
    """From a job's end until its outcome was first on GitHub. `counts`: per bucket of `BUCKETS`, not cumulative."""

    counts: Mapping[float, int]
    seconds: float  # the sum


@dataclass(frozen=True, slots=True)
class LastRun:
    """The last reconciliation run that ended."""

    ended_at: datetime
    took: timedelta


@dataclass(frozen=True, slots=True)
class Pause:
    """A credential whose pause no answer of GitHub has ended yet."""

    credential: str
    until: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All metrics of one moment. Counters start on the ledger's first day."""

    reports: Mapping[Group, int]
    oldest_undelivered_at: datetime | None  # when the oldest report that is due or being sent was recorded
    deliveries: Mapping[StatusState, int]
    tries: Mapping[EventKind, int]  # by result, one of `TRIED`
    latency: Latency
    duplicates: int
    pauses: Sequence[Pause]  # by credential
    passes: Mapping[bool, int]  # by whether they ended
    last_pass: LastRun | None
    jobs: Mapping[tuple[str, JobState], int]  # executions that ended, by type of job
    at_work: Mapping[tuple[str, JobState], int]  # executions that wait or run now, by type of job
    never_started: int = 0  # flow runs that died before their job was accepted
    runs: RunCounts | None = None  # None: no reconciliation run has asked Prefect yet

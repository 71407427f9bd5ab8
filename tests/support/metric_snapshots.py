"""Metrics of two imagined ledgers: one without a row, one with something of every kind."""

from datetime import UTC, datetime, timedelta

from domain.delivery.outcome import PAUSE_REASONS, Reason
from domain.delivery.report import Phase
from domain.delivery.target import StatusState
from domain.operations.job_runs import RunCounts, Standing
from domain.operations.metrics import AT_WORK, BUCKETS, ENDS, TRIED, Group, LastRun, Latency, Pause, Snapshot

AT = datetime(2026, 11, 23, 12, tzinfo=UTC)

EMPTY = Snapshot(
    reports={},
    oldest_undelivered_at=None,
    deliveries=dict.fromkeys(StatusState, 0),
    tries=dict.fromkeys(TRIED, 0),
    latency=Latency(dict.fromkeys(BUCKETS, 0), 0.0),
    duplicates=0,
    pauses=(),
    passes={True: 0, False: 0},
    last_pass=None,
    jobs={},
    at_work={},
)

FULL = Snapshot(
    reports={Group(state, phase, reason): 1 for state in StatusState for phase in Phase for reason in Reason},
    oldest_undelivered_at=AT,
    deliveries=dict.fromkeys(StatusState, 1),
    tries=dict.fromkeys(TRIED, 1),
    latency=Latency(dict.fromkeys(BUCKETS, 1), 1.0),
    duplicates=1,
    pauses=[Pause("env:TOKEN", AT, reason) for reason in PAUSE_REASONS],
    passes={True: 1, False: 1},
    last_pass=LastRun(AT, timedelta(seconds=1)),
    jobs=dict.fromkeys((("sphinx", state) for state in ENDS), 1),
    at_work=dict.fromkeys((("sphinx", state) for state in AT_WORK), 1),
    never_started=1,
    runs=RunCounts(AT, dict.fromkeys(Standing, 1), AT),
)

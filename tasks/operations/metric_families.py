"""Defines the Prometheus metrics: names, labels, help. Times are timestamps, never ages."""

from collections.abc import Iterable
from itertools import accumulate
from math import inf

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from domain.operations.metrics import Latency, Snapshot

RESULTS = {True: "succeeded", False: "failed"}


class SnapshotCollector(Collector):
    """Collects the metric families of one snapshot."""

    def __init__(self, shown: Snapshot) -> None:
        self._shown = shown

    def collect(self) -> Iterable[Metric]:
        """All families; one without a value has no sample."""
        return [
            *_gauges(self._shown), *_counters(self._shown), *_reconciliations(self._shown), *_job_runs(self._shown),
        ]  # fmt: skip


def registry_of(shown: Snapshot) -> CollectorRegistry:
    """A registry that holds *shown* and nothing of this process."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(SnapshotCollector(shown))
    return registry


def _gauges(shown: Snapshot) -> Iterable[Metric]:
    reports = GaugeMetricFamily(
        "reportback_reports",
        "Reports that are current for their targets and not on GitHub: due, sending or rejected.",
        labels=("state", "phase", "reason"),
    )
    for group, count in sorted(shown.reports.items(), key=lambda item: (item[0].phase, item[0].reason, item[0].state)):
        reports.add_metric((group.state.value, group.phase.value, group.reason), count)
    oldest = GaugeMetricFamily(
        "reportback_oldest_undelivered_timestamp_seconds",
        "When the oldest report that is due or being sent was recorded. Absent while there is none.",
    )
    if shown.oldest_undelivered_at is not None:
        oldest.add_metric((), shown.oldest_undelivered_at.timestamp())
    paused = GaugeMetricFamily(
        "reportback_credential_paused_until_timestamp_seconds",
        "Until when a credential pauses. Absent once an answer of GitHub has ended the pause.",
        labels=("credential", "reason"),
    )
    for one in shown.pauses:
        paused.add_metric((one.credential, one.reason), one.until.timestamp())
    at_work = GaugeMetricFamily(
        "reportback_jobs_at_work", "Executions of jobs that wait or run now.", labels=("type", "state")
    )
    for (job_type, job_state), count in shown.at_work.items():
        at_work.add_metric((job_type, job_state.value), count)
    return reports, oldest, paused, at_work


def _counters(shown: Snapshot) -> Iterable[Metric]:
    deliveries = CounterMetricFamily(
        "reportback_deliveries", "Reports that turned out to be on GitHub, repaired ones again.", labels=("state",)
    )
    for state, count in shown.deliveries.items():
        deliveries.add_metric((state.value,), count)
    attempts = CounterMetricFamily("reportback_attempts", "Attempts to deliver, by outcome.", labels=("outcome",))
    for kind, count in shown.tries.items():
        attempts.add_metric((kind.value,), count)
    duplicates = CounterMetricFamily(
        "reportback_duplicates", "Reports that GitHub holds twice: sent late, or sent again to be on top."
    )
    duplicates.add_metric((), shown.duplicates)
    jobs = CounterMetricFamily("reportback_jobs", "Ended executions of jobs, by state.", labels=("type", "state"))
    for (job_type, job_state), count in shown.jobs.items():
        jobs.add_metric((job_type, job_state.value), count)
    return deliveries, attempts, duplicates, jobs, _latency(shown.latency)


def _latency(latency: Latency) -> Metric:
    family = HistogramMetricFamily(
        "reportback_delivery_latency_seconds", "From a job's end until its outcome was first on GitHub."
    )
    upto = accumulate(latency.counts.values())
    buckets = [("+Inf" if le == inf else str(float(le)), count) for le, count in zip(latency.counts, upto, strict=True)]
    family.add_metric((), buckets, latency.seconds)
    return family


def _reconciliations(shown: Snapshot) -> Iterable[Metric]:
    passes = CounterMetricFamily(
        "reportback_reconciliations",
        "Reconciliation runs. One without an end an hour after its start has failed.",
        labels=("result",),
    )
    for is_ended, count in shown.passes.items():
        passes.add_metric((RESULTS[is_ended],), count)
    duration = GaugeMetricFamily(
        "reportback_reconcile_duration_seconds", "How long the last successful reconciliation run took."
    )
    success = GaugeMetricFamily(
        "reportback_reconcile_last_success_timestamp_seconds", "When the last successful reconciliation run ended."
    )
    if shown.last_pass is not None:
        duration.add_metric((), shown.last_pass.took.total_seconds())
        success.add_metric((), shown.last_pass.ended_at.timestamp())
    return passes, duration, success


def _job_runs(shown: Snapshot) -> Iterable[Metric]:
    runs = GaugeMetricFamily(
        "reportback_job_runs",
        "Flow runs of docs jobs that have not ended, as the last reconciliation run read them from Prefect.",
        labels=("state",),
    )
    late = GaugeMetricFamily(
        "reportback_oldest_late_job_timestamp_seconds",
        "When the flow run of a docs job that has waited longest for a worker was to start. Absent while none is late.",
    )
    if shown.runs is not None:
        for standing, count in shown.runs.counts.items():
            runs.add_metric((standing.value,), count)
        if shown.runs.late_since is not None:
            late.add_metric((), shown.runs.late_since.timestamp())
    never = CounterMetricFamily(
        "reportback_jobs_never_started", "Flow runs of docs jobs that died before their job was accepted."
    )
    never.add_metric((), shown.never_started)
    return runs, late, never

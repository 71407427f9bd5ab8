"""The figures as Prometheus knows them: names, labels, help. Times are points in time; nothing is an age."""

from collections.abc import Iterable
from itertools import accumulate
from math import inf

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from domain.operations.metrics import Latency, Snapshot

PASSES = {True: "succeeded", False: "failed"}


class Figures(Collector):
    """The families of one snapshot."""

    def __init__(self, shown: Snapshot) -> None:
        self._shown = shown

    def collect(self) -> Iterable[Metric]:
        """All of them; one without a value has no sample."""
        return [*_standing(self._shown), *_counters(self._shown), *_passes(self._shown)]


def registry_of(shown: Snapshot) -> CollectorRegistry:
    """A registry that holds *shown* and nothing of this process."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Figures(shown))
    return registry


def _standing(shown: Snapshot) -> Iterable[Metric]:
    reports = GaugeMetricFamily(
        "reportback_reports",
        "Reports that speak for their targets and are not on GitHub: due, sending or rejected.",
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
        labels=("credential",),
    )
    for name, until in sorted(shown.paused_until.items()):
        paused.add_metric((name,), until.timestamp())
    return reports, oldest, paused


def _counters(shown: Snapshot) -> Iterable[Metric]:
    deliveries = CounterMetricFamily(
        "reportback_deliveries", "Reports that turned out to be on GitHub, repaired ones again.", labels=("state",)
    )
    for state, count in shown.deliveries.items():
        deliveries.add_metric((state.value,), count)
    attempts = CounterMetricFamily("reportback_attempts", "Tries, by what they came to.", labels=("outcome",))
    for kind, count in shown.tries.items():
        attempts.add_metric((kind.value,), count)
    duplicates = CounterMetricFamily(
        "reportback_duplicates", "Reports that GitHub holds twice: sent late, or sent again to be on top."
    )
    duplicates.add_metric((), shown.duplicates)
    jobs = CounterMetricFamily(
        "reportback_jobs", "Executions of jobs that ended, by how they did.", labels=("type", "state")
    )
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


def _passes(shown: Snapshot) -> Iterable[Metric]:
    passes = CounterMetricFamily(
        "reportback_reconciliations",
        "Passes of the reconciliation. One that has no end an hour after it began has failed.",
        labels=("result",),
    )
    for is_ended, count in shown.passes.items():
        passes.add_metric((PASSES[is_ended],), count)
    duration = GaugeMetricFamily("reportback_reconcile_duration_seconds", "How long the last successful pass took.")
    success = GaugeMetricFamily(
        "reportback_reconcile_last_success_timestamp_seconds", "When the last successful pass came to its end."
    )
    if shown.last_pass is not None:
        duration.add_metric((), shown.last_pass.took.total_seconds())
        success.add_metric((), shown.last_pass.ended_at.timestamp())
    return passes, duration, success

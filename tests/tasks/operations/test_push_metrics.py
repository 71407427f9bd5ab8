"""Exports metrics in Prometheus' format, and pushes them to a Pushgateway."""

import asyncio
from base64 import b64encode
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from ledger_jobs import CREDENTIAL, order, run_job
from log_lines import lines_to
from prometheus_client import generate_latest
from prometheus_client.core import Metric
from prometheus_client.parser import text_string_to_metric_families
from world import World

from domain.jobs.job_states import JobState
from fake_github.api import bomb
from fake_github.faults import Kind
from storage import counters
from storage.operations.event_counts import EVENTS
from tasks.operations.metric_families import registry_of
from tasks.operations.push_metrics import MAX_WORDS, MetricsPushFailed, emit_metrics, push, read_metrics

MINUTE = timedelta(minutes=1)
NAMES = {
    "reportback_reports": "gauge",
    "reportback_deliveries": "counter",
    "reportback_attempts": "counter",
    "reportback_oldest_undelivered_timestamp_seconds": "gauge",
    "reportback_delivery_latency_seconds": "histogram",
    "reportback_duplicates": "counter",
    "reportback_credential_paused_until_timestamp_seconds": "gauge",
    "reportback_reconciliations": "counter",
    "reportback_reconcile_duration_seconds": "gauge",
    "reportback_reconcile_last_success_timestamp_seconds": "gauge",
    "reportback_jobs": "counter",
    "reportback_jobs_at_work": "gauge",
    "reportback_job_runs": "gauge",
    "reportback_oldest_late_job_timestamp_seconds": "gauge",
    "reportback_jobs_never_started": "counter",
}
"""The parser leaves `_total` out of a counter's name."""


@pytest.fixture
def database() -> str:
    """What is counted is proved on both databases elsewhere."""
    return "sqlite"


async def exported(world: World) -> dict[str, Metric]:
    text = generate_latest(registry_of(await read_metrics(world.ledger))).decode()
    return {family.name: family for family in text_string_to_metric_families(text)}


def samples(family: Metric) -> dict[tuple[str, ...], float]:
    """By the values of the labels, in the order of their names."""
    return {tuple(value for _, value in sorted(sample.labels.items())): sample.value for sample in family.samples}


async def troubled(world: World) -> None:
    """A delivered, a refused and a throttled report."""
    for number, kind in enumerate((None, Kind.ARCHIVED, Kind.SECONDARY_LIMIT)):
        if kind is not None:
            world.fault(kind)
        await run_job(world.ledger, order(f"docs/{number}"), JobState.FAILED)
        await world.deliver(f"docs/{number}")


async def test_prometheus_reads_back_every_name_with_its_type(world: World) -> None:
    await troubled(world)
    assert {name: family.type for name, family in (await exported(world)).items()} == NAMES


async def test_no_label_is_one_that_prometheus_gives_itself(world: World) -> None:
    await troubled(world)
    labels = {label for family in (await exported(world)).values() for one in family.samples for label in one.labels}
    assert labels == {"state", "phase", "reason", "outcome", "credential", "result", "type", "le"}


async def test_the_values_are_those_of_the_ledger(world: World) -> None:
    await troubled(world)
    shown = await exported(world)
    assert samples(shown["reportback_reports"]) == {
        ("due", "secondary_limit", "failure"): 1,
        ("rejected", "archived", "failure"): 1,
    }
    assert samples(shown["reportback_deliveries"]) == {
        ("pending",): 0,
        ("success",): 0,
        ("failure",): 1,
        ("error",): 0,
    }
    assert samples(shown["reportback_attempts"])["throttled",] == 1
    assert samples(shown["reportback_jobs"])["failed", "sphinx"] == 3
    oldest = shown["reportback_oldest_undelivered_timestamp_seconds"].samples[0].value
    assert oldest == world.clock.now.timestamp()
    paused = samples(shown["reportback_credential_paused_until_timestamp_seconds"])
    assert paused[CREDENTIAL, "secondary_limit"] > oldest


async def test_buckets_are_in_prometheus_format(world: World) -> None:
    await run_job(world.ledger, order())
    world.clock.advance(45)
    await world.deliver()
    family = (await exported(world))["reportback_delivery_latency_seconds"]
    buckets = {one.labels["le"]: one.value for one in family.samples if one.name.endswith("_bucket")}
    assert list(buckets) == [
        *("0.5", "1.0", "2.0", "5.0", "10.0", "30.0", "60.0", "300.0", "900.0", "3600.0", "21600.0", "86400.0"),
        "+Inf",
    ]
    assert [le for le, count in buckets.items() if count == 0] == ["0.5", "1.0", "2.0", "5.0", "10.0", "30.0"]
    assert {one.name: one.value for one in family.samples if not one.labels} == {
        "reportback_delivery_latency_seconds_count": 1,
        "reportback_delivery_latency_seconds_sum": 45,
    }


@dataclass
class Gateway:
    """A Pushgateway that answers *status*, or never."""

    status: int | None = 200
    body: bytes = b"bad\n"
    header: str = ""
    url: str = ""
    head: str = ""
    seen: list[tuple[str, str]] = field(default_factory=list)

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            length = int(head.lower().partition("content-length: ")[2].partition("\r\n")[0])
            self.head = head
            self.seen.append((head.partition(" HTTP")[0], (await reader.readexactly(length)).decode()))
            if self.status is None:
                await reader.read()
            told = f"HTTP/1.1 {self.status} -\r\nContent-Length: {len(self.body)}\r\n{self.header}"
            writer.write(f"{told}Connection: close\r\n\r\n".encode() + self.body)
            await writer.drain()
        finally:
            writer.close()


@asynccontextmanager
async def gateway(status: int | None = 200, body: bytes = b"bad\n", header: str = "") -> AsyncIterator[Gateway]:
    made = Gateway(status, body, header)
    server = await asyncio.start_server(made.answer, "127.0.0.1", 0)
    made.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server:
        yield made


async def emitted(world: World, url: str | None) -> list[str]:
    """The lines logged when a reconciliation run's metrics are exported."""
    lines: list[str] = []
    with lines_to(lines.append):
        await emit_metrics(world.ledger, url, interval=MINUTE)
    return lines


@pytest.mark.parametrize("end", ["", "/"])
async def test_a_run_replaces_the_figures_of_the_last_one(world: World, end: str) -> None:
    async with gateway() as taking:
        assert await emitted(world, taking.url + end) == []
    (asked, body) = taking.seen[0]
    assert asked == "PUT /metrics/job/reportback"
    assert {family.name for family in text_string_to_metric_families(body)} == NAMES.keys()


async def test_a_pushgateway_that_is_down_is_a_line_and_no_harm(world: World) -> None:
    async with gateway() as gone:
        """Its port is free afterwards."""
    said = await emitted(world, gone.url.replace("http://", "http://user:pa55word@"))
    assert len(said) == 1
    assert "the Pushgateway cannot be reached: ConnectError" in said[0]
    assert "pa55word" not in said[0]


async def test_a_pushgateways_user_is_sent_to_it_alone(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    async with gateway() as taking:
        assert await emitted(world, taking.url.replace("http://", "http://ann:pa%2F55@")) == []
    told = b64encode(b"ann:pa/55").decode()
    assert f"authorization: basic {told}".lower() in taking.head.lower()
    assert "HTTP Request: PUT" in caplog.text
    assert not any(one in caplog.text for one in ("pa%2F55", "pa/55", told))


async def test_a_pushgateway_that_refuses_is_a_line(world: World) -> None:
    async with gateway(400) as refusing:
        said = await emitted(world, refusing.url)
    assert "answered 400: bad" in said[0]


@pytest.mark.parametrize(
    ("body", "header", "words"),
    [
        (b"bad\x1b[2J\n", "", "answered 400: bad"),
        (b" " * (MAX_WORDS + 1), "", "answered 400"),
        (bomb(b""), "Content-Encoding: gzip, gzip\r\n", "cannot be reached: DecodingError"),
    ],
)
async def test_of_a_refusal_little_is_read_and_one_line_logged(
    world: World, body: bytes, header: str, words: str
) -> None:
    async with gateway(400, body, header) as refusing:
        said = await emitted(world, refusing.url)
    assert said == [f"metrics could not be handed on: MetricsPushFailed('the Pushgateway {words}')"]


async def test_a_pushgateway_that_hangs_is_given_up(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tasks.operations.push_metrics.TIMEOUT", timedelta(seconds=0.2))
    async with gateway(None) as hanging:
        with pytest.raises(MetricsPushFailed, match="cannot be reached"):
            await push(hanging.url, await read_metrics(world.ledger))


async def test_a_ledger_that_cannot_be_read_is_a_line_and_no_harm(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.operations.metrics.snapshot", broken)
    async with gateway() as taking:
        said = await emitted(world, taking.url)
    assert said == ["metrics could not be handed on: ZeroDivisionError('out of figures')"]
    assert taking.seen == []


def broken(*_: object, **__: object) -> Callable[[], None]:
    raise ZeroDivisionError("out of figures")


async def test_a_run_folds_all_rows_that_are_old_enough(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("storage.operations.event_counts.CHUNK", 3)
    await troubled(world)
    world.clock.advance(7200)
    assert await emitted(world, None) == []
    with world.ledger.transaction() as tx:
        assert counters.read(tx)[EVENTS] > 9

"""`reportback metrics`: prints metrics or serves them."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from httpx import ASGITransport
from ledger_jobs import order, run_job
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families
from waiting import LONGEST
from world import World

import cli
from console.metrics import app_of, listening
from domain.operations.metrics import Snapshot
from storage.unavailable import LedgerUnavailable
from tasks.operations.push_metrics import read_metrics

ROOT = Path(cli.__file__).parent


@pytest.fixture
def database() -> str:
    """What is counted is proved on both databases elsewhere."""
    return "sqlite"


@contextmanager
def command(*words: str, ledger: Path) -> Iterator[subprocess.Popen[str]]:
    """`reportback metrics`, killed at the end unless it has ended."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("REPORTBACK_")}
    env |= {"REPORTBACK_DATABASE_URL": f"sqlite:///{ledger}", "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        [sys.executable, "-c", "import cli; cli.main()", "metrics", *words],
        env=env, cwd="/", stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        try:
            yield process
        finally:
            process.kill()


def test_metrics_are_printed_as_prometheus_reads_them(tmp_path: Path) -> None:
    with command(ledger=tmp_path / "ledger.db") as process:
        shown, said = process.communicate(timeout=LONGEST)
    assert said == ""
    assert {family.name for family in text_string_to_metric_families(shown)} >= {"reportback_reports"}


def test_metrics_are_served_until_a_signal(tmp_path: Path) -> None:
    with command("--serve", "127.0.0.1:0", ledger=tmp_path / "ledger.db") as server:
        assert server.stdout is not None
        url = server.stdout.readline().strip()
        answer = httpx.get(url, timeout=LONGEST)
        server.send_signal(signal.SIGTERM)
        _, said = server.communicate(timeout=LONGEST)
    assert answer.status_code == 200
    assert "reportback_duplicates_total 0.0" in answer.text
    assert server.returncode == cli.INTERRUPTED
    assert "Traceback" not in said


@pytest.mark.parametrize("place", ["9464", "localhost", ":9464", "127.0.0.1:x", "127.0.0.1:99999"])
def test_an_invalid_address_to_listen_on_is_refused(place: str) -> None:
    with pytest.raises(ValueError, match=r"^--serve "):
        listening(place)


def test_a_port_that_is_taken_is_refused_in_words() -> None:
    with listening("127.0.0.1:0") as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ValueError, match="in use"):
            listening(f"127.0.0.1:{port}")


async def test_each_scrape_reads_the_current_figures(world: World) -> None:
    async with httpx.AsyncClient(
        transport=ASGITransport(app_of(lambda: read_metrics(world.ledger))), base_url="http://x"
    ) as client:
        before = (await client.get("/metrics")).text
        await run_job(world.ledger, order())
        after = (await client.get("/metrics")).text
    assert "reportback_reports{" not in before
    assert 'reportback_reports{phase="due",reason="",state="success"} 1.0' in after


async def test_openmetrics_is_served_on_request(world: World) -> None:
    wants = {"Accept": "application/openmetrics-text; version=1.0.0"}
    async with httpx.AsyncClient(
        transport=ASGITransport(app_of(lambda: read_metrics(world.ledger))), base_url="http://x"
    ) as client:
        answer = await client.get("/metrics", headers=wants)
    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    assert {family.name for family in openmetrics(answer.text)}  # type: ignore[no-untyped-call]  # the library's >= {"reportback_delivery_latency_seconds"}


async def test_an_unavailable_ledger_is_reported_and_does_not_end_the_server() -> None:
    async def away() -> Snapshot:
        raise LedgerUnavailable(OSError("the disk is full"))

    async with httpx.AsyncClient(transport=ASGITransport(app_of(away)), base_url="http://x") as client:
        answers = [await client.get("/metrics") for _ in range(2)]
    assert [(answer.status_code, answer.text) for answer in answers] == [
        (503, "the ledger is unavailable: the disk is full\n")
    ] * 2

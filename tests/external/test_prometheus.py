"""Rules, scrape and push with real Prometheus and Pushgateway. Where missing, tests fail and name packages."""

import asyncio
import subprocess
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from external_tools import tool
from ledger_jobs import order, run_job
from waiting import until
from world import World

from console.metrics import listening, serve_on
from domain.operations.metrics import Snapshot
from fake_github.faults import Kind
from settings import ROOT
from tasks.operations.metric_families import registry_of
from tasks.operations.push_metrics import emit_metrics, read_metrics

RULES = ROOT / "ops" / "prometheus" / "rules.yml"
HERE = Path(__file__).parent


@pytest.fixture
def database() -> str:
    return "sqlite"


def test_prometheus_takes_the_rules() -> None:
    done = subprocess.run(
        (tool("promtool"), "check", "rules", "--lint=all", "--lint-fatal", str(RULES)),
        check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def test_each_alert_fires_when_it_should_and_is_silent_just_beside() -> None:
    done = subprocess.run(
        (tool("promtool"), "test", "rules", "rules_test.yml"), cwd=HERE, check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


@asynccontextmanager
async def started(name: str, *arguments: str, cwd: Path, url: str) -> AsyncIterator[None]:
    """A program that answers at *url*, gone on leaving."""
    with (cwd / f"{name}.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(tool(name), *arguments, cwd=cwd, stdout=log, stderr=log)
    try:
        await until(lambda: answers(url), within=20, what=(cwd / f"{name}.log").read_text)
        yield
    finally:
        process.terminate()
        await process.wait()


async def answers(url: str) -> bool:
    async with httpx.AsyncClient(trust_env=False) as client:
        try:
            return (await client.get(url)).is_success
        except httpx.TransportError:
            return False


def free_port() -> int:
    with listening("127.0.0.1:0") as sock:
        port: int = sock.getsockname()[1]
        return port


@asynccontextmanager
async def prometheus(folder: Path, target: str, *, path: str = "/metrics") -> AsyncIterator[str]:
    """The address of a Prometheus with our rules that scrapes *target* every second."""
    port = free_port()
    (folder / "prometheus.yml").write_text(
        f"""
global: {{ scrape_interval: 1s, evaluation_interval: 1s }}
rule_files: [ {RULES} ]
scrape_configs:
  - job_name: reportback
    honor_labels: true
    metrics_path: {path}
    static_configs: [ {{ targets: [ "{target}" ] }} ]
""",
        encoding="utf-8",
    )
    url = f"http://127.0.0.1:{port}"
    arguments = (
        "--config.file=prometheus.yml", f"--web.listen-address=127.0.0.1:{port}", f"--storage.tsdb.path={folder}/tsdb",
    )  # fmt: skip
    async with started("prometheus", *arguments, cwd=folder, url=f"{url}/-/ready"):
        yield url


async def queried(url: str, query: str) -> list[Mapping[str, Any]]:
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = (await client.get(f"{url}/api/v1/query", params={"query": query})).raise_for_status()
    found: list[Mapping[str, Any]] = answer.json()["data"]["result"]
    return found


async def held(url: str) -> dict[tuple[tuple[str, str], ...], float]:
    """Every sample that Prometheus has of ours, without the labels it gave itself."""
    series = await queried(url, '{__name__=~"reportback_.*"}')
    return {key(one["metric"]): float(one["value"][1]) for one in series}


def key(labels: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """A sample's name and labels. A Pushgateway writes the bounds of buckets its own way: 60, not 60.0."""
    shown = {name: value for name, value in labels.items() if name not in ("job", "instance")}
    if "le" in shown:
        shown["le"] = str(float(shown["le"]))
    return tuple(sorted(shown.items()))


def exported(shown: Snapshot) -> dict[tuple[tuple[str, str], ...], float]:
    samples = (sample for family in registry_of(shown).collect() for sample in family.samples)
    return {key({"__name__": one.name, **one.labels}): one.value for one in samples}


async def troubled(world: World) -> None:
    """Record a delivered, a rejected and a throttled report, and a reconciliation run."""
    for number, kind in enumerate((None, Kind.ARCHIVED, Kind.SECONDARY_LIMIT)):
        if kind is not None:
            world.fault(kind)
        await run_job(world.ledger, order(f"docs/{number}"))
        await world.deliver(f"docs/{number}")


async def comes_to_hold(url: str, world: World) -> None:
    """Wait until Prometheus holds the very figures of the ledger."""
    wanted = exported(await read_metrics(world.ledger))

    async def is_held() -> bool:
        return await held(url) == wanted

    await until(is_held, within=20, what=lambda: f"Prometheus never held what is exported: {wanted}")


async def test_scraped_metrics_are_queried_back(world: World, tmp_path: Path) -> None:
    await troubled(world)
    with listening("127.0.0.1:0") as sock:
        server = asyncio.create_task(serve_on(sock, world.ledger))
        try:
            async with prometheus(tmp_path, f"127.0.0.1:{sock.getsockname()[1]}") as url:
                await comes_to_hold(url, world)
                await run_job(world.ledger, order("docs/later"))
                await comes_to_hold(url, world)
                assert await names_of_rules(url)
        finally:
            server.cancel()
            await asyncio.wait({server})


async def names_of_rules(url: str) -> set[str]:
    """The rules of ours, once Prometheus has evaluated each without an error."""
    groups: list[Mapping[str, Any]] = []

    async def healthy() -> bool:
        async with httpx.AsyncClient(trust_env=False) as client:
            groups[:] = (await client.get(f"{url}/api/v1/rules")).json()["data"]["groups"]
        return all(rule["health"] == "ok" for group in groups for rule in group["rules"])

    await until(healthy, within=75, what=lambda: str(groups))
    return {rule["name"] for group in groups for rule in group["rules"]}


async def test_the_metrics_pushed_by_a_run_are_scraped_from_the_pushgateway(
    world: World, tmp_path: Path, logged: list[str]
) -> None:
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    await troubled(world)

    async def push() -> None:
        await emit_metrics(world.ledger, address, interval=timedelta(minutes=1))

    arguments = (f"--web.listen-address=127.0.0.1:{port}",)
    async with started("prometheus-pushgateway", *arguments, cwd=tmp_path, url=f"{address}/-/ready"):
        await push()
        async with httpx.AsyncClient(trust_env=False) as client:
            groups = (await client.get(f"{address}/api/v1/metrics")).json()["data"]
        assert [group["labels"] for group in groups] == [{"job": "reportback"}]
        async with prometheus(tmp_path, f"127.0.0.1:{port}") as url:
            await comes_to_hold(url, world)
            world.clock.advance(60)
            await world.deliver("docs/2")
            await push()
            await comes_to_hold(url, world)
    assert logged == []

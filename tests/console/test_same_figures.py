"""The status page, Prometheus and the shell show the same figures of one ledger after an outage."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

import pytest
from ledger_jobs import order, run_job
from prometheus_client.parser import text_string_to_metric_families
from shell import Shell
from world import World

from console.arguments import EVERYTHING
from console.list import print_reports
from console.metrics import metrics
from domain.operations.status_page import Links, headline, page
from domain.units import span
from fake_github.faults import Kind
from storage.operations.listing import Wanted
from tasks.operations.status_page import read_overview

BEFORE, REFUSED = ("docs/a", "docs/b"), ("docs/c", "docs/d", "docs/e")
AWAY = ("docs/f", "docs/g", "docs/h", "docs/i")
LINKS = Links(
    run=lambda job: f"https://prefect.example/{job}", commit=lambda target: f"https://github.com/{target.sha}"
)


@pytest.fixture
async def after_an_outage(world: World) -> World:
    """Two outcomes were delivered, three rejected, and four met an unavailable GitHub."""
    for context in (*BEFORE, *REFUSED, *AWAY):
        await run_job(world.ledger, order(context))
        if context in REFUSED:
            world.fault(Kind.ARCHIVED if context != REFUSED[0] else Kind.GONE)
        if context in AWAY:
            world.fault(Kind.SERVER_ERROR, status=503)
        await world.deliver(context)
        world.clock.advance(7)
    return world


def samples(text: str, name: str) -> list[tuple[Mapping[str, str], float]]:
    families = text_string_to_metric_families(text)
    return [(one.labels, one.value) for family in families for one in family.samples if one.name == name]


async def listed(shell: Shell, wanted: Wanted) -> list[Mapping[str, Any]]:
    await print_reports(EVERYTHING, (wanted,), limit=100, as_json=True)
    found: list[Mapping[str, Any]] = shell.json()
    return found


async def scraped(shell: Shell) -> str:
    await metrics()
    return shell.heard()[0]


def reasons(reports: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    found = [str(one["reason"]) for one in reports]
    return {one: found.count(one) for one in found}


async def test_the_page_prometheus_and_the_shell_show_the_same_figures(after_an_outage: World, shell: Shell) -> None:
    seen = await read_overview(after_an_outage.ledger)
    text = page(seen, LINKS)
    metrics = await scraped(shell)
    undelivered, rejected = await listed(shell, Wanted.UNDELIVERED), await listed(shell, Wanted.REJECTED)

    reports = samples(metrics, "reportback_reports")
    assert len(undelivered) == sum(count for labels, count in reports if labels["phase"] != "rejected") == len(AWAY)
    assert f"## Undelivered: {len(undelivered)}\n" in text
    shown = [int(number) for number in re.findall(r"\[report (\d+)\]", text.partition("## Rejected")[0])]
    assert shown == [one["report"] for one in undelivered]

    by_reason = {labels["reason"]: int(count) for labels, count in reports if labels["phase"] == "rejected"}
    assert reasons(rejected) == by_reason == {"archived": 2, "gone": 1}
    assert {said: int(count) for said, count in re.findall(r"## Rejected, `(\w+)`: (\d+)", text)} == by_reason

    ((_, oldest),) = samples(metrics, "reportback_oldest_undelivered_timestamp_seconds")
    first = min(seen.oldest, key=lambda one: one.recorded_at)
    assert first.recorded_at.timestamp() == pytest.approx(oldest)
    assert first.recorded_at.isoformat() == min(one["recorded_at"] for one in undelivered)
    assert f"the oldest for {span(seen.at - first.recorded_at)};" in headline(seen)

    on_github = sum(value for _, value in samples(metrics, "reportback_deliveries_total"))
    assert on_github == len(BEFORE)
    assert f"| on GitHub | {len(BEFORE)} |" in text

"""Jobs with warnings while GitHub fails show each line once; and what the counts of the benchmark count."""

import pytest
from check_worlds import world_of_check_runs
from httpx import AsyncClient
from ledger_jobs import CREDENTIAL
from world import Clock

from benchmarks.check_runs.held import Held, context, count, faults
from benchmarks.check_runs.with_reportback import Jobs
from benchmarks.deliveries import in_parallel
from fake_github.exchange import Json
from fake_github.faults import Kind
from fake_github.in_process import InProcessTransport
from storage.delivery.due import count_undelivered
from storage.ledger import Ledger


@pytest.mark.parametrize("database", ["sqlite"])
async def test_of_every_line_and_conclusion_github_holds_one(ledger: Ledger, clock: Clock) -> None:
    jobs, warnings = 40, 10
    async with world_of_check_runs(ledger, clock) as world:
        for kind, fields in faults(jobs):
            world.fault(Kind(kind), **fields)
        await in_parallel(map(context, range(jobs)), Jobs(world.reporter, CREDENTIAL, warnings).run)
        assert await ledger.read(count_undelivered) > 0
        while await ledger.read(count_undelivered):
            await world.reconcile(passes=1)
        assert world.github.script.to_come == []
        async with AsyncClient(transport=InProcessTransport(world.github), base_url="http://github.test") as client:
            runs = (await client.get("/_stand_in/check_runs")).json()
    assert count(runs, jobs=jobs, warnings=warnings) == Held(
        runs_doubled=0, runs_open=0, annotations=400,
        annotations_doubled=0, annotations_missing=0, conclusions_missing=0,
    )  # fmt: skip


def test_5_percent_of_the_first_requests_of_each_kind_fail_in_each_way() -> None:
    found = list(faults(300))
    assert len({(fields["method"], fields["context"]) for _, fields in found}) == len(found) == 90
    for method in ("POST", "PATCH"):
        for kind, where in (("close", "after"), ("server_error", "after"), ("server_error", None)):
            of_it = [fields for one, fields in found if (one, fields.get("where")) == (kind, where)]
            assert sum(fields["method"] == method for fields in of_it) == 15


def run(number: int, *lines: int, conclusion: str | None = "success") -> Json:
    places = [{"path": "docs/index.md", "start_line": line} for line in lines]
    return {"name": context(number), "conclusion": conclusion, "annotations": places}


def test_lines_and_runs_are_counted_for_each_job() -> None:
    runs = [run(0, 1, 2), run(1, 1, 1), run(1, 1, conclusion=None), run(2, conclusion=None)]
    assert count(runs, jobs=4, warnings=2) == Held(
        runs_doubled=1, runs_open=2, annotations=5, annotations_doubled=2, annotations_missing=5, conclusions_missing=2
    )

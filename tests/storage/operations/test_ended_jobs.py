"""Jobs that ended without success are found by what a person asks for, and a later one of their commit is noticed."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from ledger_jobs import ME, accept, order, run_job
from world import Clock

from domain.jobs.job_states import JobState
from storage.ledger import Ledger
from storage.operations.ended_jobs import UNSUCCESSFUL, EndedJob, JobSelection, ended_jobs


async def found(ledger: Ledger, **asked: object) -> Sequence[EndedJob]:
    return await ledger.read(ended_jobs, JobSelection(**asked))  # type: ignore[arg-type]  # a test's shorthand


async def test_all_that_ended_without_success_is_found_in_the_order_of_acceptance(ledger: Ledger) -> None:
    for state in (*UNSUCCESSFUL, JobState.SUCCEEDED):
        await run_job(ledger, order(f"docs/{state}"), state)
    await accept(ledger, order("docs/waiting"))
    assert [one.state for one in await found(ledger)] == list(UNSUCCESSFUL)
    assert [one.state for one in await found(ledger, states=(JobState.LOST,))] == [JobState.LOST]


async def test_a_job_is_found_by_each_condition_and_by_no_other(ledger: Ledger, clock: Clock) -> None:
    mine = order()
    await run_job(ledger, mine, JobState.LOST)
    (one,) = await found(ledger)
    assert (one.id, one.type, one.target, one.ended_at) == (mine.flow_run_id, "sphinx", mine.target, clock.now)
    second = timedelta(seconds=1)
    hits: dict[str, object] = {
        "job_ids": (one.id,),
        "type": "sphinx",
        "repository": "Acme/Site",
        "machine": ME.host[:3],
    }
    hits.update({"since": clock.now, "until": clock.now})
    assert await found(ledger, **hits) == [one]
    misses: dict[str, object] = {
        "job_ids": (order().flow_run_id,),
        "type": "mkdocs",
        "repository": "acme/other",
        "machine": "%",
    }
    misses.update({"since": clock.now + second, "until": clock.now - second})
    assert [await found(ledger, **{name: value}) for name, value in misses.items()] == [[]] * len(misses)


@pytest.mark.parametrize("state", [JobState.SUCCEEDED, JobState.LOST])
async def test_a_job_with_a_later_one_on_its_commit_is_not_the_latest(ledger: Ledger, state: JobState) -> None:
    early, late = order(), order()
    await run_job(ledger, early, JobState.LOST)
    await run_job(ledger, order("docs/other"), JobState.LOST)
    await run_job(ledger, late, state)
    latest = {one.id: one.is_latest for one in await found(ledger)}
    assert latest.pop(early.flow_run_id) is False
    assert all(latest.values())


async def test_a_job_without_a_target_is_its_own_latest(ledger: Ledger) -> None:
    await run_job(ledger, replace(order(), target=None, url=None), JobState.LOST)
    (one,) = await found(ledger)
    assert (one.target, one.is_latest) == (None, True)

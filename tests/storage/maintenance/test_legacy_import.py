"""Imports jobs of the old system: once, in order, and never over Reportback's own reports."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlmodel import col, func, select
from world import ACTOR, CREDENTIAL, SHA, World, accept, end, order, run_job

from domain.delivery.report import Phase
from domain.delivery.target import Target
from domain.jobs.job_states import JobState
from domain.legacy_import.old_jobs import OldJob
from domain.legacy_import.takeover import Disposition
from storage import counters
from storage.maintenance.legacy_import import preview, take_over
from storage.models import Job, ReportEvent, StatusReport, StatusTarget
from storage.operations import event_counts
from storage.operations.retention import prune_jobs

KEEP = timedelta(days=30)
URL = f"https://github.com/acme/site/commit/{SHA}"


def old(world: World, hours_ago: float = 2, **fields: Any) -> OldJob:  # noqa: ANN401  # whatever the job has
    """A job that was asked for then, and ended a minute later."""
    at = world.clock.now - timedelta(hours=hours_ago)
    values: dict[str, Any] = {
        "file": "jobs.json", "id": "1", "job_id": uuid4(), "type": "notion:translate",
        "target": Target("acme/site", SHA, "docs/sphinx"), "url": None, "state": JobState.FAILED, "created_at": at,
        "ended_at": at + timedelta(minutes=1), "is_reported": False, "summary": "no page 12", "problem": None,
    }  # fmt: skip
    return OldJob(**(values | fields))


async def taken(world: World, one: OldJob, url: str = URL) -> Disposition:
    async with world.ledger.transaction() as session:
        now = await world.ledger.clock(session)
        result = await take_over(
            session, one, url=url, credential=CREDENTIAL, kept_since=now - KEEP, actor=ACTOR, now=now
        )
    return result.what


async def previewed(world: World, one: OldJob) -> Disposition:
    async with world.ledger.reading() as session:
        return (await preview(session, one, kept_since=world.clock.now - KEEP)).what


async def rows(world: World) -> dict[str, int]:
    async with world.ledger.transaction() as session:
        tables = (Job, StatusTarget, StatusReport, ReportEvent)
        return {one.__name__: (await session.exec(select(func.count()).select_from(one))).one() for one in tables}


async def test_an_old_outcome_is_due_at_once_and_delivered_once(world: World) -> None:
    one = old(world)
    assert await taken(world, one) is Disposition.QUEUED
    assert await world.phases() == {"failure": Phase.DUE}
    await world.reconcile()
    [status] = world.github.store.held()
    assert (status.state, status.context, status.description) == ("failure", "docs/sphinx", "no page 12")
    assert (status.target_url or "").startswith(f"{URL}#report-")
    await world.reconcile()
    assert world.posts() == 1


async def test_its_times_are_kept(world: World) -> None:
    one = old(world)
    await taken(world, one)
    async with world.ledger.transaction() as session:
        job = (await session.exec(select(Job))).one()
    assert (job.id, job.type, job.state, job.summary) == (one.job_id, one.type, one.state, one.summary)
    assert (job.started_at, job.ended_at) == (one.created_at, one.ended_at)


async def test_an_end_that_lies_ahead_is_now(world: World) -> None:
    await taken(world, old(world, ended_at=world.clock.now + timedelta(days=400)))
    async with world.ledger.transaction() as session:
        assert (await session.exec(select(Job.ended_at))).one() == world.clock.now


async def test_a_job_imported_twice_is_one(world: World) -> None:
    one = old(world)
    assert await taken(world, one) is Disposition.QUEUED
    before = await rows(world)
    assert await previewed(world, one) is await taken(world, one) is Disposition.KNOWN
    await world.reconcile()
    assert await taken(world, one) is Disposition.KNOWN
    await world.reconcile()
    assert world.held() == ["failure"]
    assert (await rows(world))["StatusReport"] == before["StatusReport"] == 1


async def test_imports_at_once_make_one(world: World) -> None:
    one = old(world)
    result = await asyncio.gather(*(taken(world, one) for _ in range(8)))
    assert sorted(result) == [Disposition.KNOWN] * 7 + [Disposition.QUEUED]
    await world.reconcile()
    assert world.held() == ["failure"]


async def test_imports_of_different_jobs_of_a_target_at_once_leave_the_newest_speaking(world: World) -> None:
    several = [old(world, hours, state=state) for hours, state in ((3, JobState.FAILED), (1, JobState.SUCCEEDED))]
    result = await asyncio.gather(*(taken(world, one) for one in (*several, *several)))
    assert set(result) <= {Disposition.QUEUED, Disposition.KNOWN, Disposition.NEWER}
    await world.reconcile()
    assert world.held() == ["success"]


async def test_a_dry_run_changes_nothing(world: World) -> None:
    before = await rows(world)
    assert await previewed(world, old(world)) is Disposition.QUEUED
    assert await rows(world) == before


async def test_an_import_and_a_job_of_reportback_at_once_leave_the_job_speaking(world: World) -> None:
    _, result = await asyncio.gather(accept(world.ledger, order()), taken(world, old(world)))
    assert result in (Disposition.QUEUED, Disposition.NEWER)
    await world.reconcile()
    assert world.held() == ["pending"]


@pytest.mark.parametrize("hours_ago", [2, -2])
async def test_a_report_that_reportback_is_delivering_is_never_covered(world: World, hours_ago: float) -> None:
    execution = await accept(world.ledger, order())
    one = old(world, hours_ago)
    before = await rows(world)
    assert await previewed(world, one) is await taken(world, one) is Disposition.NEWER
    assert await rows(world) == before
    await end(world.ledger, execution)
    assert await taken(world, one) is Disposition.NEWER
    await world.reconcile()
    assert world.held() == ["success"]


async def test_letter_case_does_not_hide_what_reportback_said(world: World) -> None:
    await run_job(world.ledger, order())
    assert await taken(world, old(world, target=Target("ACME/Site", SHA, "Docs/Sphinx"))) is Disposition.NEWER


async def test_a_job_of_reportback_supersedes_an_earlier_import(world: World) -> None:
    await taken(world, old(world))
    await run_job(world.ledger, order())
    assert await world.phases() == {
        "failure": Phase.SUPERSEDED, "pending": Phase.SUPERSEDED, "success": Phase.DUE,
    }  # fmt: skip
    await world.reconcile()
    assert world.held() == ["success"]


async def test_of_two_imports_the_job_submitted_later_is_current(world: World) -> None:
    await taken(world, old(world, 3))
    assert await taken(world, old(world, 4, state=JobState.SUCCEEDED)) is Disposition.NEWER
    assert await taken(world, old(world, 2, state=JobState.SUCCEEDED)) is Disposition.QUEUED
    await world.reconcile()
    assert world.held() == ["success"]


async def test_an_id_that_is_another_jobs_is_refused(world: World) -> None:
    one = old(world)
    await taken(world, one)
    other = old(world, job_id=one.job_id, target=Target("acme/site", SHA, "docs/other"))
    assert await previewed(world, other) is await taken(world, other) is Disposition.BAD


async def test_a_job_older_than_the_pruned_history_is_not_imported(world: World) -> None:
    ancient = old(world, 24 * 40)
    assert await previewed(world, ancient) is Disposition.QUEUED
    await run_job(world.ledger, order())
    await world.deliver()
    await run_job(world.ledger, order("docs/other"))
    world.clock.advance(KEEP.total_seconds() + 7200)
    await world.deliver("docs/other")
    async with world.ledger.transaction() as session:
        await event_counts.fold(session, dead_after=timedelta(hours=1), now=world.clock.now)
    async with world.ledger.transaction() as session:
        assert (await prune_jobs(session, before=world.clock.now - KEEP))[0] == 1
    assert await previewed(world, ancient) is await taken(world, ancient) is Disposition.NEWER
    assert await previewed(world, old(world, 24 * 29)) is Disposition.QUEUED


async def test_a_first_report_that_is_kept_for_good_does_not_hide_the_holes_behind_it(world: World) -> None:
    await run_job(world.ledger, order("docs/undelivered"))
    assert await previewed(world, old(world, 24 * 40)) is Disposition.QUEUED
    world.clock.advance(KEEP.total_seconds())
    assert await previewed(world, old(world, 24 * 40)) is Disposition.NEWER


async def test_a_job_that_ran_elsewhere_is_not_counted_as_run_here(world: World) -> None:
    await taken(world, old(world))
    async with world.ledger.transaction() as session:
        assert not [key for key in await counters.read(session) if key[0] == "jobs"]
        assert (await session.exec(select(func.count()).where(col(Job.host).is_(None)))).one() == 1

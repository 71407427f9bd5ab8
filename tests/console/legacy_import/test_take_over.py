"""Imports jobs of the old system: of each target the newest, once, and never over Reportback's own reports."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from ledger_jobs import SHA, accept, end, order, run_job
from sqlmodel import func, select
from world import World

from console.legacy_import.import_old import Disposition, chosen, take_over
from console.legacy_import.old_jobs import OldJob
from domain.delivery.report import Phase
from settings import Settings
from storage import counters
from storage.models import Job, ReportEvent, StatusReport, StatusTarget

URL = f"https://github.com/acme/site/commit/{SHA}"


def old(world: World, name: str = "a", hours_ago: float = 2, **fields: Any) -> OldJob:  # noqa: ANN401  # whatever the job has
    """A job that was asked for then, and ended a minute later."""
    at = world.clock.now - timedelta(hours=hours_ago)
    values: dict[str, Any] = {
        "file": f"{name}.json", "id": name, "type": "notion:translate", "createdAt": at,
        "github": at_target(), "status": "failed", "completedAt": at + timedelta(minutes=1),
        "result": {"error": "no page 12"},
    }  # fmt: skip
    return OldJob.model_validate(values | fields)


def at_target(owner: str = "acme", repo: str = "site", context: str = "docs/sphinx") -> dict[str, str]:
    """Where a job reports, as the old system wrote it."""
    return {"owner": owner, "repo": repo, "sha": SHA, "context": context}


async def taken(world: World, one: OldJob, *, is_dry_run: bool = False) -> Disposition:
    return (await take_over(world.reporter, one, Settings(keep="30d"), is_dry_run=is_dry_run)).what


def rows(world: World) -> dict[str, int]:
    with world.ledger.transaction() as tx:
        tables = (Job, StatusTarget, StatusReport, ReportEvent)
        return {one.__name__: tx.session.exec(select(func.count()).select_from(one)).one() for one in tables}


def verdicts(*jobs: OldJob) -> dict[str, tuple[Disposition, str]]:
    return {one.job.file: (one.what, one.why) for one in chosen(jobs)}


def test_the_newest_of_a_target_is_chosen_whatever_its_letter_case(world: World) -> None:
    other = at_target(context="docs/other")
    jobs = [old(world, "b", 2), old(world, "a", 3), old(world, "c", 1, github=at_target("ACME", "Site", "Docs/Sphinx"))]
    assert verdicts(*jobs, old(world, "d", 9, github=other)) == {
        "a.json": (Disposition.NEWER, "c in c.json supersedes it"),
        "b.json": (Disposition.NEWER, "c in c.json supersedes it"),
        "c.json": (Disposition.QUEUED, ""),
        "d.json": (Disposition.QUEUED, ""),
    }


@pytest.mark.parametrize(
    ("fields", "what"),
    [
        ({"status": "running"}, Disposition.UNFINISHED),
        ({"githubStatusReported": True}, Disposition.REPORTED),
        ({"problem": "status: …"}, Disposition.BAD),
    ],
)
def test_a_newest_that_owes_nothing_still_stands_before_the_older(
    world: World, fields: dict[str, Any], what: Disposition
) -> None:
    found = verdicts(old(world, "a", 2), old(world, "b", 1, **fields))
    assert {name: one for name, (one, _) in found.items()} == {"a.json": Disposition.NEWER, "b.json": what}


def test_a_bad_job_is_listed_as_bad_although_another_is_newer(world: World) -> None:
    found = verdicts(old(world, "a", 2, problem="status: …"), old(world, "b", 1))
    assert found["a.json"] == (Disposition.BAD, "status: …")


def test_a_job_without_a_target_owes_nothing(world: World) -> None:
    assert verdicts(old(world, github=None))["a.json"][0] is Disposition.NO_TARGET


def test_of_two_copies_of_a_job_the_one_that_knows_more_counts(world: World) -> None:
    running, ended = old(world, status="running"), old(world, file="backup.json")
    assert (
        verdicts(running, ended)["backup.json"] == verdicts(ended, running)["backup.json"] == (Disposition.QUEUED, "")
    )
    reported = old(world, file="later.json", githubStatusReported=True)
    assert verdicts(ended, reported)["backup.json"] == (Disposition.NEWER, "a in later.json supersedes it")


async def test_an_old_outcome_is_due_at_once_and_delivered_once(world: World) -> None:
    assert await taken(world, old(world)) is Disposition.QUEUED
    assert await world.phases() == {"failure": Phase.DUE}
    await world.reconcile()
    [status] = world.github.store.held()
    assert (status.state, status.context, status.description) == ("failure", "docs/sphinx", "no page 12")
    assert (status.target_url or "").startswith(f"{URL}#:~:report=")
    await world.reconcile()
    assert world.posts() == 1


async def test_its_times_are_kept_and_an_end_that_lies_ahead_is_now(world: World) -> None:
    one = old(world, completedAt=world.clock.now + timedelta(days=400))
    await taken(world, one)
    with world.ledger.transaction() as tx:
        job = tx.session.exec(select(Job)).one()
        counted = [key for key in counters.read(tx) if key[0] == "jobs"]
    assert (job.id, job.type, job.state, job.summary) == (one.job_id, one.type, one.state, one.summary)
    assert (job.started_at, job.ended_at) == (one.created_at, world.clock.now)
    assert (job.host, counted) == (None, [])  # it ran elsewhere


async def test_a_job_imported_again_is_known_also_after_its_delivery(world: World) -> None:
    one = old(world)
    for what in (Disposition.QUEUED, Disposition.KNOWN, Disposition.KNOWN):
        assert await taken(world, one) is what
        await world.reconcile()
    assert world.held() == ["failure"]
    assert (rows(world))["StatusReport"] == 1


async def test_imports_at_once_make_one(world: World) -> None:
    one = old(world)
    result = await asyncio.gather(*(taken(world, one) for _ in range(8)))
    assert sorted(result) == [Disposition.KNOWN] * 7 + [Disposition.QUEUED]
    await world.reconcile()
    assert world.held() == ["failure"]


async def test_a_dry_run_says_the_same_and_changes_nothing(world: World) -> None:
    before = rows(world)
    assert await taken(world, old(world), is_dry_run=True) is Disposition.QUEUED
    assert rows(world) == before
    await taken(world, old(world))
    assert await taken(world, old(world), is_dry_run=True) is Disposition.KNOWN


async def test_an_import_and_a_job_of_reportback_at_once_leave_the_job_speaking(world: World) -> None:
    _, result = await asyncio.gather(accept(world.ledger, order()), taken(world, old(world)))
    assert result in (Disposition.QUEUED, Disposition.NEWER)
    await world.reconcile()
    assert world.held() == ["pending"]


@pytest.mark.parametrize("hours_ago", [2, -2])
async def test_a_report_of_reportback_is_never_covered(world: World, hours_ago: float) -> None:
    execution = await accept(world.ledger, order())
    one = old(world, hours_ago=hours_ago, github=at_target("ACME", "Site", "Docs/Sphinx"))
    before = rows(world)
    assert await taken(world, one) is Disposition.NEWER
    assert rows(world) == before
    await end(world.ledger, execution)
    assert await taken(world, one) is Disposition.NEWER
    await world.reconcile()
    assert world.held() == ["success"]


async def test_a_job_of_reportback_supersedes_an_earlier_import(world: World) -> None:
    await taken(world, old(world))
    await run_job(world.ledger, order())
    assert await world.phases() == {"failure": Phase.SUPERSEDED, "pending": Phase.SUPERSEDED, "success": Phase.DUE}


async def test_a_target_gets_one_import(world: World) -> None:
    await taken(world, old(world, "a"))
    assert await taken(world, old(world, "b", 1)) is Disposition.NEWER


async def test_a_job_older_than_what_is_surely_kept_is_not_imported(world: World) -> None:
    assert await taken(world, old(world, hours_ago=24 * 30)) is Disposition.NEWER
    assert await taken(world, old(world, hours_ago=24 * 30 - 1)) is Disposition.QUEUED

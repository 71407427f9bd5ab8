"""`reportback reports show`: a report with its history."""

from uuid import UUID, uuid4

from ledger_jobs import SHA
from shell import Shell, recorded
from world import World

from console.show import show
from domain.operations.remedies import remedy
from fake_github.faults import Kind
from fake_github.store import Draft
from tasks.delivery.verify import verify_target


async def test_a_rejected_report_is_shown_from_its_recording_to_its_remedy(world: World, shell: Shell) -> None:
    number = await recorded(world, "docs/refused", Kind.ARCHIVED)
    assert await show(number, as_json=False) == 0
    said = shell.said()
    assert said.startswith(f"Report {number}, success: rejected Repository acme/site Commit {'3f2a91c0' * 5} ")
    assert remedy("archived") in said
    assert f"reportback reports retry {number}" in said
    assert "rejected test 403 57A1:" in said
    assert "archived: Repository was archived so is read-only." in said


async def test_an_override_of_a_report_on_github_is_shown(world: World, shell: Shell) -> None:
    number = await recorded(world, "docs/a")
    await world.deliver("docs/a")
    draft = Draft(repository="acme/site", sha=SHA, context="docs/a", state="failure")
    world.github.store.add(world.github.store.drafted(draft))
    await verify_target(world.reporter, await world.target_id("docs/a"))
    assert await show(number, as_json=False) == 0
    said = shell.said()
    assert "A status that is not ours was on top of it at " in said
    assert "overridden test" in said
    assert "failure by octocat" in said


async def test_a_job_shows_each_of_its_reports(world: World, shell: Shell) -> None:
    number = await recorded(world, "docs/a")
    await show(number, as_json=True)
    job = shell.json()[0]["job"]
    assert await show(UUID(job), as_json=False) == 0
    said = shell.said()
    assert said.index(f"Report {number - 1}, pending: superseded") < said.index(f"Report {number}, success: due")


async def test_a_program_gets_the_same(world: World, shell: Shell) -> None:
    number = await recorded(world, "docs/refused", Kind.ARCHIVED)
    assert await show(number, as_json=True) == 0
    [one] = shell.json()
    assert (one["report"], one["phase"], one["reason"], one["description"]) == (
        number, "rejected", "archived", "41 pages",
    )  # fmt: skip
    assert [event["kind"] for event in one["events"]] == ["recorded", "claimed", "posted", "rejected"]
    assert one["events"][-1]["http_status"] == 403
    assert one["target_url"].startswith("https://github.com/acme/site/commit/")


async def test_an_unknown_report_is_one_line(world: World, shell: Shell) -> None:
    unknown = uuid4()
    assert await show(4711, as_json=False) == 1
    assert shell.heard() == ("", f"reportback: no report 4711 in {world.ledger.place}\n")
    assert await show(unknown, as_json=True) == 1
    assert shell.heard() == ("", f"reportback: no job {unknown} in {world.ledger.place}\n")

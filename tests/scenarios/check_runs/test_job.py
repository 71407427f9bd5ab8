"""A real job on a real commit, to the check run that GitHub shows of it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from build_rig import BuildRig, build_rig
from check_worlds import checked, world_of_check_runs
from executions import Executions
from ledger_jobs import order
from world import Clock, World

from storage.ledger import Ledger

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
COMMAND = "echo 'docs/page.md:2: warning: no such page'; echo 'build/x.html:1: warning: generated'; exit {code}"


@pytest.fixture
async def rig(ledger: Ledger, clock: Clock, tmp_path: Path) -> AsyncIterator[BuildRig]:
    async with world_of_check_runs(ledger, clock) as world:
        with build_rig(world, tmp_path) as made:
            yield made


async def run(rig: BuildRig, command: str, **fields: object) -> World:
    """Run a job of the newest commit, and deliver what it reports."""
    rig.origin.commit("main", docs__page_md="one\ntwo\nthree\n")
    executions = Executions(rig.world, rig.lines)
    asked = checked(order(sha=rig.origin.head("main") or ""))
    work = await executions.accept(command, asked, **fields)
    await executions.carry_out(rig.kept(work))
    await rig.world.deliver()
    return rig.world


async def test_warnings_stand_at_their_lines_and_those_of_generated_files_in_the_summary(rig: BuildRig) -> None:
    world = await run(rig, "mkdir build; touch build/x.html; " + COMMAND.format(code=1))
    (check,) = world.github.held_check_runs()
    assert [(one.path, one.start_line, one.level, one.message) for one in check.annotations] == [
        ("docs/page.md", 2, "warning", "no such page")
    ]
    assert check.conclusion == "failure"
    assert check.summary is not None
    assert "`build/x.html:1` | warning | generated" in check.summary
    assert "[Log](" in check.summary


async def test_a_skipped_job_is_skipped_there_too(rig: BuildRig) -> None:
    world = await run(rig, "exit 183", skip_codes=[183])
    (check,) = world.github.held_check_runs()
    assert (check.conclusion, check.title) == ("skipped", "skipped: exit code 183")

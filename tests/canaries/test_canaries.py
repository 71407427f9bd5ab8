"""Eleven kinds of secrets planted in an installation turn up in no place that others can read.

`make canaries` prints the table. In each place a harmless marker must be found, which proves that it was searched.
"""

import asyncio
import os
import shutil
import signal
from contextlib import AsyncExitStack, suppress
from pathlib import Path

import canary_places as look
from canary_rig import OF_AN_APP, OTHER, Installation, installation, place_of
from canary_search import MARKER, Place, table
from e2e_run import STARTS
from full import FULL
from real_processes import ROOT, adopt_orphans, offspring

from local.prefect_api import Refused

LOGS = ROOT / "build" / "canaries"


async def test_no_secret_turns_up_where_the_marker_does(tmp_path: Path) -> None:
    adopt_orphans()
    shutil.rmtree(LOGS, ignore_errors=True)
    LOGS.mkdir(parents=True)
    async with AsyncExitStack() as up:
        made = await up.enter_async_context(installation(tmp_path, LOGS))
        places = await _work(made)
        places += [await look.of_the_command(made, look.COMMANDS if FULL else look.SHORT)]
        places += [await look.of_refusals(made, look.REFUSED if FULL else look.REFUSED[-1:])]
        places += [*await look.of_prefect(made), *await look.of_github(made), await look.of_the_ledger(made)]
        places += [place_of("what a Pushgateway is sent", *made.pushed_metrics), look.of_git(made)]
        places += [place_of("command lines in /proc", *made.command_lines), *look.of_folders(made)]
    places += [look.in_the_end(made)]
    assert offspring(os.getpid()) == []
    print(f"\n{table(places)}")  # noqa: T201  # what it is for
    assert [one.name for one in places if not one.markers] == []
    assert {one.name: one.found for one in places if one.found} == {}


async def _work(made: Installation) -> list[Place]:
    """Run jobs to their ends."""
    ok, fails = await made.start(MARKER), await made.start(f"{MARKER}-fails")
    as_app = await made.start(f"{MARKER}-as-app", repository=OF_AN_APP)
    places = look.while_at_work(made, (await asyncio.gather(made.at_work(ok), made.at_work(fails)))[0])
    places.append(look.at_work_as_app(await made.at_work(as_app)))
    for run, end in ((ok, "COMPLETED"), (fails, "FAILED"), (as_app, "COMPLETED")):
        run.go()
        await run.is_over(end, within=STARTS)
    made_for = [{*one["permissions"]} - {"metadata"} for one in await made.rig.github.tokens()]  # type: ignore[misc]  # JSON
    assert made_for.count({"checks"}) == 1
    assert made_for.count({"contents"}) == 2  # to check out, and to push
    if FULL:
        await _trouble(made)
    return places


async def _trouble(made: Installation) -> None:
    """Have what holds a secret fail: a push, a Secret block's token, a flow that is killed, settings of a worker."""
    refused, other = await made.start(f"{MARKER}-not-pushed"), await made.start(f"{MARKER}-other", repository=OTHER)
    await made.rig.github.fault("bad_credentials", context=other.context)
    for run in (refused, other):
        run.go()
        await run.is_over(within=STARTS)
    killed = await made.start(f"{MARKER}-killed")
    await made.at_work(killed)
    os.kill(await killed.pid(), signal.SIGKILL)
    await killed.is_over(within=STARTS)
    wrong = {"REPORTBACK_CLONE_URL": look.URL}
    async with made.rig.worker("misled", env=wrong):
        unsound = await made.start(MARKER, queue="misled")
        await unsound.is_over("FAILED", "CRASHED", within=STARTS)
    with suppress(Refused):  # the link
        await made.start(MARKER, url=look.URL)

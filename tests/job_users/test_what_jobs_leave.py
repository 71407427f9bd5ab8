"""Files left by a job user's job fail no later job and cannot be read by it."""

import asyncio
import subprocess
from pathlib import Path

import pytest
from build_rig import BuildRig
from job_user_rig import USERS, job_python
from processes import names_in
from waiting import Held, until

from domain.jobs.job_states import JobState
from domain.process.limits import NO_LIMITS
from tasks.process import temp_dirs as module
from tasks.process.files import USUAL, hand_over
from tasks.process.temp_dirs import scratch
from tasks.process.users import JobUser

ME = USERS[0]

NEST = """
import os
for _ in range(1_200):
    os.mkdir("a", 0o700)
    os.chdir("a")
    os.chmod("..", 0)
"""


@pytest.mark.parametrize("database", ["sqlite"])
@pytest.mark.parametrize("ending", ["0", "1"])
async def test_a_deep_and_closed_folder_fails_no_later_job(rig: BuildRig, ending: str) -> None:
    await rig.run([job_python(), "-c", f"{NEST}\nraise SystemExit({ending})"])
    assert (await rig.run("true")).state is JobState.SUCCEEDED, rig.lines
    for kept in (rig.folder / "tmp").iterdir():
        module.remove(kept)
    assert names_in(rig.folder / "tmp") == []


def seen_by(user: JobUser, place: Path) -> str:
    """What *user* can read of the file `made` in the one working copy."""
    (made,) = (place / "tmp").glob("*/copy/made")
    cat = subprocess.run(
        ["cat", made], check=False, stdout=subprocess.PIPE, text=True, user=user.uid, group=user.gid, extra_groups=()
    )
    return cat.stdout


async def test_the_next_job_with_the_same_id_finds_nothing_in_a_folder_that_is_being_removed(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held, entered = Held(), asyncio.Event()
    monkeypatch.setattr(module, "remove", held.up(module.remove))

    async def job() -> None:
        async with scratch() as folder:
            (folder / "copy").mkdir()
            (folder / "copy" / "made").write_text("a secret of the job's")
            await hand_over([folder / "copy"], ME, NO_LIMITS.for_files(USUAL))
            entered.set()
            await asyncio.Event().wait()

    running = asyncio.create_task(job())
    await entered.wait()
    assert seen_by(ME, place) == "a secret of the job's"
    running.cancel()
    await until(held.begun.is_set)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert seen_by(ME, place) == ""
    held.go_on.set()
    await until(held.ended.is_set)  # the rig's end would remove it at the same time

"""A whole job as a job user: its output is kept and pushed, and no other job can read or change its files."""

import asyncio
import os
import signal
import stat
from dataclasses import replace
from uuid import uuid4

import pytest
from build_rig import PUSH, BuildRig
from job_user_rig import USERS
from processes import is_alive, names_in
from waiting import until

from domain.jobs.job_states import JobState
from tasks.process.temp_dirs import KEPT_PREFIX

pytestmark = pytest.mark.parametrize("database", ["sqlite"])

ME, OTHER = USERS[:2]


async def test_preparation_and_command_run_as_the_owner_of_the_working_copy(rig: BuildRig) -> None:
    look = "id -u; stat -c %u . .git docs/page.md .git/HEAD $HOME; touch made-by-it; git status --short"
    ended = await rig.run(look, prepare=[{"command": ["sh", "-ec", "id -u; touch prepared"]}])
    assert ended.state is JobState.SUCCEEDED, rig.lines
    assert rig.lines == [str(ME.uid)] * 7 + ["?? made-by-it", "?? prepared"]
    assert names_in(rig.folder / "tmp") == []


async def test_output_is_kept_and_changes_are_pushed_though_the_files_are_the_jobs(rig: BuildRig) -> None:
    job = uuid4()
    script = "umask 077; mkdir build; echo built | tee build/index.html docs/page.md"
    ended = await rig.run(script, job=job, output="build", push=PUSH)
    assert ended.state is JobState.SUCCEEDED, rig.lines
    kept = rig.outputs / str(job) / "index.html"
    assert (kept.read_text(), kept.stat().st_uid, stat.S_IMODE(kept.stat().st_mode)) == ("built\n", os.getuid(), 0o644)
    assert rig.origin.files("main")["docs/page.md"] == "built"


@pytest.mark.parametrize(
    "swap", ["ln -s {secret} build", "mkdir build; ln -s {secret}/key build/key", "ln -s .. build"]
)
async def test_a_link_that_leads_out_keeps_no_file_that_only_the_flow_can_read(swap: str, rig: BuildRig) -> None:
    secret = rig.folder / "secret"
    secret.mkdir(mode=0o700)
    (secret / "key").write_text("a secret of ours")
    job = uuid4()
    await rig.run(swap.format(secret=secret), job=job, output="build")
    kept = rig.outputs / str(job)
    assert not kept.exists() or names_in(kept) == []


async def test_a_folder_on_the_way_to_the_cache_that_became_a_link_gives_the_next_job_nothing(rig: BuildRig) -> None:
    secret = rig.folder / "secret"
    (secret / "pip").mkdir(parents=True)
    (secret / "pip" / "key").write_text("a secret of ours")
    secret.chmod(0o700)
    step = {"command": ["sh", "-ec", f"ln -s {secret} .cache"], "cache": {"paths": [".cache/pip"], "key": ["lock"]}}
    for user in (ME, OTHER):
        await replace(rig, users=(user,)).run("cat .cache/pip/key 2>/dev/null || echo closed", prepare=[step])
        assert rig.lines[-1] == "closed"


async def test_a_folder_on_the_way_that_became_a_link_leads_to_nothing(rig: BuildRig) -> None:
    secret = rig.folder / "secret"
    (secret / "site").mkdir(parents=True, mode=0o700)
    (secret / "site" / "key").write_text("a secret of ours")
    ended = await rig.run(f"ln -s {secret} build", output="build/site")
    assert ended.summary == "output not kept: build/site is no folder of the working copy"


async def test_cached_files_belong_to_the_next_job_and_give_it_no_rights_of_the_flow(rig: BuildRig) -> None:
    make = "mkdir -p tools/bin; cp /bin/true tools/bin/x; chmod 6755 tools/bin/x; chmod 700 tools"
    step = {"command": ["sh", "-ec", make], "cache": {"paths": ["tools/bin"], "key": ["lock"]}}
    look = "stat -c '%u %a' tools tools/bin tools/bin/x; touch tools/more tools/bin/more"
    await rig.run(look, prepare=[step])
    rig.lines.clear()
    await replace(rig, users=(OTHER,)).run(look, prepare=[step])
    assert rig.lines[0].endswith("taken from the cache")
    assert rig.lines[1:] == [f"{OTHER.uid} 755", f"{OTHER.uid} 755", f"{OTHER.uid} 755"]
    (entry,) = rig.cache.iterdir()
    program = next(entry.rglob("x")).stat()
    assert (program.st_uid, program.st_mode & 0o7000) == (os.getuid(), 0)


async def test_the_target_of_a_cached_link_keeps_its_owner(rig: BuildRig) -> None:
    secret = rig.folder / "secret"
    secret.mkdir()
    (secret / "key").touch(mode=0o600)
    step = {"command": ["ln", "-s", str(secret), "tools"], "cache": {"paths": ["tools"], "key": ["lock"]}}
    for _ in range(2):
        await rig.run("true", prepare=[step])
    assert rig.lines[-1].endswith("taken from the cache")
    assert (secret / "key").stat().st_uid == os.getuid()


async def test_a_job_cannot_see_what_another_one_works_on(rig: BuildRig) -> None:
    first = replace(rig, lines=[])
    running = asyncio.create_task(first.run("echo $$; until [ -e go-on ]; do sleep 0.05; done"))

    async def has_said() -> bool:
        return bool(first.lines)

    await until(has_said)
    (copy,), (pid,) = (rig.folder / "tmp").glob("*/copy"), first.lines
    looks = [f"{what} 2>/dev/null || echo closed" for what in (
        f"ls {copy}", f"cat {copy}/docs/page.md", f"ls {copy.parent}", f"cat /proc/{pid}/environ",
        f"ls /proc/{pid}/cwd/", f"ls /proc/{pid}/fd", f"kill -0 {pid}",
    )]  # fmt: skip
    second = replace(rig, lines=[])
    await second.run("id -u; " + "; ".join(looks))
    (copy / "go-on").touch()
    await running
    assert second.lines == [str(OTHER.uid)] + ["closed"] * len(looks)


async def test_the_copy_that_a_failed_job_leaves_is_for_us_alone(rig: BuildRig) -> None:
    await rig.run("echo secret > made; exit 1")
    (kept,) = (rig.folder / "tmp").glob(f"{KEPT_PREFIX}*")
    assert (kept / "copy" / "made").exists()
    assert stat.S_IMODE(kept.stat().st_mode) == 0o700
    rig.lines.clear()
    await rig.run(f"id -u; cat {kept}/copy/made 2>/dev/null || echo closed")
    assert rig.lines == [str(ME.uid), "closed"]


async def test_no_process_of_a_job_survives_its_killed_supervisor(rig: BuildRig) -> None:
    script = "(setsid sh -c 'echo $$ > stays; exec sleep 60' &); until [ -s stays ]; do :; done; echo $PPID; sleep 60"
    running = asyncio.create_task(rig.run(script))

    async def has_said() -> bool:
        return bool(rig.lines)

    await until(has_said)
    (stays,) = (rig.folder / "tmp").glob("*/copy/stays")
    pid = int(stays.read_text())
    os.kill(int(rig.lines[0]), signal.SIGKILL)
    assert (await running).state is JobState.CRASHED
    assert not is_alive(pid)

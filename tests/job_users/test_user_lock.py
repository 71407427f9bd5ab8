"""Each running job has a job user of its own; a user is used again only once no process runs as it."""

import asyncio
import os
import select
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from job_user_rig import USERS, job_python
from processes import ROOT, is_alive, names_in
from waiting import LONGEST, block_until, soon, until

from tasks.process import user_lock
from tasks.process.user_lock import _runs, acquire_user, end_all
from tasks.process.users import JobUser

ME, OTHER = USERS[:2]


async def test_two_jobs_never_share_a_user_and_a_third_waits_and_says_so(
    place: Path, monkeypatch: pytest.MonkeyPatch, logged: list[str]
) -> None:
    monkeypatch.setattr(user_lock, "POLL_EVERY", user_lock.POLL_EVERY / 50)
    async with acquire_user(USERS[:2]) as one:
        async with acquire_user(USERS[:2]) as two:
            assert {one, two} == {ME, OTHER}
            waiting = asyncio.create_task(_enter())

            async def has_said() -> bool:
                return bool(logged)

            await until(has_said)
            assert logged == ["waiting for a job user: all 2 that REPORTBACK_JOB_USER names are in use"]
            assert not waiting.done()
        assert await soon(waiting, "a user that is free") == two
    assert len(logged) == 1
    assert names_in(place / "locks") == [str(ME.uid), str(OTHER.uid)]


async def test_waiting_jobs_get_a_user_in_the_order_in_which_they_came(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(user_lock, "POLL_EVERY", user_lock.POLL_EVERY / 50)
    got = list[int]()

    async def job(number: int) -> None:
        async with acquire_user(USERS[:1]):
            got.append(number)

    async with acquire_user(USERS[:1]):
        (place / "locks" / f"waits-{0:020}-1-0").write_text(str(ME.uid))  # of a process that died
        jobs = []
        for number in range(5):
            jobs.append(asyncio.create_task(job(number)))
            await until(lambda: len(names_in(place / "locks")) == len(jobs) + 1 + (0 if jobs else 1))
        jobs[2].cancel()
        async with acquire_user(USERS[1:2]):  # which none of them waits for
            pass
    await soon(asyncio.wait(jobs), "the jobs that wait")
    assert got == [0, 1, 3, 4]
    assert names_in(place / "locks") == [str(ME.uid), str(OTHER.uid)]


async def _enter() -> JobUser:
    async with acquire_user(USERS[:2]) as user:
        return user


def started(argv: list[str], **how: Any) -> "subprocess.Popen[bytes]":  # noqa: ANN401  # Popen's own
    return subprocess.Popen(argv, **how)


HOLDER = """
import asyncio, sys
from pathlib import Path
from typing import Any
from tasks.process import user_lock
from tasks.process.users import JobUser
async def hold():
    user_lock.LOCKS = Path(sys.argv[1])
    async with user_lock.acquire_user([JobUser(int(sys.argv[2]), int(sys.argv[2]))]):
        print("holds", flush=True)
        await asyncio.sleep(60)
asyncio.run(hold())
"""


CHAIN = "import os, time\nend = time.time() + 30\nwhile time.time() < end:\n  if os.fork(): os._exit(0)"


async def test_a_process_that_keeps_forking_and_exiting_is_ended() -> None:
    ends, held = os.pipe()  # held by whatever of it lives
    started([job_python(), "-c", CHAIN], user=ME.uid, group=ME.gid, extra_groups=[], pass_fds=(held,)).wait()
    os.close(held)
    assert select.select([ends], [], [], 0.5) == ([], [], [])
    await end_all(ME)
    assert select.select([ends], [], [], 0.5) == ([ends], [], [])
    os.close(ends)


THREAD = """
import ctypes, threading, time
threading.Thread(target=time.sleep, args=(60,)).start()
ctypes.CDLL(None).pthread_exit(None)
"""


async def test_a_process_without_its_first_thread_is_ended() -> None:
    with started([job_python(), "-c", THREAD], user=ME.uid, group=ME.gid, extra_groups=[]) as left:
        status = Path(f"/proc/{left.pid}/status")
        await asyncio.to_thread(block_until, lambda: "State:\tZ" in status.read_text())
        await end_all(ME)
        assert left.wait(LONGEST) == -signal.SIGKILL


RUNNER = """
import asyncio, sys
from datetime import timedelta
from pathlib import Path
from tasks.process import user_lock
from tasks.process.command import run_command
from tasks.process.users import JobUser
async def run():
    user_lock.LOCKS = Path(sys.argv[1])
    async with user_lock.acquire_user([JobUser(int(sys.argv[2]), int(sys.argv[2]))]) as user:
        script = "trap '' TERM; echo runs; while :; do sleep 1; done"
        await run_command(("sh", "-c", script), cwd=Path("/"), env={"PATH": "/usr/bin:/bin"}, user=user,
                          timeout=timedelta(minutes=1), on_line=lambda line: print(line, flush=True))
asyncio.run(run())
"""


async def test_a_supervisor_keeps_the_user_until_all_processes_have_ended(place: Path) -> None:
    argv = [sys.executable, "-c", RUNNER, str(place / "locks"), str(ME.uid)]
    with started(argv, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE) as flow:
        assert flow.stdout is not None
        assert flow.stdout.readline() == b"runs\n"
        flow.kill()
        flow.wait()
        async with acquire_user(USERS[:2]) as user:
            assert user == OTHER  # its command ignores SIGTERM, and is given five seconds

        async def is_free() -> bool:
            return not _runs(ME.uid)

        await until(is_free)


async def test_a_killed_flow_releases_its_user_and_its_processes_are_killed(place: Path) -> None:
    argv = [sys.executable, "-c", HOLDER, str(place / "locks"), str(ME.uid)]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    with started(argv, cwd=ROOT, env=env, stdout=subprocess.PIPE) as flow:
        assert flow.stdout is not None
        assert flow.stdout.readline() == b"holds\n"
        with started(["sleep", "60"], user=ME.uid, group=ME.gid, extra_groups=[]) as left:
            async with acquire_user(USERS[:2]) as user:
                assert user == OTHER
            assert is_alive(left.pid)
            flow.kill()
            flow.wait()
            async with acquire_user(USERS[:1]) as user:
                assert user == ME
                assert not is_alive(left.pid)

"""Each job in flight has a user of its own, and takes it over from nobody who still runs."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cages import USERS
from processes import ROOT, is_alive, names_in
from waiting import until

from tasks import taken_user
from tasks.job_users import JobUser
from tasks.taken_user import taken

ME, OTHER = USERS[:2]


async def test_two_at_once_are_never_the_same_user_and_a_third_waits_and_says_so(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(taken_user, "LOOK_EVERY", taken_user.LOOK_EVERY / 50)
    said: list[str] = []
    async with taken(USERS[:2], said.append) as one:
        async with taken(USERS[:2], said.append) as two:
            assert {one, two} == {ME, OTHER}
            waiting = asyncio.create_task(_enter(said))

            async def has_said() -> bool:
                return bool(said)

            await until(has_said)
            assert said == ["waiting for a job user: all 2 that REPORTBACK_JOB_USER names are taken"]
            assert not waiting.done()
        assert await asyncio.wait_for(waiting, 10) == two
    assert len(said) == 1
    assert names_in(place / "locks") == [str(ME.uid), str(OTHER.uid)]


async def _enter(said: list[str]) -> JobUser:
    async with taken(USERS[:2], said.append) as user:
        return user


def started(argv: list[str], **how: Any) -> "subprocess.Popen[bytes]":  # noqa: ANN401  # Popen's own
    return subprocess.Popen(argv, **how)


HOLDER = """
import asyncio, sys
from pathlib import Path
from typing import Any
from tasks import taken_user
from tasks.job_users import JobUser
async def hold():
    taken_user.LOCKS = Path(sys.argv[1])
    async with taken_user.taken([JobUser(int(sys.argv[2]), int(sys.argv[2]))], print):
        print("holds", flush=True)
        await asyncio.sleep(60)
asyncio.run(hold())
"""


async def test_a_killed_flow_gives_its_user_back_and_what_still_runs_as_it_is_killed(place: Path) -> None:
    argv = [sys.executable, "-c", HOLDER, str(place / "locks"), str(ME.uid)]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    with started(argv, cwd=ROOT, env=env, stdout=subprocess.PIPE) as flow:
        assert flow.stdout is not None
        assert flow.stdout.readline() == b"holds\n"
        with started(["sleep", "60"], user=ME.uid, group=ME.gid, extra_groups=[]) as left:
            async with taken(USERS[:2], print) as user:
                assert user == OTHER
            assert is_alive(left.pid)
            flow.kill()
            flow.wait()
            async with taken(USERS[:1], print) as user:
                assert user == ME
                assert not is_alive(left.pid)

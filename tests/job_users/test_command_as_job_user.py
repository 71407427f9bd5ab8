"""A command run as a job user has only that user's rights, and ends with its supervisor."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from job_user_rig import USERS, job_python
from processes import ROOT, is_alive
from waiting import block_until, until

from domain.process.limits import NO_LIMITS, Limits
from tasks.process.command import Finished, run_command
from tasks.process.files import USUAL, hand_over
from tasks.process.user_lock import _runs

SUPERVISOR = ROOT / "tasks" / "process" / "supervisor.py"
ME = USERS[0]


@pytest.fixture
async def folder(place: Path) -> Path:
    """The user's own."""
    made = place / "scratch" / "copy"
    made.mkdir(parents=True)
    await hand_over([made], ME, NO_LIMITS.for_files(USUAL))
    return made


async def run(folder: Path, script: str, limits: Limits = NO_LIMITS) -> Finished:
    return await run_command(
        ("sh", "-ec", script),
        cwd=folder,
        env={"PATH": os.defpath, "HOME": str(folder)},
        timeout=timedelta(seconds=20),
        on_line=lambda _: None,
        user=ME,
        limits=limits,
    )


async def output_of(folder: Path, script: str) -> list[str]:
    done = await run(folder, script)
    assert done.exit_code == 0, done.tail
    return list(done.tail)


@pytest.fixture
def in_groups() -> Iterator[None]:
    """We are members of groups."""
    before = os.getgroups()
    os.setgroups([*before, 4242])
    yield
    os.setgroups(before)


@pytest.mark.usefixtures("in_groups")
async def test_it_is_that_user_and_no_member_of_our_groups(folder: Path) -> None:
    assert await output_of(folder, "id -u; id -g; id -G") == [str(ME.uid), str(ME.gid), str(ME.gid)]


async def test_it_has_no_capability_and_no_way_to_get_one(folder: Path) -> None:
    said = await output_of(folder, "grep -E '^(Cap(Inh|Prm|Eff|Amb)|NoNewPrivs)' /proc/self/status")
    assert [line.split() for line in said] == [
        ["CapInh:", "0" * 16],
        ["CapPrm:", "0" * 16],
        ["CapEff:", "0" * 16],
        ["CapAmb:", "0" * 16],
        ["NoNewPrivs:", "1"],
    ]


async def test_the_kernel_bounds_its_threads_too(folder: Path) -> None:
    """For a process that forks faster than the supervisor counts. The job user has no other processes to be counted."""
    done = await run(folder, "grep 'Max processes' /proc/self/limits", Limits(processes=10))
    assert [line.split()[2:4] for line in done.tail] == [["1160", "1160"]]


async def test_it_inherits_no_descriptor_but_its_input_and_output(folder: Path) -> None:
    with (folder.parent / "secret").open("w") as secret:
        os.set_inheritable(secret.fileno(), True)
        listed = await output_of(folder, "ls -l /proc/$$/fd")
    assert [line.split()[8] for line in listed if "->" in line] == ["0", "1", "2"]
    assert not [line for line in listed if "socket" in line or "secret" in line]


async def test_it_can_open_its_own_output_again(folder: Path) -> None:
    assert await output_of(folder, "echo one > /dev/stdout; echo two > /dev/stderr") == ["one", "two"]


async def test_its_folder_is_its_own_and_the_one_around_it_is_not_for_it_to_see(folder: Path) -> None:
    (folder.parent / "other").mkdir(mode=0o755)
    script = "touch made; ls .. 2>/dev/null || echo closed; touch ../made 2>/dev/null || echo not ours; pwd"
    assert await output_of(folder, script) == ["closed", "not ours", str(folder)]


async def test_it_can_neither_end_nor_read_its_supervisor(folder: Path) -> None:
    script = "kill -KILL $PPID 2>/dev/null || echo no; cat /proc/$PPID/environ 2>/dev/null || echo no"
    assert await output_of(folder, script) == ["no", "no"]


async def test_a_daemonised_process_ends_with_it(folder: Path) -> None:
    await output_of(folder, "(setsid sh -c 'echo $$ > stays; exec sleep 60' &) ; until [ -s stays ]; do :; done")
    assert not is_alive(int((folder / "stays").read_text()))


CHAIN = "import os, time\nend = time.time() + 120\nwhile time.time() < end:\n  if os.fork(): os._exit(0)"


async def test_a_process_that_keeps_forking_and_exiting_ends_with_it(folder: Path) -> None:
    await run_command(
        (job_python(), "-c", CHAIN),
        cwd=folder,
        env={"PATH": os.defpath},
        timeout=timedelta(seconds=1),
        grace=timedelta(seconds=1),
        on_line=lambda _: None,
        user=ME,
    )
    assert not _runs(ME.uid)  # it goes on for two minutes, and a supervisor is waited for half a minute


async def test_it_ends_at_its_time_limit_even_if_it_ignores_signals(folder: Path) -> None:
    running = asyncio.create_task(run(folder, "trap '' TERM; echo $$ > runs; while :; do sleep 1; done"))

    async def runs() -> bool:
        return (folder / "runs").exists() and bool((folder / "runs").read_text())

    await until(runs)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert not is_alive(int((folder / "runs").read_text()))


def test_it_does_not_outlive_a_killed_supervisor(folder: Path) -> None:
    read, write = os.pipe()
    script = "echo $$ > runs; exec sleep 60"
    words = (str(read), "0.2", "", ME.as_argument, "sh", "-c", script)
    argv = [sys.executable, "-I", "-S", str(SUPERVISOR), *words]
    with subprocess.Popen(argv, pass_fds=(read,), cwd=folder) as supervisor:
        block_until(lambda: (folder / "runs").exists() and bool((folder / "runs").read_text()))
        supervisor.kill()
    block_until(lambda: not is_alive(int((folder / "runs").read_text())))
    os.close(read)
    os.close(write)


ORDINARY = """
import asyncio, os, signal, sys
from datetime import timedelta
from pathlib import Path
from domain.process.job_user import Ids
from tasks.process.command import run_command
from tasks.process.users import job_users
from tasks.process.files import USUAL
from domain.process.limits import NO_LIMITS
from tasks.process.files import hand_over
from tasks.process.user_lock import end_all
folder = Path(sys.argv[1])
folder.mkdir(parents=True)
user, = job_users(Ids(int(sys.argv[2]), int(sys.argv[2])))
stays = "(trap '' TERM; setsid sleep 60 &)"
script = f"id -u; grep -E '^Cap(Prm|Eff|Amb)' /proc/self/status; {stays}; echo x > made"
async def run():
    await hand_over([folder], user, NO_LIMITS.for_files(USUAL))
    await run_command(("sh", "-ec", script), cwd=folder, env={"PATH": os.defpath}, timeout=timedelta(seconds=20),
                      on_line=print, user=user, grace=timedelta(seconds=0.2))
    await end_all(user)
asyncio.run(run())
print(os.getuid(), (folder / "made").read_text().strip())
"""
CAPABILITIES = "+chown,+dac_override,+fowner,+kill,+setgid,+setuid"


def test_a_worker_of_an_ordinary_user_needs_six_capabilities_and_passes_none_of_them_on(place: Path) -> None:
    mine = place / "mine"
    mine.mkdir()
    os.chown(mine, USERS[1].uid, USERS[1].gid)
    who = (f"--reuid={USERS[1].uid}", f"--regid={USERS[1].gid}", "--clear-groups")
    may = (f"--inh-caps={CAPABILITIES}", f"--ambient-caps={CAPABILITIES}", f"--bounding-set=-all,{CAPABILITIES}")
    program = (sys.executable, "-c", ORDINARY, str(mine / "scratch" / "copy"), str(ME.uid))
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    ran = subprocess.run(
        ["setpriv", *who, *may, "--no-new-privs", *program],
        env=env,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr  # though with CAP_KILL it killed all that it could, as the job's user
    none = "0" * 16
    assert ran.stdout.split() == [
        str(ME.uid), "CapPrm:", none, "CapEff:", none, "CapAmb:", none, str(USERS[1].uid), "x",
    ]  # fmt: skip


def test_without_them_it_is_refused_with_what_to_do(place: Path) -> None:
    who = (f"--reuid={USERS[1].uid}", f"--regid={USERS[1].gid}", "--clear-groups")
    may = tuple(f"--{kind}-caps=+dac_override" for kind in ("inh", "ambient"))
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    program = (sys.executable, "-c", ORDINARY, str(place / "scratch" / "copy"), str(ME.uid))
    ran = subprocess.run(
        ["setpriv", *who, *may, *program], env=env, cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 1
    assert "lacks CAP_CHOWN, CAP_FOWNER, CAP_KILL, CAP_SETGID, CAP_SETUID. Run the worker as root" in ran.stderr

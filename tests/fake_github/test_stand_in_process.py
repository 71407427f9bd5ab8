"""The stand-in's process: starts, prints its address, and leaves nothing behind."""

import asyncio
import os
import signal
import socket
import sys
from asyncio.subprocess import PIPE

import httpx
import pytest
from processes import ROOT, is_alive, process_of
from stand_in_rig import client_of
from waiting import soon, until

from fake_github.process import StandInFailed, running

STAND_IN = (sys.executable, "-m", "fake_github")


async def test_it_listens_when_it_says_so_and_is_gone_afterwards() -> None:
    async with running() as stand_in, client_of(stand_in.url) as client:
        assert (await client.get("/_stand_in/health")).json() == {"ok": True}
        assert is_alive(stand_in.pid)
    assert not is_alive(stand_in.pid)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_it_in_order_also_when_it_has_just_started(number: signal.Signals) -> None:
    async with process_of(*STAND_IN, cwd=ROOT, stdout=PIPE, stderr=PIPE) as process:
        assert process.stdout
        await process.stdout.readline()
        process.send_signal(number)
        _, stderr = await soon(process.communicate(), "the end of the stand-in")
    assert (process.returncode, stderr) == (0, b"")


async def test_a_hang_keeps_it_from_ending_no_longer_than_anything_else() -> None:
    async with process_of(*STAND_IN, cwd=ROOT, stdout=PIPE) as process:
        assert process.stdout
        url = (await process.stdout.readline()).decode().strip().removeprefix("stand-in GitHub on ")
        async with client_of(url) as client:
            fault = [{"kind": "hang", "seconds": 3600}]
            (await client.post("/_stand_in/faults", json=fault)).raise_for_status()
            posting = asyncio.create_task(
                client.post(f"/repos/octo/docs/statuses/{'a' * 40}", json={"state": "success"})
            )

            async def has_come() -> bool:
                return bool((await client.get("/_stand_in/requests")).json())

            await until(has_come)
            process.terminate()
            await soon(process.wait(), "the end of the stand-in")
            with pytest.raises(httpx.TransportError):
                await posting
    assert process.returncode == 0


async def test_its_options_reach_it() -> None:
    sha = "a" * 40
    options = ("--commit", sha.upper(), "--bad-token", "bad", "--per-hour", "3", "--writes-per-minute", "1")
    async with running(*options) as stand_in, client_of(stand_in.url) as client:

        async def post(commit: str, token: str) -> int:
            headers = {"authorization": f"Bearer {token}"}
            path = f"/repos/octo/docs/statuses/{commit}"
            return (await client.post(path, json={"state": "success"}, headers=headers)).status_code

        assert await post(sha, "bad") == 401
        assert await post("b" * 40, "other") == 422
        assert [await post(sha, "good") for _ in range(2)] == [201, 403]


async def test_a_taken_port_is_reported() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(StandInFailed):
        async with running(port=taken.getsockname()[1]):
            pass


PARENT = """
import asyncio, sys
from fake_github.process import running
async def main():
    async with running() as stand_in:
        print(stand_in.pid, flush=True)
        await asyncio.Event().wait()
asyncio.run(main())
"""


async def test_it_does_not_outlive_a_parent_that_is_killed() -> None:
    async with process_of(sys.executable, "-c", PARENT, cwd=ROOT, stdout=PIPE) as parent:
        assert parent.stdout
        pid = int(await parent.stdout.readline())
        assert is_alive(pid)
    await until(lambda: not is_alive(pid))


async def test_it_does_not_start_for_a_parent_that_is_already_gone() -> None:
    gone = str(os.getpid() + 1_000_000)
    async with process_of(*STAND_IN, "--die-with-parent", gone, cwd=ROOT, stdout=PIPE) as process:
        stdout, _ = await soon(process.communicate(), "the end of the stand-in")
    assert (process.returncode, stdout) == (0, b"")

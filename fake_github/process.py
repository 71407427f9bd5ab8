"""Runs the stand-in as a separate process, for tests, the demo and `up`."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from fake_github.exchange import Json

_ROOT = Path(__file__).resolve().parent.parent
_ANNOUNCED = "stand-in GitHub on "
_START_SECONDS = 60
_STOP_SECONDS = 5


class StandInFailed(RuntimeError):
    """The stand-in did not start; its stderr says why."""


class StandIn:
    """A stand-in that listens at `url`; `pid` is its process."""

    def __init__(self, url: str, pid: int, client: httpx.AsyncClient) -> None:
        """*client* uses its control interface, under `/_stand_in/`."""
        self.url = url
        self.pid = pid
        self._client = client

    async def fault(self, kind: str, **fields: object) -> None:
        """Script one fault; *kind* and *fields* are those of `fake_github.faults.Fault`.

        Raises:
            ValueError: There is no such kind or field, or a value is out of its range.
        """
        response = await self._client.post("faults", json=[{"kind": kind, **fields}])
        if response.is_error:
            raise ValueError(response.text)

    async def tokens(self) -> list[Json]:
        """Every installation token that was made, oldest first, without its value."""
        return await self._list("tokens")

    async def revoke(self) -> None:
        """Revoke all installation tokens that were made."""
        (await self._client.delete("tokens")).raise_for_status()

    async def change_installation(self, number: int, **fields: object) -> None:
        """Change `suspended`, `permissions` or `repositories` of an installation."""
        (await self._client.patch(f"installations/{number}", json=fields)).raise_for_status()

    async def uninstall(self, number: int) -> None:
        """Remove an installation."""
        (await self._client.delete(f"installations/{number}")).raise_for_status()

    async def clear(self) -> None:
        """Remove all faults."""
        (await self._client.delete("faults")).raise_for_status()

    async def statuses(self) -> list[Json]:
        """Every status held by now, oldest first: GitHub's fields, `repository` and `sha`."""
        return await self._list("statuses")

    async def check_runs(self) -> list[Json]:
        """Every check run held by now, oldest first: GitHub's fields, `repository`, `sha` and `annotations`."""
        return await self._list("check_runs")

    async def give_check_run_to(self, app_id: int, number: int) -> None:
        """Make a check run another App's: it is answered 404 to ours."""
        (await self._client.patch(f"check_runs/{number}", json={"app_id": app_id})).raise_for_status()

    async def delete_check_run(self, number: int) -> None:
        """Delete a check run, as GitHub deletes the oldest of too many."""
        (await self._client.delete(f"check_runs/{number}")).raise_for_status()

    async def requests(self) -> list[Json]:
        """Every request seen, oldest first: the fields of `fake_github.requests.Seen`."""
        return await self._list("requests")

    async def _list(self, what: str) -> list[Json]:
        response = (await self._client.get(what)).raise_for_status()
        listed: list[Json] = response.json()
        return listed


@asynccontextmanager
async def running(*options: str, port: int = 0) -> AsyncIterator[StandIn]:
    """Run a stand-in on *port* (0: a free one) of this machine; ended at the end of the block.

    *options* are those of `python -m fake_github`. It does not outlive this process, even if that is killed (Linux).

    Raises:
        StandInFailed: It did not come to listen within a minute; the port may be taken.
    """
    arguments = ("--port", str(port), "--die-with-parent", str(os.getpid()), *options)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "fake_github", *arguments, cwd=_ROOT, stdout=PIPE, start_new_session=True
    )
    try:
        url = await _announced(process)
        async with httpx.AsyncClient(base_url=f"{url}/_stand_in/", trust_env=False, timeout=_START_SECONDS) as client:
            yield StandIn(url, process.pid, client)
    finally:
        await _end(process)


async def _announced(process: Process) -> str:
    if process.stdout is None:
        raise StandInFailed("it has no output")
    try:
        async with asyncio.timeout(_START_SECONDS):
            line = (await process.stdout.readline()).decode().strip()
    except TimeoutError:
        raise StandInFailed(f"it did not listen within {_START_SECONDS} s") from None
    if not line.startswith(_ANNOUNCED):
        raise StandInFailed(f"it ended with {await process.wait()}")
    return line.removeprefix(_ANNOUNCED)


async def _end(process: Process) -> None:
    """End it with SIGTERM, after 5 s SIGKILL, and wait for it."""
    if process.returncode is None:
        process.terminate()
    try:
        async with asyncio.timeout(_STOP_SECONDS):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()

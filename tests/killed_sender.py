"""A sender to be killed, in a process of its own, that waits between its claim and its request.

Run as a program, its arguments are the ledger's URL, the target's id, the address of GitHub, and for how many seconds
of GitHub's to wait.
"""

import asyncio
import os
import sys
from asyncio.subprocess import Process
from itertools import count

from processes import ROOT
from scaled import client, reporter, seconds
from world import SteppedLedger

from storage.engine import open_ledger
from tasks.deliver import deliver


async def start(ledger_url: str, target_id: int, api_url: str, *, hesitates: float) -> Process:
    """Start it; nobody waits for it to have claimed."""
    return await asyncio.create_subprocess_exec(
        sys.executable, __file__, ledger_url, str(target_id), api_url, str(hesitates),
        env={**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"},
    )  # fmt: skip


async def _main(ledger_url: str, target_id: str, api_url: str, hesitates: str) -> None:
    commits = count()

    async def hesitate(name: str) -> None:
        if name == "committed" and next(commits) == 0:
            await seconds(float(hesitates))

    async with open_ledger(ledger_url) as own, client(api_url) as github:
        await deliver(reporter(SteppedLedger(own.engine, own.sessions, own.clock, hesitate), github), int(target_id))


if __name__ == "__main__":
    asyncio.run(_main(*sys.argv[1:]))

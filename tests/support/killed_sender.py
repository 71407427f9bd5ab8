"""A sender in a process of its own that waits between its claim and its request, to be killed there.

Its arguments as a program: the ledger's URL, the target's id, GitHub's address, and how many of GitHub's seconds to
wait.
"""

import asyncio
import os
import sys
from asyncio.subprocess import Process
from contextlib import AbstractAsyncContextManager
from itertools import count

from processes import ROOT, process_of
from scaled import SECOND, client, reporter, seconds
from steps import SteppedLedger, parts

from storage.ledger import open_ledger
from tasks.delivery.deliver import deliver


def running(ledger_url: str, target_id: int, api_url: str, *, hesitates: float) -> AbstractAsyncContextManager[Process]:
    """Start the sender, which may not have claimed yet; it ends with the block."""
    return process_of(
        sys.executable, __file__, ledger_url, str(target_id), api_url, str(hesitates),
        env={**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'tests' / 'support'}", "REPORTBACK_TEST_SECOND": str(SECOND)},
    )  # fmt: skip


async def _main(ledger_url: str, target_id: str, api_url: str, hesitates: str) -> None:
    commits = count()

    async def hesitate(name: str) -> None:
        if name == "committed" and next(commits) == 0:
            await seconds(float(hesitates))

    async with open_ledger(ledger_url) as own, client(api_url) as github:
        await deliver(reporter(SteppedLedger(*parts(own), hesitate), github), int(target_id))


if __name__ == "__main__":
    asyncio.run(_main(*sys.argv[1:]))

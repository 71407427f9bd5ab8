"""Starts sender_process.py, and reconciles what its processes left."""

import os
import sys
from asyncio.subprocess import PIPE, Process
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

from log_lines import nothing_logged
from processes import ROOT, process_of
from sender_process import Later, job, life, sender
from sqlmodel import select

from fake_github.process import StandIn
from storage.ledger import Ledger
from storage.models import StatusTarget
from tasks.delivery.deliver_due import deliver_due
from tasks.delivery.reporter import Reporter

PROGRAM = Path(__file__).with_name("sender_process.py")


def process_that(what: str, url: str, api_url: str, *numbers: int) -> AbstractAsyncContextManager[Process]:
    """Start sender_process.py with the command *what*; it ends with the block."""
    return process_of(
        sys.executable, str(PROGRAM), what, url, api_url, *map(str, numbers),
        stdout=PIPE, env={**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'tests' / 'support'}"},
    )  # fmt: skip


async def target_of(ledger: Ledger, context: str) -> int:
    with ledger.transaction() as tx:
        return tx.session.exec(select(StatusTarget.id).where(StatusTarget.context == context)).one() or 0


async def reconcile(process: Reporter, time: Later) -> None:
    """Make three reconciliation runs, a minute apart."""
    for _ in range(3):
        time.pass_by(60)
        with nothing_logged():
            await deliver_due(process, uuid4(), budget=timedelta(seconds=5), senders=4)


async def killed_anywhere(url: str, stand_in: StandIn, first: int, every: int) -> int:
    """Have a process killed at each of its effects, or every so many-th from *first* on, and others finish its jobs.

    Returns at which number one lived.
    """
    async with process_that("lives", url, stand_in.url, first, every) as process:
        printed, _ = await process.communicate()
    assert process.returncode == 0
    lived, time = int(printed), Later()
    await stand_in.clear()
    time.pass_by(60)
    async with sender(url, stand_in.url, time) as successor:
        for number in range(first, lived, every):
            await life(successor, job(number), time)
        await reconcile(successor, time)
    return lived


async def held_by_context(stand_in: StandIn) -> dict[str, list[str]]:
    """The states that GitHub holds of each context, oldest first."""
    found: dict[str, list[str]] = {}
    for status in await stand_in.statuses():
        found.setdefault(str(status["context"]), []).append(str(status["state"]))
    return found

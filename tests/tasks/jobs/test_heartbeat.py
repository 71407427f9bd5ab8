"""The heartbeat of a job while its ledger is unavailable."""

import asyncio
from contextlib import suppress
from uuid import UUID

import pytest
from simulated import SimulatedClock, SimulatedLoop

from domain.jobs.execution import Execution
from tasks.delivery.reporter import Reporter
from tasks.jobs import heartbeat
from tasks.jobs.heartbeat import WATCH_FOR, keep_heartbeat

EXECUTION = Execution(UUID(int=1), 1, None)
AWAY_UNTIL = (10.5, 11.0, 14.0, 15.5, 20.5, 29.0, 60.5, 301.0)
"""Seconds after the job began: its first heartbeat, after 10 s, fails."""


async def a_minute() -> None:
    """Wait as for a transaction, which no cancel ends."""
    until = asyncio.get_running_loop().time() + 60
    while asyncio.get_running_loop().time() < until:
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(until - asyncio.get_running_loop().time())


async def signs(back_at: float, *, refuses: bool, monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The times of a job's first two stored heartbeats, with a ledger unavailable until *back_at*."""
    loop, given = asyncio.get_running_loop(), list[float]()

    async def give(_: Reporter, __: Execution) -> bool:
        if loop.time() < back_at:
            if refuses:
                raise ConnectionRefusedError
            await a_minute()  # what was asked before then ends long after
            raise ConnectionError
        given.append(loop.time())
        return len(given) < 2

    async def why_cancelled() -> str:
        return ""

    monkeypatch.setattr(heartbeat, "_send_heartbeat", give)
    stopped = await keep_heartbeat(object(), EXECUTION, why_cancelled)  # type: ignore[arg-type]  # no reporter is needed
    assert stopped is None
    return given


@pytest.mark.parametrize("refuses", [True, False], ids=["refuses", "hangs"])
@pytest.mark.parametrize("back_at", AWAY_UNTIL)
def test_a_living_job_sends_a_heartbeat_in_time_once_its_ledger_is_back(
    back_at: float, monkeypatch: pytest.MonkeyPatch, *, refuses: bool
) -> None:
    with asyncio.Runner(loop_factory=lambda: SimulatedLoop(SimulatedClock())) as runner:
        first, second = runner.run(signs(back_at, refuses=refuses, monkeypatch=monkeypatch))
    assert first - back_at <= (WATCH_FOR - heartbeat.HEARTBEAT_TIMEOUT).total_seconds()  # it may take as long as that
    assert second - first == pytest.approx(heartbeat.HEARTBEAT_EVERY.total_seconds())

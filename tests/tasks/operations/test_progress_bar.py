"""The progress bar of a job that has ended shows its last progress and delays nothing."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID, uuid4

import httpx
import pytest
from cancelling import STOPS, staying_in, stop
from waiting import block_until

from domain.output.progress import Progress
from tasks.operations import progress_bar as module
from tasks.operations.progress_bar import progress_bar

NEVER = timedelta(hours=1)


async def at_once() -> None:
    """Nothing holds it up."""


@dataclass
class Prefect:
    """What it was asked to show, in order, once `step` let it."""

    shown: list[float] = field(default_factory=list)
    tries: int = 0
    step: Callable[[], Awaitable[None]] = at_once

    async def create(self, percent: float, *, description: str) -> UUID:
        assert description == "a title"
        await self.update(uuid4(), percent)
        return uuid4()

    async def update(self, _: UUID, percent: float) -> None:
        self.tries += 1
        await self.step()
        self.shown.append(percent)


@pytest.fixture
def prefect(monkeypatch: pytest.MonkeyPatch) -> Prefect:
    made = Prefect()
    monkeypatch.setattr(module, "acreate_progress_artifact", made.create)
    monkeypatch.setattr(module, "aupdate_progress_artifact", made.update)
    return made


@pytest.mark.parametrize("steps", [[100], [50, 100], [10, 20, 30], [100, 10]])
async def test_the_last_progress_of_a_job_that_ended_is_shown_however_short_it_was(
    prefect: Prefect, steps: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "EVERY", NEVER)
    async with progress_bar("a title") as show:
        for step in steps:
            show(Progress(step, 100))
    assert prefect.shown == [float(steps[-1])]


async def test_shown_progress_is_not_shown_again(prefect: Prefect, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "EVERY", timedelta(seconds=0.01))
    async with progress_bar("a title") as show:
        show(Progress(1, 2))
        await asyncio.to_thread(block_until, lambda: bool(prefect.shown))
    assert prefect.shown == [50.0]


async def test_a_job_without_progress_has_no_bar(prefect: Prefect) -> None:
    async with progress_bar("a title"):
        pass
    assert prefect.tries == 0


async def test_the_last_is_shown_after_the_one_that_is_under_way(
    prefect: Prefect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "EVERY", timedelta(seconds=0.01))
    go_on = asyncio.Event()

    async def held() -> None:
        await go_on.wait()

    prefect.step = held
    async with progress_bar("a title") as show:
        show(Progress(1, 2))
        await asyncio.to_thread(block_until, lambda: prefect.tries == 1)
        show(Progress(2, 2))
        asyncio.get_running_loop().call_later(0.05, go_on.set)
    assert prefect.shown == [50.0, 100.0]


@pytest.mark.parametrize("error", [httpx.ConnectError("refused"), httpx.ReadTimeout("slow")])
async def test_an_unavailable_prefect_is_logged_once_and_shows_the_last_progress(
    prefect: Prefect, error: Exception, monkeypatch: pytest.MonkeyPatch, logged: list[str]
) -> None:
    monkeypatch.setattr(module, "EVERY", timedelta(seconds=0.01))

    async def away() -> None:
        if prefect.tries <= 3:
            raise error

    prefect.step = away
    async with progress_bar("a title") as show:
        show(Progress(1, 2))
        await asyncio.to_thread(block_until, lambda: prefect.tries >= 3)
        show(Progress(2, 2))
    assert prefect.shown[-1] == 100.0
    assert logged == [f"no progress can be shown: {type(error).__name__}"]


async def test_a_prefect_that_never_answers_holds_up_the_end_for_a_moment_only(
    prefect: Prefect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "EVERY", timedelta(seconds=0.01))
    monkeypatch.setattr(module, "LAST", timedelta(seconds=0.05))
    before = asyncio.all_tasks()

    async def never() -> None:
        await asyncio.Event().wait()

    prefect.step = never
    async with progress_bar("a title") as show:
        show(Progress(1, 2))
        await asyncio.to_thread(block_until, lambda: prefect.tries == 1)
    assert prefect.shown == []
    assert asyncio.all_tasks() == before


@STOPS
async def test_the_last_progress_of_a_job_that_was_stopped_is_shown(
    prefect: Prefect, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "EVERY", NEVER)
    others = asyncio.all_tasks()
    running = await staying_in(progress_bar("a title"), lambda show: show(Progress(3, 10)))
    stop(running, how, others)
    with pytest.raises(asyncio.CancelledError):
        await running
    assert prefect.shown == [30.0]

"""Waits for a ledger that is unavailable for seconds, saying so; gives up on one that stays unavailable."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

import pytest

from domain.delivery.notifications import Publish
from settings import Settings
from storage.ledger import LedgerUnavailable
from tasks.delivery import ledger_retry as module
from tasks.delivery.ledger_retry import A_MINUTE, open_when_available, retry_while_unavailable, should_log


@dataclass
class Time:
    """A clock in seconds that moves only when a test sets it."""

    now: float = 0.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture(autouse=True)
def time(monkeypatch: pytest.MonkeyPatch) -> Time:
    """The clock of the module under test, whose waits take no time."""
    made = Time()
    monkeypatch.setattr(module, "time", made)
    monkeypatch.setattr(module, "RETRY_EVERY", timedelta(0))
    return made


class Away:
    """A ledger that is unavailable the first *times*; each attempt takes ten seconds of *time*."""

    def __init__(self, times: int, time: Time) -> None:
        self.left = times
        self._time = time

    async def ask(self) -> str:
        if self.left:
            self.left -= 1
            self._time.now += 10
            raise LedgerUnavailable(OSError("connection refused"))
        return "here"


async def asked(away: Away, longest: timedelta | None) -> str:
    return await retry_while_unavailable(away.ask, longest=longest, failed="it was not stored")


TRIED_AGAIN = "it was not stored, and is tried again {}: the ledger is unavailable: connection refused"


async def test_a_ledger_that_comes_back_is_asked_again_and_the_wait_is_logged(time: Time, logged: list[str]) -> None:
    assert await asked(Away(3, time), A_MINUTE) == "here"
    assert logged == [TRIED_AGAIN.format(f"for up to {left} s more") for left in (50, 40)]


async def test_an_outcome_waits_without_limit_and_logs_at_growing_intervals(time: Time, logged: list[str]) -> None:
    away = Away(1000, time)
    assert await asked(away, None) == "here"
    assert logged == [TRIED_AGAIN.format("until it succeeds")] * (7 + 7)


def test_of_failures_in_a_row_the_first_are_logged_and_then_one_in_four_minutes() -> None:
    told = [number for number in range(1, 400) if should_log(number)]
    assert told == [1, 2, 4, 8, 16, 32, 64, 128, 256, 384]


async def test_a_ledger_that_stays_unavailable_is_given_up_after_a_minute(time: Time, logged: list[str]) -> None:
    with pytest.raises(LedgerUnavailable, match="connection refused"):
        await asked(Away(1000, time), A_MINUTE)
    assert (time.now, len(logged)) == (60, 3)


async def test_another_error_is_not_retried(logged: list[str]) -> None:
    asked: list[int] = []

    async def ask() -> None:
        asked.append(1)
        raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011  # it has no words
        await retry_while_unavailable(ask, longest=None, failed="")
    assert (asked, logged) == ([1], [])


async def test_a_reporter_is_opened_once_its_ledger_is_back(monkeypatch: pytest.MonkeyPatch, time: Time) -> None:
    away, closed = Away(2, time), []

    @asynccontextmanager
    async def opening(_: Settings, actor: str, __: Publish) -> AsyncIterator[str]:
        await away.ask()
        yield actor
        closed.append(actor)

    monkeypatch.setattr(module, "open_reporter", opening)
    async with open_when_available(Settings(), "ann") as opened:
        assert str(opened) == "ann"
        assert closed == []
    assert closed == ["ann"]

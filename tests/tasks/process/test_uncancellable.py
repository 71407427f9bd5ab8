"""Endings run to completion despite cancels and signals."""

import os
import signal

import pytest

from tasks.process.uncancellable import run_uncancellable, sigterm_held_back, sigterm_ignored


async def test_an_ending_is_begun_again_when_it_was_stopped_itself() -> None:
    begun = list[str]()

    async def ending() -> str:
        begun.append("again")
        if len(begun) < 3:
            raise Terminated
        return "done"

    with pytest.raises(Terminated):
        await run_uncancellable(ending)
    assert len(begun) == 3


async def test_a_bug_in_an_ending_is_raised_and_the_ending_not_begun_again() -> None:
    begun = list[str]()

    async def ending() -> str:
        begun.append("once")
        raise KeyError("a bug")

    with pytest.raises(KeyError, match="a bug"):
        await run_uncancellable(ending)
    assert begun == ["once"]


def test_an_ending_job_is_not_torn_down_by_another_sigterm() -> None:
    heard = list[int]()
    before = signal.signal(signal.SIGTERM, lambda number, _: heard.append(number))
    try:
        with sigterm_ignored(), sigterm_ignored():
            os.kill(os.getpid(), signal.SIGTERM)
            assert heard == []
        os.kill(os.getpid(), signal.SIGTERM)
        assert heard == [signal.SIGTERM]
    finally:
        signal.signal(signal.SIGTERM, before)


class Terminated(BaseException):
    """What a handler raises."""


def terminate(*_: object) -> None:
    raise Terminated


@pytest.mark.parametrize("error", [None, KeyError()])
def test_uninterruptible_work_is_interrupted_only_afterwards(error: Exception | None) -> None:
    done = list[str]()

    def work() -> None:
        with sigterm_held_back():
            os.kill(os.getpid(), signal.SIGTERM)
            done.append("all of it")
            if error:
                raise error

    before = signal.signal(signal.SIGTERM, terminate)
    try:
        with pytest.raises(Terminated):
            work()
        assert done == ["all of it"]
        assert signal.getsignal(signal.SIGTERM) is terminate
    finally:
        signal.signal(signal.SIGTERM, before)

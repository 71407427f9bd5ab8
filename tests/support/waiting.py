"""Waits for another process, thread or task, with one time limit for the whole suite.

A test that reaches the limit fails naming what it waited for. It must still release what it holds: a lock, a blocked
thread, a process. `Held` is a context manager for that, and the fixture `ledger` cancels tasks that a failed test left.
"""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from inspect import getsource, isawaitable
from typing import ParamSpec, Self, TypeAlias, TypeVar

T = TypeVar("T")
P = ParamSpec("P")
Condition: TypeAlias = Callable[[], bool | Awaitable[bool]]
Words: TypeAlias = str | Callable[[], object]

FIRST_PAUSE = 0.01
LONGEST_PAUSE = 0.5
"""Seconds between checks, at first and at most: short waits end soon, long ones cost little."""

LONGEST = 60.0
"""Seconds that anything may take on a loaded machine. pytest's own limit for a test is twice that."""


async def until(condition: Condition, *, within: float = LONGEST, what: Words | None = None) -> None:
    """Poll *condition* until it holds.

    *what* names it in the error; by default its function's name, or the line of a lambda.

    Raises:
        AssertionError: it does not hold *within* that many seconds.
    """
    deadline, pause = time.monotonic() + within, FIRST_PAUSE
    while not await _holds(condition):
        assert time.monotonic() < deadline, _in_vain(within, condition, what)
        await asyncio.sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE)


async def _holds(condition: Condition) -> bool:
    found = condition()
    return await found if isawaitable(found) else found


def block_until(condition: Callable[[], bool], *, within: float = LONGEST, what: Words | None = None) -> None:
    """`until` for a test without an event loop."""
    deadline = time.monotonic() + within
    while not condition():
        assert time.monotonic() < deadline, _in_vain(within, condition, what)
        time.sleep(FIRST_PAUSE)


def _in_vain(within: float, condition: Condition, what: Words | None) -> str:
    if what is None:
        name: str = getattr(condition, "__qualname__", repr(condition)).rpartition("<locals>.")[2]
        what = getsource(condition).strip() if name == "<lambda>" else name
    return f"not within {within:g} s: {what() if callable(what) else what}"


async def soon(work: Awaitable[T], what: str) -> T:
    """Return the result of *work*; *what* names it in the error.

    Raises:
        AssertionError: it takes longer than `LONGEST`; *work* is cancelled.
    """
    try:
        async with asyncio.timeout(LONGEST) as bound:
            return await work
    except TimeoutError:
        assert not bound.expired(), f"not within {LONGEST:g} s: {what}"
        raise


async def end_what_is_left() -> None:
    """Cancel the tasks that a failed test left, and wait for them to end."""
    left = asyncio.all_tasks() - {asyncio.current_task()}
    for task in left:
        task.cancel()
    for task in left:
        await soon(asyncio.wait({task}), f"the end of {task}")


@dataclass(frozen=True, slots=True)
class Held:
    """Blocks work in a thread until the test sets `go_on`, or until the end of the block as a context manager."""

    begun: threading.Event = field(default_factory=threading.Event)
    go_on: threading.Event = field(default_factory=threading.Event)
    ended: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.go_on.set()

    def up(self, work: Callable[P, None]) -> Callable[P, None]:
        """Wrap *work* so that it waits for `go_on`."""

        def later(*arguments: P.args, **named: P.kwargs) -> None:
            self.begun.set()
            assert self.go_on.wait(LONGEST), f"not within {LONGEST:g} s: the word to go on"
            try:
                work(*arguments, **named)
            finally:
                self.ended.set()

        return later

"""Transactions run in threads: in order, never two writers of a SQLite ledger, and never left by a cancel."""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from cancelling import IN_THREADS
from ledger_jobs import order, run_job
from sqlmodel import select
from waiting import soon, until

from domain.delivery.notifications import Notification, Resumed
from storage import after_commit, schema
from storage.ledger import Ledger, LedgerUnavailable, open_ledger
from storage.models import Credential
from storage.threads import Pool
from storage.transaction import Transaction


class Stay:
    """A transaction that stays open until it may end."""

    def __init__(self) -> None:
        self.began, self.may_end = threading.Event(), threading.Event()

    def __call__(self, tx: Transaction) -> str:
        tx.session.add(Credential(name="env:STAYED"))
        tx.session.flush()
        after_commit.add(tx, Resumed("env:STAYED", tx.actor))
        self.began.set()
        assert self.may_end.wait(60)
        return "stayed"


@asynccontextmanager
async def staying(ledger: Ledger) -> AsyncIterator[tuple[Stay, asyncio.Task[str]]]:
    stay = Stay()
    task = asyncio.create_task(ledger.write(stay))
    try:
        await until(stay.began.is_set)
        yield stay, task
    finally:
        stay.may_end.set()
        await asyncio.wait([task])


def names(tx: Transaction) -> set[str]:
    return set(tx.session.exec(select(Credential.name)))


@IN_THREADS
@pytest.mark.parametrize("cancels", [1, 3])
async def test_a_caller_that_is_cancelled_waits_for_the_end_of_its_transaction(ledger: Ledger, cancels: int) -> None:
    async with staying(ledger) as (stay, task):
        for _ in range(cancels):
            task.cancel()
            await asyncio.sleep(0)
        assert not task.done()
        stay.may_end.set()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert "env:STAYED" in await ledger.read(names)


@IN_THREADS
@pytest.mark.parametrize("database", ["sqlite"])
async def test_a_transaction_that_has_not_begun_is_not_begun_for_a_cancelled_caller(ledger: Ledger) -> None:
    async with staying(ledger):
        second = asyncio.create_task(ledger.write(lambda tx: tx.session.add(Credential(name="env:SECOND"))))
        await asyncio.sleep(0)
        second.cancel()
        with pytest.raises(asyncio.CancelledError):
            await soon(second, "the cancel of a transaction that has not begun")
    assert await ledger.read(names) == {"env:STAYED"}


@IN_THREADS
@pytest.mark.parametrize("database", ["sqlite"])
async def test_writers_of_one_process_follow_each_other_in_one_thread(ledger: Ledger) -> None:
    """Each would poll for the other's lock, with growing pauses."""
    threads = await asyncio.gather(*(ledger.write(lambda _: threading.get_ident()) for _ in range(20)))
    assert len(set(threads)) == 1


@IN_THREADS
async def test_a_transaction_that_waits_holds_up_neither_the_loop_nor_a_reader(ledger: Ledger) -> None:
    await run_job(ledger, order())
    async with staying(ledger):
        assert await soon(ledger.read(names), "a reader") == {"env:TOKEN"}


def test_the_threads_of_a_pool_hold_up_no_exit_and_end_with_it() -> None:
    pool = Pool(2)
    threads = [pool.submit(threading.current_thread).result() for _ in range(2)]
    assert all(thread.daemon for thread in threads)
    pool.end()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()


def test_a_call_that_raises_ends_no_thread() -> None:
    pool = Pool(1)
    with pytest.raises(ZeroDivisionError):
        pool.submit(lambda: 1 / 0).result()
    assert pool.submit(lambda: 7).result() == 7
    pool.end()


@pytest.mark.parametrize("before", [0, 1], ids=["none", "one"])
def test_where_no_thread_can_be_started_a_call_runs_in_another_or_is_refused(
    before: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool, began, may_end = Pool(2), threading.Event(), threading.Event()
    ran = list[str]()

    def stay() -> None:
        began.set()
        may_end.wait(60)

    if before:
        pool.submit(stay)
        assert began.wait(60)
    monkeypatch.setattr(threading.Thread, "start", fails)
    try:
        if before:
            queued = pool.submit(lambda: ran.append("queued"))
            may_end.set()
            queued.result(60)
        else:
            with pytest.raises(LedgerUnavailable, match="can't start new thread"):
                pool.submit(lambda: ran.append("refused"))
    finally:
        may_end.set()
    monkeypatch.undo()
    pool.submit(lambda: ran.append("later")).result(60)
    assert ran == ["queued", "later"] if before else ["later"]
    pool.end()


def fails(_: threading.Thread) -> None:
    raise RuntimeError("can't start new thread")


@pytest.mark.parametrize("database", ["sqlite"])
async def test_a_ledger_cannot_be_opened_where_no_thread_can_be_started(
    fresh_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(threading.Thread, "start", fails)
    with pytest.raises(LedgerUnavailable, match="can't start new thread"):
        async with open_ledger(fresh_url):
            pass


def is_held(*_: object) -> None:
    raise BlockingIOError


@IN_THREADS
async def test_what_a_cancelled_caller_has_committed_is_published(ledger: Ledger) -> None:
    published = list[Notification]()
    async with staying(replace(ledger, publish=published.append)) as (stay, task):
        task.cancel()
        await asyncio.sleep(0)
        stay.may_end.set()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert [type(one) for one in published] == [Resumed]


@pytest.mark.parametrize("database", ["sqlite"])
async def test_an_upgrade_by_another_process_that_lasts_is_unavailability(
    fresh_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schema, "LOCK_WAIT", 0.1)
    monkeypatch.setattr("fcntl.flock", is_held)
    with pytest.raises(LedgerUnavailable, match="cannot be opened"):
        async with open_ledger(fresh_url):
            pass
    monkeypatch.undo()
    async with open_ledger(fresh_url) as ledger:
        await ledger.now()

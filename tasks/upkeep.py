"""What a pass does besides delivering: figures, forgetting what is old, and what jobs left on this machine."""

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from datetime import timedelta
from threading import Thread

from settings import Settings
from storage.engine import Ledger
from tasks.emit_metrics import emit_metrics
from tasks.keep_output import Outputs, remove_old_outputs
from tasks.prune import prune
from tasks.scratch import sweep
from tasks.work import outputs_of

LONGEST = timedelta(seconds=20)
"""How long each part of it may take. The next pass goes on."""


async def keep_up(ledger: Ledger, settings: Settings, *, on_trouble: Callable[[str], None]) -> None:
    """Hand the figures on, forget what is settled and old, and remove what jobs left here: folders, and old outputs.

    Nothing of it fails a pass, or holds it up for longer than `LONGEST`: *on_trouble* is told, and that is all.
    """
    await _bounded(
        emit_metrics(ledger, settings.pushgateway, interval=settings.interval, on_trouble=on_trouble), on_trouble
    )
    await _bounded(prune(ledger, keep=settings.keep, on_trouble=on_trouble), on_trouble)
    try:
        await _bounded(_aside(lambda: _clear(outputs_of(settings))), on_trouble)
    except OSError as error:
        on_trouble(f"old outputs could not be removed: {error}")


async def _bounded(part: Awaitable[object], on_trouble: Callable[[str], None]) -> None:
    try:
        async with asyncio.timeout(LONGEST.total_seconds()):
            await part
    except TimeoutError as error:
        on_trouble(f"upkeep took too long, and is left to the next pass: {error!r}")


def _clear(outputs: Outputs) -> None:
    sweep()
    remove_old_outputs(outputs)


async def _aside(work: Callable[[], None]) -> None:
    """Do *work* in a thread that keeps no process from ending, as one of asyncio's own would: a disk may never answer.

    Who dies with its process leaves what the next sweep takes.
    """
    done: Future[None] = Future()
    done.set_running_or_notify_cancel()  # whoever gives up waiting does not cancel it

    def run() -> None:
        try:
            done.set_result(work())  # type: ignore[func-returns-value]  # there is none
        except Exception as error:  # noqa: BLE001  # it is raised where it is waited for
            done.set_exception(error)

    Thread(target=run, daemon=True).start()
    await asyncio.wrap_future(done)

"""What a pass does besides delivering: figures, forgetting what is old, and what the dead left on this machine."""

import asyncio
from collections.abc import Callable

from settings import Settings
from storage.engine import Ledger
from tasks.emit_metrics import emit_metrics
from tasks.prune import prune
from tasks.scratch import sweep


async def keep_up(ledger: Ledger, settings: Settings, *, on_trouble: Callable[[str], None]) -> None:
    """Hand the figures on, forget what is settled and old, and remove the folders of jobs that died here.

    Nothing of it fails a pass: *on_trouble* is told, and that is all.
    """
    await emit_metrics(ledger, settings.pushgateway, interval=settings.interval, on_trouble=on_trouble)
    await prune(ledger, keep=settings.keep, on_trouble=on_trouble)
    await asyncio.to_thread(sweep)

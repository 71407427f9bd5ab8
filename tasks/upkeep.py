"""What a pass does besides delivering: figures, forgetting what is old, and what jobs left on this machine."""

import asyncio
from collections.abc import Callable

from settings import Settings
from storage.engine import Ledger
from tasks.emit_metrics import emit_metrics
from tasks.keep_output import remove_old_outputs
from tasks.prune import prune
from tasks.scratch import sweep
from tasks.work import outputs_of


async def keep_up(ledger: Ledger, settings: Settings, *, on_trouble: Callable[[str], None]) -> None:
    """Hand the figures on, forget what is settled and old, and remove what jobs left here: folders, and old outputs.

    Nothing of it fails a pass: *on_trouble* is told, and that is all.
    """
    await emit_metrics(ledger, settings.pushgateway, interval=settings.interval, on_trouble=on_trouble)
    await prune(ledger, keep=settings.keep, on_trouble=on_trouble)
    await asyncio.to_thread(sweep)
    try:
        await remove_old_outputs(outputs_of(settings))
    except OSError as error:
        on_trouble(f"old outputs could not be removed: {error}")

"""Does maintenance in a reconciliation run: pushes metrics, prunes old rows, removes leftovers of jobs."""

import asyncio
import logging
from collections.abc import Awaitable
from datetime import timedelta
from functools import partial

from domain.redact import of_error
from settings import Settings
from storage.ledger import Ledger
from tasks.jobs.execution_spec import outputs_of
from tasks.jobs.keep_output import Outputs, remove_old_outputs
from tasks.operations.push_metrics import emit_metrics
from tasks.operations.retention import prune
from tasks.process.background import Stop, run_in_background
from tasks.process.temp_dirs import sweep

logger = logging.getLogger("reportback.operations")

LONGEST = timedelta(seconds=20)
"""How long each part may take. The next run continues it."""


async def maintain(ledger: Ledger, settings: Settings) -> None:
    """Push the metrics, prune settled and old rows, and remove leftovers of jobs here: scratch folders, old outputs.

    No part fails the run, or delays it for longer than `LONGEST`: its error is logged.
    """
    await _bounded(emit_metrics(ledger, settings.pushgateway, interval=settings.interval, ca_file=settings.ca_file))
    await _bounded(prune(ledger, keep=settings.keep))
    try:
        await _bounded(run_in_background(partial(_clear, outputs_of(settings)), longest=LONGEST))
    except OSError as error:
        logger.warning("old outputs could not be removed: %s", error)


async def _bounded(part: Awaitable[object]) -> None:
    try:
        async with asyncio.timeout(LONGEST.total_seconds()):
            await part
    except TimeoutError as error:
        logger.warning("maintenance took too long, and is left to the next reconciliation run: %s", of_error(error))


def _clear(outputs: Outputs, stop: Stop) -> None:
    sweep(stop=stop)
    remove_old_outputs(outputs, stop)
